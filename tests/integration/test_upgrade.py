"""A database is brought to a newer schema while the release before goes on serving it, under load."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import requests
from flask import Flask
from sqlalchemy import inspect, select

from engagement.app import create_app
from engagement.db import migrate
from engagement.db.engine import Database
from engagement.db.tables import choices, comments
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.kinds import three_sites
from tests.servers import Served
from tests.stores import SqlStore
from tests.waiting import until

RELEASES = Path(__file__).parents[1] / "releases"
ARTICLE = "/v1/demo/articles/story"
MOODS = ["happy", "sad", "angry"]
NEXT = '''"""What a release to come might do, as the rules for migrations want it."""
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", "{before}", None, None


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.BigInteger(), primary_key=True))
    op.add_column("comments", sa.Column("mark", sa.String(16), nullable=True))
    op.add_column("choices", sa.Column("weight", sa.SmallInteger(), server_default="1", nullable=False))
'''


class Clients:
    """Readers that react, comment and read, until they are told to stop; every answer is noted."""

    def __init__(self, send: Callable[..., tuple[int, Any]]) -> None:
        self._send = send
        self.answers: Counter[tuple[str, int]] = Counter()
        self.moods: dict[int, str] = {}
        self.posted: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._go, args=(n,)) for n in range(4)]

    def answered(self) -> int:
        return sum(self.answers.values())

    @contextmanager
    def at_work(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _go(self, number: int) -> None:
        status, body = self._send("POST", "/v1/demo/readers", {}, {})
        reader = {"Authorization": f"Bearer {body['token']}"}
        for turn in range(100_000):
            if self._stop.is_set():
                return
            mood = MOODS[turn % len(MOODS)]
            status, body = self._send("PUT", f"{ARTICLE}/reaction", {"mood": mood}, reader)
            self.answers["PUT", status] += 1
            if status == 200:
                self.moods[number] = mood
            status, body = self._send("POST", f"{ARTICLE}/comments", {"body": f"{number} {turn}"}, reader)
            self.answers["POST", status] += 1
            if status == 201:
                self.posted.append(body["id"])
            status, _ = self._send("GET", f"{ARTICLE}/footer", None, {})
            self.answers["GET", status] += 1


@pytest.fixture
def to_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The migrations of this process are those of a release to come: the newest revision."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_next.py").write_text(NEXT.format(before=migrate.newest_revision()))
    monkeypatch.setattr(migrate, "FOLDER", folder)
    return migrate.newest_revision()


@pytest.mark.timeout(600)
def test_the_release_before_goes_on_while_its_database_is_upgraded(tmp_path: Path, to_come: str) -> None:
    """It is then stopped, and this release, which is older than the schema as well, finds all of it."""
    (wheel,) = RELEASES.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        package.extractall(tmp_path / "release")
    before = Served(
        tmp_path / "data", tmp_path / "log", release=tmp_path / "release", RATELIMIT_ENABLED="false"
    )
    clients = Clients(over_http(before.url))
    try:
        version = schema(before.data)
        with clients.at_work():
            until(lambda: clients.answered() > 60)
            migrate.upgrade(f"sqlite:///{before.data}/engagement.db")
            assert schema(before.data) == to_come > version
            upgraded_at = clients.answered()
            until(lambda: clients.answered() > upgraded_at + 120)
    finally:
        assert before.stop() == 0
    assert {status for _, status in clients.answers} == {200, 201}, clients.answers
    after = Served(before.data, tmp_path / "log", RATELIMIT_ENABLED="false")
    try:
        body = requests.get(after.url + ARTICLE + "/footer", timeout=10).json()
        counted = {mood["key"]: mood["count"] for mood in body["reactions"]["moods"] if mood["count"]}
        assert counted == Counter(clients.moods.values())
        assert body["counts"]["comments"] == len(clients.posted)
        assert "no difference" in run("verify", "--data", str(after.data))
    finally:
        assert after.stop() == 0


def schema(data: Path) -> str:
    database = Database(f"sqlite:///{data}/engagement.db")
    try:
        with database.read() as connection:
            return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
    finally:
        database.close()


def run(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "engagement", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def over_http(url: str) -> Callable[..., tuple[int, Any]]:
    local = threading.local()

    def send(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        answer = local.session.request(method, url + path, json=body, headers=headers, timeout=20)
        return answer.status_code, answer.json()

    return send


@pytest.mark.postgresql_only("SQLite locks the file, not a table")
@pytest.mark.timeout(600)
def test_a_table_in_use_is_waited_for_without_keeping_requests_waiting(
    settings: Settings, sql_store: SqlStore, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """This release serves, somebody who copies the database holds its tables, a release to come migrates."""
    settings = replace(settings, database_url=sql_store.empty(tmp_path))
    three_sites(settings.database_url)
    request.getfixturevalue("to_come")
    clients = Clients(in_process(create_app(settings)))
    worker = Worker(settings)
    with ThreadPoolExecutor() as pool, psycopg.connect(settings.database_url) as copying, clients.at_work():
        copying.execute("SELECT count(*) FROM comments")  # ACCESS SHARE, until its transaction ends
        until(lambda: clients.answered() > 60)
        upgrading = pool.submit(migrate.upgrade, settings.database_url)
        began_at = clients.answered()
        until(lambda: waits_for_a_table(settings.database_url))
        until(lambda: clients.answered() > began_at + 60)  # between two tries all goes on
        assert not upgrading.done()
        worker.round()
        copying.rollback()
        upgrading.result(60)
        upgraded_at = clients.answered()
        until(lambda: clients.answered() > upgraded_at + 60)
    assert {status for _, status in clients.answers} == {200, 201}, clients.answers
    assert worker.drain()
    database = Database(settings.database_url)
    with database.read() as connection:
        assert migrate.is_current(connection)
        assert "mark" in {column["name"] for column in inspect(connection).get_columns("comments")}
        assert set(connection.scalars(select(comments.c.id))) == {UUID(id) for id in clients.posted}
        assert Counter(connection.scalars(select(choices.c.choice))) == Counter(clients.moods.values())
    database.close()


def in_process(app: Flask) -> Callable[..., tuple[int, Any]]:
    def send(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        answer = app.test_client().open(path, method=method, json=body, headers=headers)
        return answer.status_code, answer.json

    return send


def waits_for_a_table(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        )
        return bool((row.fetchone() or (0,))[0])


def test_a_database_of_a_release_to_come_is_good_and_one_of_a_release_before_is_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.read() as connection:
        assert migrate.is_current(connection)
        monkeypatch.setattr(migrate, "newest_revision", lambda: "0000")
        assert migrate.is_current(connection)
        monkeypatch.setattr(migrate, "newest_revision", lambda: "9999")
        assert not migrate.is_current(connection)
