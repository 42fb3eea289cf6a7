"""Redis Cluster: slots that move, nodes that hang, die and take over; what the protocol promises holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.crc import key_slot
from redis.exceptions import AskError, RedisClusterException, TryAgainError
from sqlalchemy import select

from engagement import clock
from engagement.breaker import BreakerOpenError
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import choices
from engagement.errors import RedisUnavailable
from engagement.hot import commands
from engagement.hot.answers import Cold, Tally
from engagement.hot.connection import Hot, connect
from engagement.hot.keys import MOOD, Ballot, ballot_keys
from engagement.hot.protocol import Limits, choosing, tallying
from engagement.settings import Settings
from engagement.sites.publishing import put_article
from engagement.worker.flush import Flusher
from tests.servers import RedisCluster
from tests.servers.cluster import ClusterNode
from tests.waiting import until

pytestmark = pytest.mark.sqlite_only("what is asked of Redis is the same")
BALLOTS = [Ballot("demo", f"article-{n}", MOOD) for n in range(300)]
ONE = BALLOTS[0]
TIMEOUT = 0.5


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Three primaries with a replica each."""
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"), replicas=1)
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(whole: RedisCluster) -> Iterator[RedisCluster]:
    """Empty; afterwards whole again, whatever the test did to its nodes."""
    whole.flush()
    yield whole
    for node in whole.nodes:
        if node.up:
            node.go_on()
        else:
            node.start()
    until(lambda: sorted(node.is_following() for node in whole.nodes) == [False] * 3 + [True] * 3, within=60)
    whole.wait_ok()


@pytest.fixture
def hot(cluster: RedisCluster, database: Database) -> Iterator[Hot]:
    servers = connect(cluster.url, TIMEOUT)
    hot = Hot(servers, StoredBallots(database), Limits(replay=100, ttl=3_600))
    for ballot in BALLOTS[:3]:
        put_article(database, hot, ballot.site, ballot.article)
    yield hot
    hot.client.close()


def home(cluster: RedisCluster, ballot: Ballot) -> tuple[int, ClusterNode]:
    """The ballot's slot, and the node that serves it."""
    slot = key_slot(ballot_keys(ballot)[0].encode())
    return slot, cluster.serving(slot)


def replica_of(cluster: RedisCluster, node: ClusterNode) -> ClusterNode:
    return next(each for each in cluster.nodes if each.up and _primary_of(each) == node.port)


def has_all(primary: ClusterNode) -> bool:
    """Has its replica got everything?"""
    said = primary.ask("INFO replication").decode()
    offsets = re.findall(r"(?:state=online,offset=|master_repl_offset:)(\d+)", said)
    return len(offsets) == 2 and len(set(offsets)) == 1


def _primary_of(node: ClusterNode) -> int | None:
    role = node.ask("ROLE")
    return int(role[2]) if role[0] == b"slave" else None


def goes(hot: Hot, ballot: Ballot) -> bool:
    try:
        hot.execute(commands.tally(ballot))
    except RedisUnavailable:
        return False
    return True


def choose(hot: Hot, ballot: Ballot, choice: str) -> bytes:
    """A new reader's choice; who it was."""
    reader = clock.new_id().bytes
    hot.play(choosing(ballot, reader, choice, "net"))
    return reader


def stored(database: Database) -> dict[bytes, str]:
    with database.read() as connection:
        rows = connection.execute(select(choices.c.reader_id, choices.c.choice))
        return {reader.bytes: choice for reader, choice in rows}


def test_commands_go_to_the_nodes_that_serve_their_slots_and_are_answered_in_order(hot: Hot) -> None:
    for ballot in BALLOTS[:3]:
        choose(hot, ballot, "happy")
    answers = hot.execute_many([commands.tally(ballot) for ballot in BALLOTS])
    assert [type(answer) for answer in answers] == [Tally] * 3 + [Cold] * 297
    assert len({server.breaker.store for server in hot.primaries()}) == 3
    (entry,) = hot.execute(commands.entries(BALLOTS[1], "0-0", 10))
    assert (entry.old, entry.new) == ("", "happy")


