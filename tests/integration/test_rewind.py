"""SQL goes back under the service, and workers notice it before anybody asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY
from sqlalchemy import func, select

from engagement import clock
from engagement.db.articles import insert_articles
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import choices
from engagement.errors import Unavailable
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot
from engagement.hot.protocol import choosing, tallying
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.stores import SqlStore

A = "/v1/demo/articles/story"
Headers = dict[str, str]


@pytest.fixture
def trimming(settings: Settings) -> Worker:
    """A worker that keeps no flushed entries."""
    return Worker(replace(settings, ledger_keep=0.0))


def told(client: FlaskClient) -> dict[str, int]:
    found: Any = client.get(f"{A}/reactions").json
    return {mood["key"]: mood["count"] for mood in found["moods"] if mood["count"]}


def stored(database: Database) -> dict[str, int]:
    with database.read() as connection:
        rows = connection.execute(select(choices.c.choice, func.count()).group_by(choices.c.choice))
        return {choice: count for choice, count in rows}


def store(worker: Worker) -> None:
    """All that waits, and a beat."""
    assert worker.drain()
    worker._rewind.check(beat=True)


def rewinds() -> float:
    return REGISTRY.get_sample_value("engagement_sql_rewinds_total") or 0.0


def test_what_ledgers_still_hold_is_stored_again_at_once(
    client: FlaskClient, reader: Headers, new_reader: Callable[..., Headers], worker: Worker,
    settings: Settings, sql_store: SqlStore, database: Database,
) -> None:  # fmt: skip
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    store(worker)
    sql_store.back_up(settings.database_url)
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    client.put(f"{A}/reaction", json={"mood": "angry"}, headers=new_reader())
    store(worker)
    sql_store.restore(settings.database_url)
    assert stored(database) == {"happy": 1}
    before = rewinds()
    store(Worker(settings))
    assert rewinds() == before + 1
    assert worker.drain()
    assert stored(database) == told(client) == {"sad": 1, "angry": 1}


def test_what_is_lost_is_lost_for_everybody_and_can_be_chosen_again(
    client: FlaskClient, reader: Headers, trimming: Worker,
    settings: Settings, sql_store: SqlStore, database: Database,
) -> None:  # fmt: skip
    """A live view would go on telling a choice that SQL has lost, and answer its reader that all is well."""
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    store(trimming)
    sql_store.back_up(settings.database_url)
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    store(trimming)
    sql_store.restore(settings.database_url)
    assert told(client) == {"sad": 1}
    store(trimming)
    assert told(client) == stored(database) == {"happy": 1}
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    store(trimming)
    assert told(client) == stored(database) == {"sad": 1}


def test_an_article_that_is_not_there_any_more_is_told_by_no_view(
    client: FlaskClient, reader: Headers, trimming: Worker,
    settings: Settings, sql_store: SqlStore, database: Database,
) -> None:  # fmt: skip
    sql_store.back_up(settings.database_url)
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    store(trimming)
    sql_store.restore(settings.database_url)
    store(trimming)
    assert told(client) == stored(database) == {}


def test_a_comment_that_is_not_there_any_more_takes_no_votes(
    client: FlaskClient, reader: Headers, worker: Worker, settings: Settings, sql_store: SqlStore
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    store(worker)
    sql_store.back_up(settings.database_url)
    posted: Any = client.post(f"{A}/comments", json={"body": "gone soon"}, headers=reader).json
    vote = f"{A}/comments/{posted['id']}/vote"
    assert client.put(vote, json={"value": 1}, headers=reader).status_code == 200
    sql_store.restore(settings.database_url)
    store(worker)
    assert client.put(vote, json={"value": -1}, headers=reader).status_code == 404


def test_a_database_that_did_not_go_back_is_left_alone(
    client: FlaskClient, reader: Headers, worker: Worker, settings: Settings
) -> None:
    other = Worker(settings)
    before = rewinds()
    for mood in ("happy", "sad", "angry"):
        client.put(f"{A}/reaction", json={"mood": mood}, headers=reader)
        store(worker)
        store(other)
        worker._rewind.check(beat=False)
    assert rewinds() == before


def test_a_view_of_a_comment_that_is_not_there_any_more_goes_though_nobody_voted(
    client: FlaskClient, reader: Headers, worker: Worker, settings: Settings, sql_store: SqlStore
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    store(worker)
    sql_store.back_up(settings.database_url)
    posted: Any = client.post(f"{A}/comments", json={"body": "gone soon"}, headers=reader).json
    vote = f"{A}/comments/{posted['id']}/vote"
    assert client.put(vote, json={"value": 0}, headers=reader).status_code == 200
    store(worker)
    sql_store.restore(settings.database_url)
    store(worker)
    assert client.put(vote, json={"value": 1}, headers=reader).status_code == 404


def test_a_redis_that_was_emptied_is_said(
    client: FlaskClient, reader: Headers, worker: Worker, settings: Settings, redis_server: Any
) -> None:
    name = "engagement_redis_rewinds_total"
    before = REGISTRY.get_sample_value(name) or 0.0
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    store(worker)
    worker._rewind.check(beat=False)
    assert REGISTRY.get_sample_value(name) == before
    redis_server.flush()
    worker._rewind.check(beat=False)
    assert REGISTRY.get_sample_value(name) == before + 1
    worker._rewind.check(beat=False)  # once
    Worker(settings)._rewind.check(beat=True)
    assert REGISTRY.get_sample_value(name) == before + 1
    assert told(client) == {"happy": 1}


def test_an_sql_that_goes_back_between_a_look_and_a_beat_is_noticed(
    client: FlaskClient, reader: Headers, worker: Worker, settings: Settings, sql_store: SqlStore
) -> None:
    sql_store.back_up(settings.database_url)
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    store(worker)
    told_before = worker._rewind._hot.execute(commands.beat(0))
    sql_store.restore(settings.database_url)
    assert worker._rewind._beat(told_before, mended=False) is False
    before = rewinds()
    store(worker)
    assert rewinds() == before + 1


def test_an_older_beat_that_is_told_late_changes_nothing(worker: Worker) -> None:
    hot = worker._rewind._hot
    assert hot.execute(commands.beat(7)) == 7
    assert hot.execute(commands.beat(5)) == 7
    assert hot.execute(commands.beat(0)) == 7


def test_more_than_may_be_replayed_is_stored_first_and_soon(
    client: FlaskClient, reader: Headers, new_reader: Callable[..., Headers], worker: Worker,
    settings: Settings, sql_store: SqlStore, database: Database,
) -> None:  # fmt: skip
    """Its flush would be due in a minute, when its entries may go."""
    sql_store.back_up(settings.database_url)
    ballot = Ballot("demo", "story", MOOD)
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    hot = Hot.from_settings(replace(settings, replay_limit=10), StoredBallots(database))
    for _ in range(20):
        hot.play(choosing(ballot, clock.new_id().bytes, "sad", "net"))
    assert worker.drain()
    sql_store.restore(settings.database_url)
    with database.write() as connection:
        insert_articles(connection, [("demo", "story")])
    hot.execute(commands.forget_view(ballot))
    with pytest.raises(Unavailable, match="waiting to be stored"):
        hot.play(tallying(ballot))
    assert worker._flusher.flush().entries == 21
    assert hot.play(tallying(ballot)) == stored(database) == {"happy": 1, "sad": 20}
