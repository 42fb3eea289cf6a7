"""A PostgreSQL that hangs, dies and comes back under the service: what goes on, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import choices
from engagement.errors import DatabaseUnavailable
from engagement.settings import Settings, load
from engagement.sites.service import Sites
from engagement.worker.loop import Worker
from tests.kinds import three_sites
from tests.servers import PostgresServer
from tests.waiting import until

A = "/v1/demo/articles/story"
Headers = dict[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One to be hung and killed."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres"), durable=True)
    yield server
    server.stop()


@pytest.fixture
def settings(server: PostgresServer, redis_url: str) -> Settings:
    url = server.create_database()
    three_sites(url)
    return load(
        database_url=url,
        redis_url=redis_url,
        secret_key="a secret of tests, and long enough for it",
        ratelimit_enabled=False,
        database_timeout=0.5,
        public_max_age=60,
    )


@pytest.fixture
def story(client: FlaskClient, reader: Headers, worker: Worker) -> Headers:
    """Somebody who has reacted and commented, all flushed; the page is hot."""
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    client.post(f"{A}/comments", json={"body": "before"}, headers=reader)
    worker.drain()
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    assert client.get(f"{A}/footer").status_code == 200
    return reader


def comment(client: FlaskClient, reader: Headers) -> int:
    body = {"body": f"now, {clock.new_id()}"}
    return client.post(f"{A}/comments", json=body, headers=reader).status_code


def forget_sites(app: Flask) -> None:
    sites: Sites = app.extensions["engagement.sites"]
    sites._known.clear()


def test_what_is_hot_goes_on_while_the_database_hangs_and_the_rest_is_refused(
    app: Flask, client: FlaskClient, server: PostgresServer, story: Headers, worker: Worker
) -> None:
    fresh = client.get(f"{A}/footer")
    assert "Engagement-Degraded" not in fresh.headers
    server.hang()
    try:
        assert comment(client, story) == 503  # this one has waited its time
        forget_sites(app)
        hot = client.get(f"{A}/footer")
        assert (hot.status_code, hot.headers["Engagement-Degraded"]) == (200, "database")
        assert hot.headers["Cache-Control"] == "public, max-age=1"
        assert hot.json == fresh.json
        moved: Any = client.put(f"{A}/reaction", json={"mood": "angry"}, headers=story)
        assert moved.json["reactions"]["top_mood"] == "angry"
        refused = client.post(f"{A}/comments", json={"body": "now"}, headers=story)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        answer: Any = client.get("/readyz")
        assert (answer.status_code, answer.json["database"]) == (503, "down")
    finally:
        server.go_on()
    until(lambda: comment(client, story) == 201)
    assert "Engagement-Degraded" not in client.get(f"{A}/footer").headers
    assert client.get("/readyz").status_code == 200
    until(worker.drain)


@pytest.mark.timeout(120)  # one by one, in eight threads, all of them would wait for longer
def test_only_the_first_callers_wait_for_a_database_that_hangs(
    app: Flask, settings: Settings, server: PostgresServer, story: Headers
) -> None:
    app = create_app(replace(settings, database_timeout=3.0))
    assert comment(app.test_client(), story) == 201
    server.hang()
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: comment(app.test_client(), story), range(400)))
    finally:
        server.go_on()
    assert set(found) == {503}
    until(lambda: comment(app.test_client(), story) == 201)


def test_a_killed_database_is_found_again_without_a_restart(
    client: FlaskClient, server: PostgresServer, story: Headers, settings: Settings, worker: Worker
) -> None:
    server.kill()
    assert comment(client, story) == 503
    assert client.put(f"{A}/reaction", json={"mood": "amused"}, headers=story).status_code == 200
    with pytest.raises(DatabaseUnavailable):
        worker.round()
    server.start()
    until(lambda: comment(client, story) == 201)
    until(worker.drain)
    database = Database(settings.database_url)
    with database.read() as connection:
        assert connection.scalars(select(choices.c.choice)).all() == ["amused"]
    database.close()


def test_a_connection_that_the_server_has_closed_costs_nobody_a_refusal(
    client: FlaskClient, server: PostgresServer, story: Headers, settings: Settings
) -> None:
    """As after a restart of the server, or of a pooler between."""
    assert comment(client, story) == 201
    with server.administrator() as administrator:
        ended = administrator.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = %s",
            ["engagement"],
        ).fetchone()
        assert ended is not None
        assert ended[0] > 0
        until(lambda: not _connected(administrator))
    assert comment(client, story) == 201


def _connected(administrator: psycopg.Connection) -> bool:
    found = administrator.execute("SELECT 1 FROM pg_stat_activity WHERE application_name = 'engagement'")
    return found.fetchone() is not None


def test_a_transaction_whose_client_has_stopped_is_ended_by_the_server(settings: Settings) -> None:
    database = Database(settings.database_url)
    with database.read() as connection:
        limit = connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar()
    assert limit == "30s"
    database.close()
