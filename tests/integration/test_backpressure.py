"""Too much that waits to be stored: refused clearly, nothing half done, and it goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engagement import clock
from engagement.app import create_app
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import choices
from engagement.errors import RedisFull, RedisUnavailable, Unavailable
from engagement.hot import commands
from engagement.hot.answers import Known, Snapshot, TooMuch
from engagement.hot.connection import Hot, connect
from engagement.hot.keys import MOOD, Ballot, ballot_keys
from engagement.hot.protocol import Limits, choosing, recalling, recounting, tallying
from engagement.settings import Settings
from engagement.sites.publishing import put_article
from engagement.verify import verify
from engagement.worker.flush import Flusher
from engagement.worker.loop import Worker
from tests.servers import RedisNode
from tests.waiting import until

STORY = Ballot("demo", "story", MOOD)
NEIGHBOUR = Ballot("demo", "story-111", MOOD)
"""In the same shard."""
OTHER = Ballot("demo", "other", MOOD)
"""In another one."""
MOODS = ("happy", "sad", "angry")
LIMIT = 20
SECRET = "a secret of tests, and long enough for it"
Headers = dict[str, str]


@pytest.fixture
def hot(settings: Settings, database: Database) -> Hot:
    hot = Hot(connect(settings.redis_url, 2.0), StoredBallots(database), Limits(1_000, 3_600, held=LIMIT))
    for ballot in (STORY, NEIGHBOUR, OTHER):
        put_article(database, hot, ballot.site, ballot.article)
    return hot


def choose(hot: Hot, ballot: Ballot, choice: str = "happy", reader: bytes | None = None) -> bytes:
    """By a new reader unless one is named; who it was."""
    reader = reader or clock.new_id().bytes
    hot.play(choosing(ballot, reader, choice, "net", hot.limits.held))
    return reader


def held(hot: Hot, shard: int = STORY.shard) -> int:
    return hot.execute(commands.held(shard))


def in_ledgers(hot: Hot) -> int:
    """Of the shard of `STORY`."""
    return sum(int(hot.client.xlen(ballot_keys(ballot)[2])) for ballot in (STORY, NEIGHBOUR))


def flusher(hot: Hot, database: Database, keep: float = 60.0) -> Flusher:
    return Flusher(hot, database, StoredBallots(database), keep)


def stored(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(choices)) or 0


def test_the_ballots_here_are_in_the_shards_they_are_said_to_be() -> None:
    assert STORY.shard == NEIGHBOUR.shard != OTHER.shard


@pytest.mark.every_redis
def test_a_full_shard_refuses_new_choices_and_changes_nothing(hot: Hot, database: Database) -> None:
    readers = [choose(hot, STORY if n % 2 else NEIGHBOUR) for n in range(LIMIT)]
    before = [hot.client.dump(key) for key in ballot_keys(STORY)]
    for reader in (clock.new_id().bytes, readers[1]):
        with pytest.raises(Unavailable, match="Too much is waiting to be stored") as caught:
            choose(hot, STORY, "sad", reader)
        assert caught.value.headers["Retry-After"] == "5"
    assert [hot.client.dump(key) for key in ballot_keys(STORY)] == before
    choose(hot, STORY, "happy", readers[1])  # it is so already
    choose(hot, OTHER)
    assert hot.play(tallying(STORY)) == {"happy": LIMIT / 2}
    while flusher(hot, database).flush().entries:
        pass
    choose(hot, STORY, "sad")
    assert hot.play(tallying(STORY)) == {"happy": LIMIT / 2, "sad": 1}


def test_a_reader_is_told_when_to_come_again(
    settings: Settings, client: FlaskClient, reader: Headers, worker: Worker
) -> None:
    client.put("/v1/demo/articles/story/reaction", json={"mood": "happy"}, headers=reader)
    narrow = create_app(replace(settings, ledger_limit=1)).test_client()
    answer = narrow.put("/v1/demo/articles/story/reaction", json={"mood": "sad"}, headers=reader)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json["detail"] == "Too much is waiting to be stored."  # type: ignore[index]
    assert narrow.get("/v1/demo/articles/story/reactions").json["top_mood"] == "happy"  # type: ignore[index]


def test_a_shard_that_is_more_than_half_full_keeps_nothing_that_is_stored(
    hot: Hot, database: Database
) -> None:
    for _ in range(LIMIT // 2):
        choose(hot, STORY)
    flusher(hot, database).flush()
    assert in_ledgers(hot) == LIMIT // 2  # for a minute
    choose(hot, STORY)
    flusher(hot, database).flush()
    assert in_ledgers(hot) == 0
    assert held(hot) == 0
    assert stored(database) == LIMIT // 2 + 1


@pytest.mark.every_redis
def test_what_a_shard_holds_is_counted_exactly(hot: Hot, database: Database) -> None:
    random = Random(4)
    readers = [clock.new_id().bytes for _ in range(5)]
    hot.limits = Limits(1_000, 3_600)
    flushers = [flusher(hot, database, keep) for keep in (0.0, 60.0)]
    for _ in range(150):
        if random.random() < 0.1:
            random.choice(flushers).flush()
        else:
            choose(hot, random.choice([STORY, NEIGHBOUR]), random.choice(MOODS), random.choice(readers))
        assert held(hot) == in_ledgers(hot)


def test_a_wrong_number_is_mended_by_a_recount_and_once_the_ledgers_are_empty(
    hot: Hot, database: Database
) -> None:
    shard = ballot_keys(STORY)[6]
    for ballot in (STORY, STORY, NEIGHBOUR):
        choose(hot, ballot)
    hot.client.hset(shard, "held", 7)
    assert hot.play(recounting(STORY.shard)) == (7, 3)
    assert held(hot) == 3
    hot.client.hset(shard, "held", LIMIT)
    flusher(hot, database, keep=0.0).flush()
    assert held(hot) == 0
    hot.client.hset(shard, "held", LIMIT)  # and nothing is due that would mend it
    choose(hot, STORY)
    assert held(hot) == 1
    hot.client.delete(shard)
    choose(hot, STORY)
    assert hot.play(recounting(STORY.shard)) == (1, 2)


def test_ledgers_that_become_due_meanwhile_are_not_forgotten_by_a_recount(hot: Hot) -> None:
    choose(hot, STORY)
    plan = recounting(STORY.shard)
    names = hot.execute(next(plan))
    choose(hot, NEIGHBOUR)
    count = plan.send(names)
    assert hot.execute(count) is None
    again = plan.send(None)
    assert len(hot.execute(again)) == 2


@pytest.mark.every_redis
def test_no_script_reads_a_long_ledger_and_no_write_reads_any(hot: Hot) -> None:
    """10,000 entries wait; the servers' own statistics tell what their scripts called."""
    hot.limits = Limits(replay=1_000, ttl=3_600)
    choose(hot, STORY)
    many = [commands.choose(STORY, clock.new_id().bytes, MOODS[n % 3], "net") for n in range(10_000)]
    _forget_statistics(hot)
    hot.execute_many(many)
    assert not _called(hot) & {"xrange", "xrevrange", "xlen", "xread"}
    cold: Any = _cold(hot)
    _forget_statistics(hot)
    snapshot = Snapshot(run=cold.run, generation=1, cursor="0-0", counts={}, complete=True, open=True)
    assert hot.execute(commands.hydrate(STORY, snapshot, cold.policy, 1_000, 60)) == "FLUSH"
    answer = hot.execute(commands.choice(STORY, b"x" * 16, 1_000, Known("", "0-0")))
    assert isinstance(answer, TooMuch)
    assert "xrange" not in _called(hot)
    with pytest.raises(Unavailable, match="Too much is waiting to be stored"):
        hot.play(tallying(STORY))
    with pytest.raises(Unavailable, match="Too much is waiting to be stored"):
        hot.play(recalling((STORY,), b"x" * 16, hot.limits))


