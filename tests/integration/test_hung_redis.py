"""A Redis that hangs or is down costs few calls their time-out, holds no thread, and is found again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from prometheus_client import REGISTRY
from redis.exceptions import MaxConnectionsError

from engagement.breaker import BreakerOpenError
from engagement.errors import RedisUnavailable
from engagement.hot import commands
from engagement.hot.connection import Hot, connect
from engagement.hot.keys import MOOD, Ballot
from engagement.hot.protocol import Limits
from tests.servers import RedisNode
from tests.waiting import until

STORY = Ballot("demo", "story", MOOD)
TIMEOUT = 0.3
NO_SQL: Any = None


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisNode]:
    node = RedisNode(tmp_path_factory.mktemp("node"))
    yield node
    node.stop()


@pytest.fixture
def hot(node: RedisNode) -> Iterator[Hot]:
    hot = Hot(connect(node.url, TIMEOUT, 16), NO_SQL, Limits(replay=100, ttl=3_600))
    hot.ping()
    yield hot
    if node.up:
        node.go_on()
    else:
        node.start()
    hot.client.close()


def ask(hot: Hot) -> type[object] | None:
    """One call: why it failed."""
    try:
        hot.execute(commands.tally(STORY))
    except RedisUnavailable as error:
        return type(error.__cause__)
    return None


def in_threads(hot: Hot, number: int) -> list[type[object] | None]:
    """As many calls at the same time, each to its end."""
    found: list[type[object] | None] = []
    threads = [threading.Thread(target=lambda: found.append(ask(hot))) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert not any(thread.is_alive() for thread in threads)
    return found


def test_only_the_first_call_waits_for_a_redis_that_hangs(node: RedisNode, hot: Hot) -> None:
    node.hang()
    assert ask(hot) is redis.TimeoutError
    assert [ask(hot) for _ in range(50)] == [BreakerOpenError] * 50
    assert hot.outages == ["redis"]
    assert REGISTRY.get_sample_value("engagement_breaker_open", {"store": "redis"}) == 1
    node.go_on()
    until(lambda: ask(hot) is None)
    assert hot.outages == []


def test_a_call_with_many_commands_waits_once(node: RedisNode, hot: Hot) -> None:
    node.hang()
    answers = hot.execute_each([commands.tally(STORY)] * 100)
    assert all(isinstance(answer, RedisUnavailable) for answer in answers)
    with pytest.raises(RedisUnavailable) as caught:
        hot.execute_many([commands.tally(STORY)] * 100)
    assert isinstance(caught.value.__cause__, BreakerOpenError)


def test_calls_that_were_under_way_end_and_no_thread_is_held(node: RedisNode, hot: Hot) -> None:
    assert in_threads(hot, 10) == [None] * 10
    node.hang()
    assert set(in_threads(hot, 10)) <= {redis.TimeoutError, BreakerOpenError}
    found = in_threads(hot, 30)
    assert set(found) <= {redis.TimeoutError, BreakerOpenError}
    assert found.count(redis.TimeoutError) <= 1  # who probes


def test_more_calls_than_connections_fail_at_once_and_are_no_outage(node: RedisNode) -> None:
    hot = Hot(connect(node.url, TIMEOUT, 1), NO_SQL, Limits(replay=100, ttl=3_600))
    taken = hot.client.connection_pool.get_connection()
    assert ask(hot) is MaxConnectionsError
    assert hot.outages == []
    hot.client.connection_pool.release(taken)
    assert ask(hot) is None
    hot.client.close()


def test_who_asks_again_does_so_on_a_new_connection(node: RedisNode, hot: Hot) -> None:
    """The idle ones may lead nowhere as well, as after a network that was cut."""
    assert in_threads(hot, 8) == [None] * 8
    with node.client() as watcher:
        before = {one["id"] for one in watcher.client_list()} - {str(watcher.client_id())}
        node.hang()
        assert ask(hot) is redis.TimeoutError
        node.go_on()
        until(lambda: ask(hot) is None)
        until(lambda: not before & {one["id"] for one in watcher.client_list()})


def test_a_redis_that_was_killed_and_is_back_is_used_without_a_restart(node: RedisNode, hot: Hot) -> None:
    assert in_threads(hot, 8) == [None] * 8
    node.kill()
    node.start()
    assert in_threads(hot, 8) == [None] * 8  # stale connections cost nobody an answer
    node.kill()
    assert {ask(hot) for _ in range(10)} == {redis.ConnectionError, BreakerOpenError}
    node.start()
    until(lambda: ask(hot) is None)


def test_a_redis_that_refuses_a_command_is_not_down(node: RedisNode, hot: Hot) -> None:
    hot.client.set("{s0}:due", "no sorted set")
    try:
        for _ in range(10):
            with pytest.raises(RedisUnavailable):
                hot.execute(commands.due(0, 1))
        assert hot.outages == []
        assert ask(hot) is None
    finally:
        hot.client.delete("{s0}:due")


def test_a_primary_that_has_become_a_replica_is_left(node: RedisNode, hot: Hot, tmp_path: Path) -> None:
    """Behind one address the primary may change: who finds a replica there connects anew."""
    primary = RedisNode(tmp_path / "primary")
    try:
        for _ in range(2):
            hot.execute(commands.drop_parts("demo", "story"))
        ids = {one["id"] for one in hot.client.client_list()}
        hot.client.replicaof("127.0.0.1", str(primary.port))
        with pytest.raises(RedisUnavailable):
            hot.execute(commands.drop_parts("demo", "story"))
        with node.client() as watcher:
            until(lambda: not ids & {one["id"] for one in watcher.client_list()})
            watcher.replicaof("NO", "ONE")
        until(lambda: ask(hot) is None)
    finally:
        primary.stop()
