"""Worlds for the ledger's machine, one for each pair of stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.ledger.machine import Ledger
from tests.integration.ledger.world import fill
from tests.kinds import AnyRedis
from tests.servers import Databases, RedisCluster
from tests.stores import PostgresStore, SqliteStore, close_connections


@pytest.fixture(scope="session")
def cluster_with_replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Three nodes that can fail over."""
    cluster = RedisCluster(tmp_path_factory.mktemp("failing-over"), replicas=1, durability="no")
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def small_sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    return SqliteStore(tmp_path_factory.mktemp("small"), fill)


@pytest.fixture(scope="session")
def small_postgresql(postgres_server: Databases) -> Iterator[PostgresStore]:
    store = PostgresStore(postgres_server, fill)
    yield store
    store.close()


@pytest.fixture
def world(
    request: pytest.FixtureRequest, redis_kind: str, sql_kind: str, tmp_path: Path
) -> Iterator[type[Ledger]]:
    """In which nothing goes back; a test can say what does."""
    redis: AnyRedis = request.getfixturevalue(
        "cluster_with_replicas" if redis_kind == "cluster" else "redis_server"
    )

    class World(Ledger):
        server = redis
        store = request.getfixturevalue(f"small_{sql_kind}")
        folder = tmp_path

    yield World
    close_connections()
