"""Jobs on real stores: an erasure, and taking and giving back, under load, after crashes, by two at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from engagement.db import jobs
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.hot.connection import Hot
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.verify import verify
from engagement.worker.loop import Worker
from tests import traces

A = "/v1/demo/articles/story"
Headers = dict[str, str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing stays in the ledger once SQL has it."""
    return replace(settings, ledger_keep=0.0)


@pytest.fixture
def hot(settings: Settings, database: Database) -> Hot:
    return Hot.from_settings(settings, StoredBallots(database))


def id_of(client: FlaskClient, reader: Headers) -> UUID:
    found: Any = client.get("/v1/demo/readers/me", headers=reader).json
    return UUID(found["id"])


def finish(worker: Worker, database: Database, job: UUID) -> None:
    for _ in range(500):
        worker.round()
        with database.read() as connection:
            found = jobs.read(connection, job)
        assert found is not None
        assert found.faults == 0, found.error
        if not found.running:
            assert worker.drain()
            return
    raise AssertionError(f"the job never ends: {found}")


def test_an_erased_reader_leaves_no_choice_and_no_word(
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    worker: Worker,
    database: Database,
    hot: Hot,
) -> None:
    ann, ben = new_reader(name="Ann"), new_reader(name="Ben")
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=ann)
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=ben)
    comment: Any = client.post(f"{A}/comments", json={"body": "of Ann"}, headers=ann).json
    client.put(f"{A}/comments/{comment['id']}/vote", json={"value": 1}, headers=ben)
    client.put(f"{A}/comments/{comment['id']}/vote", json={"value": -1}, headers=ann)
    id = id_of(client, ann)
    finish(worker, database, erase(database, id))
    assert traces.in_sql(database, id) == {
        "readers.id",
        "comments.reader_id",
        "bars.reader_id",
        "jobs.reader_id",
    }
    assert {key.split("}:")[1] for key in traces.in_redis(hot, id)} == {"barred"}
    assert verify(database, hot).differences == []