def test_a_node_that_does_not_know_a_script_is_told_its_source(cluster: RedisCluster, hot: Hot) -> None:
    hot.execute_many([commands.tally(ballot) for ballot in BALLOTS])
    for node in cluster.primaries:
        node.ask("SCRIPT FLUSH")
    assert isinstance(hot.execute(commands.tally(ONE)), Cold)
    many: list[Any] = [
        *(commands.tally(b) for b in BALLOTS),
        *(commands.drop_parts("demo", b.article) for b in BALLOTS),
    ]
    assert len(hot.execute_many(many)) == 600
    assert all(
        node.ask("SCRIPT EXISTS", *(commands.script(name).sha for name in ("tally", "drop_pages"))) == [1, 1]
        for node in cluster.primaries
    )


def test_a_slot_that_moves_is_followed_and_nothing_is_lost(
    cluster: RedisCluster, hot: Hot, database: Database
) -> None:
    slot, source = home(cluster, ONE)
    other = next(node for node in cluster.primaries if node is not source)
    flusher = Flusher(hot, database, StoredBallots(database), keep=0.0)
    accepted = {choose(hot, ONE, "happy"): "happy"}
    for target in (other, source):
        with cluster.half_moved(slot, target, keys=2):
            # Its keys are on two nodes: no script could touch them all, and none touches some.
            with pytest.raises(RedisUnavailable) as caught:
                choose(hot, ONE, "sad")
            assert isinstance(caught.value.__cause__, (TryAgainError, AskError))
        accepted[choose(hot, ONE, "angry")] = "angry"
        assert sum(hot.play(tallying(ONE)).values()) == len(accepted)
    answers = hot.execute_many([commands.tally(ballot) for ballot in BALLOTS])
    assert isinstance(answers[0], Tally)
    while flusher.flush().entries:
        pass
    assert stored(database) == accepted


def test_many_commands_follow_slots_that_have_moved(cluster: RedisCluster, hot: Hot) -> None:
    hot.execute_many([commands.tally(ballot) for ballot in BALLOTS])
    slot, source = home(cluster, ONE)
    other = next(node for node in cluster.primaries if node is not source)
    cluster.move_slot(slot, other)
    assert all(isinstance(answer, Cold) for answer in hot.execute_many([commands.tally(b) for b in BALLOTS]))
    cluster.move_slot(slot, source)
    assert all(isinstance(answer, Cold) for answer in hot.execute_each([commands.tally(b) for b in BALLOTS]))


def test_a_node_that_hangs_costs_one_time_out_and_takes_only_its_own_articles_with_it(
    cluster: RedisCluster, hot: Hot
) -> None:
    hot.ping()
    _, node = home(cluster, ONE)
    there = [ballot for ballot in BALLOTS if home(cluster, ballot)[1] is node]
    node.hang()
    with pytest.raises(RedisUnavailable) as first:
        hot.execute(commands.tally(ONE))
    assert isinstance(first.value.__cause__, redis.TimeoutError)
    with pytest.raises(RedisUnavailable) as second:
        hot.execute(commands.tally(ONE))
    assert isinstance(second.value.__cause__, BreakerOpenError)
    assert hot.outages == [f"redis 127.0.0.1:{node.port}"]
    answers = hot.execute_each([commands.tally(ballot) for ballot in BALLOTS])
    failed = [b for b, answer in zip(BALLOTS, answers, strict=True) if isinstance(answer, RedisUnavailable)]
    assert failed == there
    with pytest.raises(RedisUnavailable):
        hot.execute_many([commands.tally(ballot) for ballot in BALLOTS])
    with pytest.raises(RedisUnavailable):
        hot.ping()
    until(lambda: goes(hot, ONE))  # its replica has taken over
    assert hot.execute_many([commands.tally(ballot) for ballot in BALLOTS])
    hot.ping()
    until(lambda: hot.outages == [])


