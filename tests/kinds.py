"""Which stores a test runs on: the options, the markers, and the servers, which come up at their first use.

A test that stands on both stores runs on each SQL store with the Redis that `serve` would start. Marked
`every_redis`, it runs on Redis Cluster and on Valkey as well, with PostgreSQL; marked `one_store`, on the
first pair alone. What is missing fails, and says how to get it: nothing is skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from engagement.db.engine import Database
from engagement.db.migrate import upgrade
from engagement.errors import StartError
from engagement.sites.publishing import add_site
from tests.servers import (
    ConfiguredPostgres,
    PostgresServer,
    RedisCluster,
    RedisServer,
    ValkeyServer,
)
from tests.servers.binaries import NoServer
from tests.stores import Fill, PostgresStore, SqliteStore, SqlStore, close_connections

T = TypeVar("T")
AnyRedis = RedisServer | RedisCluster | ValkeyServer
SQL = ("sqlite", "postgresql")
REDIS = ("redis", "cluster", "valkey")
MARKERS = (
    "every_redis: also on Redis Cluster and on Valkey",
    "one_store(reason): no store can make a difference: it runs on the first of each",
    "sqlite_only(reason): makes no sense on PostgreSQL",
    "postgresql_only(reason): makes no sense on SQLite",
    "not_asked_for: its stores are none of those that --sql and --redis name",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    for option, kinds in (("--sql", SQL), ("--redis", REDIS)):
        parser.addoption(
            option, type=_some_of(kinds), default=kinds, metavar="KINDS", help=f"of {','.join(kinds)}"
        )


def _some_of(kinds: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def kinds_named(words: str) -> tuple[str, ...]:
        chosen = tuple(word.strip() for word in words.split(","))
        if not set(chosen) <= set(kinds):
            raise ValueError(words)
        return chosen

    return kinds_named


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A variant of the test for every pair of stores that it is to run on."""
    asked = {"sql_kind": metafunc.config.option.sql, "redis_kind": metafunc.config.option.redis}
    uses = [name for name in asked if name in metafunc.fixturenames]
    if uses:
        pairs = _pairs(metafunc, asked["sql_kind"])
        possible = [pair for pair in pairs if all(pair[name] in asked[name] for name in uses)]
        given = list(dict.fromkeys(tuple(pair[name] for name in uses) for pair in possible))
        left_out = pytest.param(*uses, marks=pytest.mark.not_asked_for)
        metafunc.parametrize(uses, given or [left_out])


def _pairs(metafunc: pytest.Metafunc, asked: tuple[str, ...]) -> list[dict[str, str]]:
    """Of the stores in `asked`; `not_asked_for` has them if the test is of none of those."""
    only = [kind for kind in SQL if _says(metafunc, f"{kind}_only")]
    stores = [kind for kind in only or SQL if kind in asked]
    if _says(metafunc, "one_store"):
        stores = stores[:1]
    pairs = [(sql, "redis") for sql in stores]
    if metafunc.definition.get_closest_marker("every_redis"):
        pairs += [(sql, kind) for sql in stores[-1:] for kind in REDIS[1:]]
    return [{"sql_kind": sql, "redis_kind": redis} for sql, redis in pairs]


def _says(metafunc: pytest.Metafunc, name: str) -> bool:
    """Has the test this marker? It must have a reason."""
    marker = metafunc.definition.get_closest_marker(name)
    assert marker is None or "".join(marker.args), f"{name} needs a reason"
    return marker is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.get_closest_marker("not_asked_for")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"on CI nothing may be skipped: {report.longrepr}"
    return report


# --- the servers: no machine crashes, so nothing waits for its disk --------------------------------------


@pytest.fixture
def redis_server(request: pytest.FixtureRequest, redis_kind: str) -> AnyRedis:
    """A real one of the kind that this test is to run on, as the test before has left it."""
    server: AnyRedis = request.getfixturevalue(f"the_{redis_kind}")
    return server


@pytest.fixture
def redis_url(redis_server: AnyRedis) -> str:
    """Of an empty Redis."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture
def sql_store(request: pytest.FixtureRequest, sql_kind: str) -> Iterator[SqlStore]:
    """Databases of the kind that this test is to run on, with the sites `demo`, `known` and `signed`."""
    yield request.getfixturevalue(f"the_{sql_kind}")
    close_connections()


@pytest.fixture(scope="session")
def the_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = _up(lambda: RedisServer(tmp_path_factory.mktemp("redis"), durability="no"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def the_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    server = _up(lambda: RedisCluster(tmp_path_factory.mktemp("cluster")))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def the_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = _up(lambda: ValkeyServer(tmp_path_factory.mktemp("valkey"), durability="no"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ConfiguredPostgres | PostgresServer]:
    """For databases of any kind; it isn't to be killed."""
    configured = os.environ.get("TEST_DATABASE_URL")
    server = _up(
        lambda: (
            ConfiguredPostgres(configured)
            if configured
            else PostgresServer(tmp_path_factory.mktemp("postgres"))
        )
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def the_sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    return SqliteStore(tmp_path_factory.mktemp("template"), three_sites)


@pytest.fixture(scope="session")
def the_postgresql(postgres_server: ConfiguredPostgres | PostgresServer) -> Iterator[PostgresStore]:
    store = PostgresStore(postgres_server, three_sites)
    yield store
    store.close()


def store_of(kind: str, request: pytest.FixtureRequest, folder: Path, fill: Fill) -> SqlStore:
    """A store with a template of the test's own, which is to close it."""
    if kind == "sqlite":
        return SqliteStore(folder, fill)
    return PostgresStore(request.getfixturevalue("postgres_server"), fill)


def three_sites(url: str) -> None:
    """A migrated database that holds the open site `demo` and the sites `known` and `signed`."""
    upgrade(url)
    database = Database(url)
    add_site(database, "demo", name="Demo", admission="open", origins=["https://news.example"])
    add_site(database, "known", name="Known", admission="known")
    add_site(database, "signed", name="Signed", admission="signed")
    database.close()


def _up(start: Callable[[], T]) -> T:
    """What is missing is a failure, of one line."""
    try:
        return start()
    except (NoServer, StartError) as error:
        missing = str(error)
    pytest.fail(missing, pytrace=False)
