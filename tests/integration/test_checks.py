"""Whether Redis is set up so that it keeps the ledger: each primary is asked, as far as it may be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from engagement.doctor import examine
from engagement.errors import StartError
from engagement.hot.checks import refuse_eviction, setups
from engagement.hot.connection import Hot, connect
from engagement.hot.protocol import Limits
from engagement.settings import Settings
from tests.servers import RedisCluster, RedisNode

NO_SQL: Any = None


def hot(url: str) -> Hot:
    return Hot(connect(url, 1.0), NO_SQL, Limits(100, 60))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisNode]:
    node = RedisNode(tmp_path_factory.mktemp("node"))
    yield node
    node.stop()


@pytest.mark.parametrize(
    ("policy", "good"),
    [("volatile-lru", True), ("volatile-ttl", True), ("noeviction", True), ("allkeys-lru", False),
     ("allkeys-random", False)],
)  # fmt: skip
def test_only_a_policy_that_may_evict_any_key_stops_the_start(
    node: RedisNode, policy: str, good: bool
) -> None:
    with node.client() as client:
        client.config_set("maxmemory-policy", policy)
    if good:
        refuse_eviction(hot(node.url))
    else:
        with pytest.raises(
            StartError, match=f"^redis: maxmemory-policy is {policy}, .*set it to volatile-lru$"
        ):
            refuse_eviction(hot(node.url))
    with node.client() as client:
        client.config_set("maxmemory-policy", "volatile-lru")


def test_a_redis_that_is_down_does_not_stop_the_start(tmp_path: Path) -> None:
    with capture_logs() as said:
        refuse_eviction(hot(f"unix://{tmp_path}/no.sock"))
    assert "the eviction policy of redis can't be checked" in [line["event"] for line in said]


def test_a_redis_that_forbids_config_does_not_stop_the_start_and_the_doctor_says_so(
    node: RedisNode, settings: Settings
) -> None:
    with node.client() as client:
        client.acl_setuser(
            "narrow", enabled=True, passwords=["+p"], keys=["*"], categories=["+@all", "-@dangerous"]
        )
        client.acl_setuser("narrow", enabled=True, commands=["+info"])
    url = node.url.replace("redis://", "redis://narrow:p@")
    with capture_logs() as said:
        refuse_eviction(hot(url))
    assert "the eviction policy of redis can't be checked" in [line["event"] for line in said]
    texts = [finding.text for finding in examine(replace(settings, redis_url=url))]
    assert "redis: forbids CONFIG; its set-up can't be looked at" in texts


def test_each_primary_of_a_cluster_is_asked(the_cluster: RedisCluster, settings: Settings) -> None:
    wrong = the_cluster.primaries[-1]
    wrong.ask("CONFIG SET", "maxmemory-policy", "allkeys-lfu")
    try:
        with pytest.raises(
            StartError, match=f"^redis 127.0.0.1:{wrong.port}: maxmemory-policy is allkeys-lfu"
        ):
            refuse_eviction(hot(the_cluster.url))
        found = setups(hot(the_cluster.url))
        assert sorted(setup.may_evict_the_ledger for setup in found) == [False, False, True]
        findings = examine(replace(settings, redis_url=the_cluster.url))
        bad = [finding.text for finding in findings if not finding.good]
        assert bad == [
            f"redis 127.0.0.1:{wrong.port}: maxmemory-policy is allkeys-lfu: it may evict the ledger; "
            "set it to volatile-lru"
        ]
    finally:
        wrong.ask("CONFIG SET", "maxmemory-policy", "volatile-lru")


def test_the_doctor_counts_the_connections_of_the_web_processes(settings: Settings) -> None:
    def about_connections(threads: int) -> list[tuple[bool, str]]:
        found = examine(replace(settings, web_workers=2, web_threads=threads))
        return [(finding.good, finding.text) for finding in found if "connections" in finding.text]

    if settings.database_url.startswith("sqlite"):
        assert about_connections(200) == []
        return
    ((good, text),) = about_connections(16)
    assert good
    assert text.endswith("2 web processes and a worker open up to 40")
    ((good, text),) = about_connections(200)
    assert not good
    assert text.endswith("open up to 408: raise max_connections, or have fewer threads")