def _cold(hot: Hot) -> object:
    hot.execute(commands.forget_view(STORY))
    return hot.execute(commands.tally(STORY))


def _forget_statistics(hot: Hot) -> None:
    for server in hot.primaries():
        server.client.config_resetstat()


def _called(hot: Hot) -> set[str]:
    """The commands that were called, by a client or a script."""
    found: list[Any] = [server.client.info("commandstats") for server in hot.primaries()]
    return {name.removeprefix("cmdstat_") for stats in found for name in stats}


# --- Redis itself has no memory left ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisNode]:
    node = RedisNode(tmp_path_factory.mktemp("small"))
    yield node
    node.stop()


@pytest.fixture
def narrow(small: RedisNode, settings: Settings) -> Iterator[Settings]:
    """Of a Redis without memory for much more than it has now."""
    with small.client() as client:
        client.flushall()
        used: Any = client.info("memory")
        client.config_set("maxmemory", used["used_memory"] + 3_000_000)
        yield replace(settings, redis_url=small.url)
        client.config_set("maxmemory", 0)


def fill(hot: Hot) -> int:
    """Choices until Redis has no memory left: how many were accepted.

    The view is made to stay, so that none of its room is given to the ledger.
    """
    accepted = 1
    choose(hot, STORY)
    for key in ballot_keys(STORY)[:2]:
        hot.client.persist(key)
    while True:
        many = [commands.choose(STORY, clock.new_id().bytes, "happy", "n" * 32) for _ in range(500)]
        answers = hot.execute_each(many)
        accepted += sum(not isinstance(answer, RedisUnavailable) for answer in answers)
        if isinstance(answers[-1], RedisUnavailable):
            assert isinstance(answers[-1], RedisFull)
            return accepted