def test_a_primary_that_is_killed_is_replaced_by_its_replica_without_a_restart(
    cluster: RedisCluster, hot: Hot
) -> None:
    choose(hot, ONE, "happy")
    _, node = home(cluster, ONE)
    until(lambda: has_all(node))
    node.kill()
    until(lambda: goes(hot, ONE))
    assert hot.play(tallying(ONE)) == {"happy": 1}
    choose(hot, ONE, "happy")
    assert hot.play(tallying(ONE)) == {"happy": 2}


def test_a_view_is_no_good_after_its_primary_was_replaced_and_came_back(
    cluster: RedisCluster, hot: Hot
) -> None:
    """The server has the run_id from before, and nobody touched the view on the other one."""
    choose(hot, ONE, "happy")
    _, first = home(cluster, ONE)
    second = replica_of(cluster, first)
    run_id = first.ask("INFO server").split(b"run_id:")[1][:40]
    until(lambda: has_all(first))
    cluster.fail_over(second, "TAKEOVER")
    until(first.is_following)
    cluster.fail_over(first, "TAKEOVER")
    assert first.ask("INFO server").split(b"run_id:")[1][:40] == run_id
    until(lambda: goes(hot, BALLOTS[1]))
    assert first.ask("HGET", ballot_keys(ONE)[0], "run") == run_id
    assert isinstance(hot.execute(commands.tally(ONE)), Cold)
    assert hot.play(tallying(ONE)) == {"happy": 1}


def test_what_is_accepted_after_a_tail_was_lost_twice_over_is_stored(
    cluster: RedisCluster, hot: Hot, database: Database
) -> None:
    """A primary's tail is stored, then lost; when it is the primary again, it gives no id out twice."""
    flusher = Flusher(hot, database, StoredBallots(database), keep=3_600.0)
    accepted = {choose(hot, ONE, "happy"): "happy"}
    _, first = home(cluster, ONE)
    second = replica_of(cluster, first)
    until(lambda: has_all(first))
    first.ask("ACL SETUSER", "default", "-psync", "-sync")
    first.ask("CLIENT KILL", "TYPE", "replica")
    until(lambda: not second.is_following())
    for _ in range(5):
        accepted[choose(hot, ONE, "sad")] = "sad"
    flusher.flush()
    assert stored(database) == accepted
    cluster.fail_over(second, "TAKEOVER")
    first.ask("ACL SETUSER", "default", "+psync", "+sync")
    until(first.is_following)
    cluster.fail_over(first, "TAKEOVER")
    until(lambda: goes(hot, ONE))
    for _ in range(3):
        accepted[choose(hot, ONE, "angry")] = "angry"
    flusher.flush()
    assert stored(database) == accepted
    assert hot.play(tallying(ONE)) == {"happy": 1, "sad": 5, "angry": 3}


def test_a_password_in_the_url_opens_every_node(cluster: RedisCluster, hot: Hot, settings: Settings) -> None:
    hosts = cluster.url.removeprefix("redis+cluster://")
    for node in cluster.nodes:
        node.ask("ACL SETUSER", "someone", "on", ">p@ss:word", "~*", "+@all")
    Hot(connect(f"redis+cluster://someone:p%40ss%3Aword@{hosts}", TIMEOUT), hot._source, hot.limits).ping()
    stranger = Hot(connect(f"redis+cluster://someone:wrong@{hosts}", TIMEOUT), hot._source, hot.limits)
    with pytest.raises(RedisUnavailable):
        stranger.ping()


def test_a_cluster_that_is_not_there_fails_at_once_and_is_found_when_it_comes(
    cluster: RedisCluster, hot: Hot
) -> None:
    nodes = cluster.nodes
    seed = next(node for node in nodes if not node.is_primary())
    late = Hot(connect(f"redis+cluster://127.0.0.1:{seed.port}", TIMEOUT), hot._source, hot.limits)
    seed.kill()
    with pytest.raises(RedisUnavailable) as first:
        late.ping()
    assert isinstance(first.value.__cause__, RedisClusterException)
    with pytest.raises(RedisUnavailable) as second:
        late.ping()
    assert isinstance(second.value.__cause__, BreakerOpenError)
    seed.start()
    until(lambda: goes(late, ONE))
    late.client.close()
