"""A view and a flush belong to one history of the data in Redis: what begins another, and what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engagement import clock
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import choices
from engagement.hot import commands
from engagement.hot.answers import Cold, Due, Snapshot, Tally
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot, ballot_keys
from engagement.hot.protocol import Limits, choosing, tallying
from engagement.sites.publishing import put_article
from engagement.worker.flush import Flusher
from tests.servers import RedisNode
from tests.waiting import until

pytestmark = pytest.mark.sqlite_only("what is asked of Redis is the same")
STORY = Ballot("demo", "story", MOOD)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisNode]:
    node = RedisNode(tmp_path_factory.mktemp("node"))
    yield node
    node.stop()


@pytest.fixture
def hot(node: RedisNode, database: Database) -> Iterator[Hot]:
    with node.client() as client:
        client.flushall()
        hot = Hot(client, StoredBallots(database), Limits(replay=100, ttl=3_600))
        put_article(database, hot, "demo", "story")
        yield hot


def choose(hot: Hot, choice: str) -> bytes:
    """A new reader's choice; who it was."""
    reader = clock.new_id().bytes
    hot.play(choosing(STORY, reader, choice, "net"))
    return reader


def is_cold(hot: Hot) -> bool:
    return isinstance(hot.execute(commands.tally(STORY)), Cold)


def stored(database: Database) -> dict[bytes, str]:
    with database.read() as connection:
        rows = connection.execute(select(choices.c.reader_id, choices.c.choice))
        return {reader.bytes: choice for reader, choice in rows}


def test_a_restart_is_another_run(node: RedisNode, hot: Hot) -> None:
    choose(hot, "happy")
    assert not is_cold(hot)
    node.kill()
    node.start()
    assert is_cold(hot)
    assert hot.play(tallying(STORY)) == {"happy": 1}


def test_a_first_replica_makes_views_be_built_anew_and_loses_nothing(
    node: RedisNode, hot: Hot, tmp_path: Path
) -> None:
    choose(hot, "happy")
    replica = RedisNode(tmp_path / "replica")
    try:
        with replica.client() as client:
            client.replicaof("127.0.0.1", str(node.port))
        until(lambda: hot.client.info("replication")["connected_slaves"] == 1)
        choose(hot, "sad")
        assert hot.play(tallying(STORY)) == {"happy": 1, "sad": 1}
    finally:
        replica.kill()
        replica.stop()


def test_a_flush_that_was_read_before_everything_was_deleted_is_not_stored_after_it(
    hot: Hot, database: Database
) -> None:
    """Its cursor would be past the ids that are given out anew."""
    flusher = Flusher(hot, database, StoredBallots(database), keep=0.0)
    for _ in range(5):
        choose(hot, "sad")
    due = hot.execute(commands.due(STORY.shard, 64))
    assert isinstance(due, Due)
    late = flusher.read({STORY.shard: due})
    hot.client.flushall()
    accepted = {choose(hot, "happy"): "happy" for _ in range(2)}
    assert flusher.commit(late) == []
    assert flusher.flush().entries == 2
    assert stored(database) == accepted


def test_a_snapshot_from_before_everything_was_deleted_builds_no_view(hot: Hot) -> None:
    cold: Any = hot.execute(commands.tally(STORY))
    hot.client.flushall()
    snapshot = Snapshot(run=cold.run, generation=1, cursor="0-0", counts={}, complete=True, open=True)
    assert hot.execute(commands.hydrate(STORY, snapshot, cold.policy, 100, 60)) == "RETRY"
    assert is_cold(hot)


def test_views_of_a_release_that_knew_only_the_servers_run_are_built_anew_and_the_other_way_round(
    hot: Hot,
) -> None:
    """While releases change, processes of both use one view."""
    choose(hot, "happy")
    view = ballot_keys(STORY)[0]
    assert hot.client.hget(view, "run").decode() == hot.client.info("server")["run_id"]
    hot.client.hdel(view, "identity")
    assert is_cold(hot)
    assert hot.play(tallying(STORY)) == {"happy": 1}


def test_a_view_lives_on_while_nothing_happens_to_the_server(hot: Hot) -> None:
    choose(hot, "happy")
    for _ in range(3):
        assert isinstance(hot.execute(commands.tally(STORY)), Tally)
