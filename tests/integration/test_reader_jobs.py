"""`engagement reader erase` and `engagement jobs`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import select

from engagement import clock, reader_jobs
from engagement.app import create_app
from engagement.cli import main
from engagement.db.engine import Database
from engagement.db.jobs import unfinished
from engagement.db.migrate import upgrade
from engagement.db.tables import choices, comments, jobs, readers
from engagement.embedded.folder import ensure_secret_key, make_folder, paths_for
from engagement.embedded.service import stores
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.sites.publishing import add_site
from engagement.worker.loop import Worker
from tests.jobs_world import World
from tests.stores import SqlStore

A = "/v1/demo/articles/story"
Headers = dict[str, str]
Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("database_url", "redis_url", "secret_key"):
        monkeypatch.setenv(f"ENGAGEMENT_{name.upper()}", getattr(settings, name))
    monkeypatch.setattr(reader_jobs, "PATIENCE", 0.2)

    def run(*words: str, **given: Any) -> Result:
        return CliRunner().invoke(main, list(words), **given)

    return run


@pytest.fixture
def ann(client: FlaskClient, new_reader: Callable[..., Headers]) -> str:
    """A reader with a choice and a comment, none of it flushed."""
    return react_and_post(client, new_reader(name="Ann"))


def react_and_post(client: FlaskClient, reader: Headers) -> str:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    assert client.post(f"{A}/comments", json={"body": "text"}, headers=reader).status_code == 201
    found: Any = client.get("/v1/demo/readers/me", headers=reader).json
    return str(found["id"])


def is_erased(database: Database) -> bool:
    with database.read() as connection:
        texts = connection.scalars(select(comments.c.body)).all()
        return (texts, connection.scalars(select(choices.c.choice)).all()) == ([""], [])


def test_where_no_worker_runs_the_command_does_the_work(run: Run, ann: str, database: Database) -> None:
    result = run("reader", "erase", ann, "--yes")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "emptying: what they wrote goes",
        "taking: what they chose is taken back",
        "sweeping: what Redis remembers of them goes",
        f"The reader {ann} is erased.",
    ]
    assert is_erased(database)
    again = run("reader", "erase", ann, "--site", "demo", "--yes")
    assert (again.exit_code, again.output.splitlines()[-1]) == (0, f"The reader {ann} is erased.")


def test_a_worker_that_runs_does_it(run: Run, ann: str, settings: Settings, database: Database) -> None:
    stop = threading.Event()

    def work() -> None:
        worker = Worker(settings)
        while not stop.wait(0.01):
            worker.round()

    working = threading.Thread(target=work)
    working.start()
    try:
        assert run("reader", "erase", ann, "--yes").exit_code == 0
    finally:
        stop.set()
        working.join()
    assert is_erased(database)


def test_it_says_whom_it_would_erase_and_asks(run: Run, ann: str, database: Database) -> None:
    result = run("reader", "erase", ann, input="n\n")
    assert result.exit_code == 1
    asked = "Erase 'Ann', of demo (comments: 1, stored reactions and votes: 0)? It can't be undone [y/N]"
    assert result.output.startswith(asked)
    assert not is_erased(database)
    with database.read() as connection:
        assert unfinished(connection) == []


def test_a_reader_who_is_not_there_is_one_clear_line(run: Run, ann: str) -> None:
    for words in ((str(clock.new_id()),), (ann, "--site", "known")):
        result = run("reader", "erase", *words, "--yes")
        assert (result.exit_code, result.output) == (1, "engagement: There is no such reader.\n")
    result = run("reader", "erase", "ann", "--yes")
    assert result.exit_code == 2
    assert "'ann' is not a valid UUID" in result.output


def test_jobs_that_run_wait_and_fail_are_listed(
    run: Run, ann: str, settings: Settings, database: Database
) -> None:
    assert run("jobs").output == "There are no jobs.\n"
    job = erase(database, UUID(ann))
    line = run("jobs").output
    assert line.startswith(f"{job}  erase  demo  {ann}  emptying  since 20")
    for change, said in (
        ({"error": "Too much is waiting to be stored."}, "  waits: Too much is waiting to be stored."),
        ({"error": "KeyError: 'x'", "faults": 2}, "  failed 2 times: KeyError: 'x'"),
    ):
        with database.write() as connection:
            connection.execute(jobs.update().values(**change))
        assert run("jobs").output.rstrip().endswith(said)
    assert World(settings, database).read(job).faults == 2


def test_a_step_that_fails_ends_the_command_and_not_the_job(
    run: Run, ann: str, settings: Settings, database: Database
) -> None:
    job = erase(database, UUID(ann))
    with database.write() as connection:
        connection.execute(jobs.update().values(state="of-tomorrow"))
    result = run("reader", "erase", ann, "--yes")
    assert result.exit_code == 1
    said = result.output.splitlines()[-1]
    assert said.endswith("will be tried again: EngagementError: there is no step for 'of-tomorrow'")
    assert World(settings, database).read(job).running


def test_ctrl_c_leaves_the_job_to_the_workers(
    ann: str, run: Run, settings: Settings, database: Database
) -> None:
    """It waits for a worker first."""
    command = subprocess.Popen(
        [sys.executable, "-m", "engagement", "reader", "erase", ann, "--yes"],
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "emptying: what they wrote goes\n"
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=60)
    assert command.returncode == 130
    with database.read() as connection:
        (job,) = (found.id for found in unfinished(connection))
    assert said.splitlines()[-1] == f"The job {job} is left to the workers."
    world = World(settings, database)
    world.run(job, world.runner())
    assert is_erased(database)


@pytest.mark.timeout(600)
def test_on_the_data_folder_of_a_serve_that_is_stopped_it_brings_up_the_stores(tmp_path: Path) -> None:
    data = tmp_path / "data"
    make_folder(paths_for(data))
    ensure_secret_key(paths_for(data))
    with stores(data) as settings:
        upgrade(settings.database_url)
        database = Database(settings.database_url)
        add_site(database, "demo", name="Demo", admission="open")
        client = create_app(settings).test_client()
        minted: Any = client.post("/v1/demo/readers", json={}).json
        id = react_and_post(client, {"Authorization": f"Bearer {minted['token']}"})
    result = CliRunner().invoke(main, ["reader", "erase", id, "--yes", "--data", str(data)])
    assert result.exit_code == 0, result.output
    assert is_erased(database)
    database.close()
    assert not list(data.rglob("*.sock"))


def test_whom_a_restored_backup_brings_back_is_erased_again_from_a_list(
    run: Run,
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    database: Database,
    tmp_path: Path,
    settings: Settings,
    sql_store: SqlStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENGAGEMENT_LEDGER_KEEP", "4")  # a ballot that has its rest is due again when it ends
    ann, ben, cem = (react_and_post(client, new_reader(name=name)) for name in ("Ann", "Ben", "Cem"))
    assert Worker(settings).drain()
    kept = tmp_path / "erased"
    assert run("reader", "erase", cem, "--yes").exit_code == 0
    sql_store.back_up(settings.database_url)
    assert run("reader", "erase", ann, "--yes").exit_code == 0
    assert run("reader", "erased", "--export", str(kept)).exit_code == 0
    assert [line.split()[:2] for line in kept.read_text().splitlines()] == [[cem, "demo"], [ann, "demo"]]
    assert run("reader", "erased").output == kept.read_text()
    sql_store.restore(settings.database_url)
    assert is_named(database, ann) == "Ann"
    with kept.open("a") as more:
        more.write(f"{clock.new_id()} demo\n\n")  # of somebody whom the backup does not know
    result = run("reader", "erase", "--from", str(kept), "--yes")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "Erased: 1. Erased before, or not there: 2."
    assert [is_named(database, who) for who in (ann, ben, cem)] == [None, "Ben", None]
    with database.read() as connection:
        assert len(connection.scalars(select(choices.c.reader_id)).all()) == 1
    again = run("reader", "erase", "--from", str(kept), "--yes")
    assert again.output.splitlines()[-1] == "Erased: 0. Erased before, or not there: 3."


def is_named(database: Database, reader: str) -> str | None:
    with database.read() as connection:
        name: str | None = connection.scalar(select(readers.c.name).where(readers.c.id == UUID(reader)))
    return name


def test_a_file_that_is_no_list_of_readers_erases_nobody(
    run: Run, ann: str, database: Database, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(f"{ann} demo\nnobody demo\n")
    result = run("reader", "erase", "--from", str(wrong), "--yes")
    assert (result.exit_code, result.output) == (
        1,
        "engagement: line 2 does not name a reader and a site\n",
    )
    assert is_named(database, ann) == "Ann"
    for words in ((), (ann, "--from", str(wrong))):
        assert run("reader", "erase", *words, "--yes").exit_code == 2
