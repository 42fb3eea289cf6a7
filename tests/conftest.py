"""What most tests stand on: a real Redis, a real database, the application, the whole service."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from engagement.app import create_app
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.hot.connection import Hot
from engagement.settings import Settings, load
from engagement.worker.loop import Worker
from tests.servers import Served
from tests.stores import SqlStore

pytest_plugins = ["tests.kinds", "tests.measuring", "tests.pace"]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ENGAGEMENT_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands that run in this process set what is logged, and where to."""
    configured, hook, hook_of_threads = structlog.get_config(), sys.excepthook, threading.excepthook
    yield
    structlog.configure(**configured)
    sys.excepthook, threading.excepthook = hook, hook_of_threads


@pytest.fixture
def settings(redis_url: str, sql_store: SqlStore, tmp_path: Path) -> Settings:
    """Of stores of one's own: an empty Redis, and a database as the template is."""
    return load(
        database_url=sql_store.fresh(tmp_path),
        redis_url=redis_url,
        secret_key="a secret of tests, and long enough for it",
        ratelimit_enabled=False,
        public_max_age=1,
        redis_timeout=10.0,  # a busy machine is no outage; what tests a time-out has one of its own
        database_timeout=10.0,
    )


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url)
    yield database
    database.close()


@pytest.fixture
def hot(settings: Settings, database: Database) -> Hot:
    return Hot.from_settings(settings, StoredBallots(database))


@pytest.fixture
def worker(settings: Settings) -> Worker:
    """A worker whose rounds the test plays."""
    return Worker(settings)


@pytest.fixture
def new_reader(client: FlaskClient) -> Callable[..., dict[str, str]]:
    """Mints a reader; answers the headers that tell who they are."""

    def mint(site: str = "demo", name: str | None = None) -> dict[str, str]:
        answer = client.post(f"/v1/{site}/readers", json={"name": name})
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json['token']}"}  # type: ignore[index]

    return mint


@pytest.fixture
def reader(new_reader: Callable[..., dict[str, str]]) -> dict[str, str]:
    return new_reader()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The whole service on a fresh data folder, without rate limits."""
    folder = tmp_path_factory.mktemp("service")
    served = Served(folder / "data", folder / "log", RATELIMIT_ENABLED="false")
    yield served
    assert served.stop() == 0