@pytest.mark.sqlite_only("what is asked of Redis is the same")
def test_a_redis_without_memory_refuses_writes_clearly_and_recovers_by_itself(
    narrow: Settings, database: Database
) -> None:
    client, worker = create_app(narrow).test_client(), Worker(narrow)
    hot = Hot.from_settings(narrow, StoredBallots(database))
    put_article(database, hot, "demo", "story")
    token = client.post("/v1/demo/readers", json={}).json["token"]  # type: ignore[index]
    me = {"Authorization": f"Bearer {token}"}
    accepted = fill(hot)
    entries = hot.client.xlen(ballot_keys(STORY)[2])
    assert entries == accepted

    answer = client.put("/v1/demo/articles/story/reaction", json={"mood": "sad"}, headers=me)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json["detail"] == "Too much is waiting to be stored."  # type: ignore[index]
    assert hot.client.xlen(ballot_keys(STORY)[2]) == entries
    assert hot.play(tallying(STORY)) == {"happy": accepted}
    assert client.get("/v1/demo/articles/story/reactions").json["total"] == accepted  # type: ignore[index]
    assert client.get("/v1/demo/articles/story/footer").status_code == 200
    posted = client.post("/v1/demo/articles/story/comments", json={"body": "still here"}, headers=me)
    assert posted.status_code == 201

    assert worker.drain()
    assert stored(database) == accepted
    assert hot.client.xlen(ballot_keys(STORY)[2]) < entries  # what is stored gave its room back at once
    until(lambda: _reacts(client, me))
    assert worker.drain()
    assert stored(database) == accepted + 1
    assert verify(database, hot).differences == []


def _reacts(client: FlaskClient, me: Headers) -> bool:
    return client.put("/v1/demo/articles/story/reaction", json={"mood": "sad"}, headers=me).status_code == 200


@pytest.mark.sqlite_only("what is asked of Redis is the same")
def test_every_step_of_a_flush_and_of_a_removal_works_without_memory(
    narrow: Settings, database: Database
) -> None:
    hot = Hot.from_settings(narrow, StoredBallots(database))
    put_article(database, hot, "demo", "story")
    put_article(database, hot, "demo", "other")
    choose(hot, OTHER)
    hot.client.config_set("maxmemory", 1)
    with pytest.raises(RedisFull):
        hot.execute(commands.make_due(Ballot("demo", "new", MOOD)))
    name = OTHER.name
    hot.execute(commands.postpone(OTHER.shard, [name, "nobody"], 4_000_000_000_000))
    assert hot.client.zscore(ballot_keys(OTHER)[4], name) == 4_000_000_000_000
    assert hot.client.zscore(ballot_keys(OTHER)[4], "nobody") is None
    assert hot.execute(commands.due_now(OTHER.shard, 10)) == 1
    assert hot.client.zscore(ballot_keys(OTHER)[4], name) < 4_000_000_000_000
    hot.execute(commands.postpone(OTHER.shard, [name], 4_000_000_000_000))
    hot.execute(commands.change_policy(OTHER))
    hot.execute(commands.drop_parts("demo", "story"))
    assert hot.execute(commands.beat(7)) == hot.execute(commands.beat(0)) == 7
    last = hot.client.xrevrange(ballot_keys(OTHER)[2], count=1)[0][0].decode()
    cold: Any = hot.execute(commands.tally(OTHER))
    hot.execute(
        commands.settle(OTHER, cold.run, "0-0", "0-0", 60_000)
    )  # nothing of it is stored: it stays, and is due
    assert hot.client.zscore(ballot_keys(OTHER)[4], name) < 4_000_000_000_000
    hot.execute(commands.settle(OTHER, cold.run, "0-0", last, 60_000))
    assert hot.client.xlen(ballot_keys(OTHER)[2]) == 0
    assert hot.execute(commands.floor(OTHER)) == last
