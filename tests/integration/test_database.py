"""Migrations, transactions, and the command line on a database."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text, update

from engagement.db.engine import Database
from engagement.db.indexes import build_missing
from engagement.db.migrate import FOLDER, is_current, newest_revision, upgrade
from engagement.db.tables import meta, metadata, shards
from engagement.errors import DatabaseUnavailable, StartError
from tests.stores import SqlStore


@pytest.fixture
def url(sql_store: SqlStore, tmp_path: Path) -> str:
    return sql_store.empty(tmp_path)


def test_the_migrations_make_the_tables_as_they_are_written_down(url: str) -> None:
    upgrade(url)
    upgrade(url)
    database = Database(url)
    assert build_missing(database) == []
    # Indexes are there by name already; SQLite can't tell what those are made of that go by an expression.
    told = {"include_object": lambda thing, name, kind, *rest: kind != "index"}
    with database.read() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*expression-based index")
        assert is_current(connection)
        assert compare_metadata(MigrationContext.configure(connection, opts=told), metadata) == []
        assert connection.scalar(select(meta.c.value).where(meta.c.key == "shards")) == "128"
        assert len(connection.execute(select(shards)).all()) == 128
    database.close()


def test_the_newest_revision_is_the_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == newest_revision()


def test_migrations_may_run_in_parallel(url: str) -> None:
    threads = [threading.Thread(target=upgrade, args=(url,)) for _ in range(4)]
    faults: list[object] = []
    threading.excepthook, before = lambda args: faults.append(args.exc_value), threading.excepthook
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    threading.excepthook = before
    assert faults == []


def test_a_database_of_another_number_of_shards_is_refused(url: str) -> None:
    upgrade(url)
    database = Database(url)
    with database.write() as connection:
        connection.execute(update(meta).where(meta.c.key == "shards").values(value="64"))
    database.close()
    with pytest.raises(StartError, match="64 shards"):
        upgrade(url)


def test_a_read_is_one_snapshot_and_a_failed_write_leaves_nothing(url: str) -> None:
    upgrade(url)
    database = Database(url)
    with database.read() as connection:
        before = connection.execute(select(meta)).all()
        with database.write() as other:
            other.execute(insert(meta).values(key="a", value="1"))
        assert connection.execute(select(meta)).all() == before

    def fail() -> None:
        with database.write() as connection:
            connection.execute(insert(meta).values(key="b", value="1"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with database.read() as connection:
        assert set(connection.scalars(select(meta.c.key))) == {"shards", "a"}
    database.close()


def test_what_another_has_locked_is_unavailable_after_its_time(url: str) -> None:
    upgrade(url)
    one, other = Database(url), Database(url, timeout=0.05)
    change = update(shards).where(shards.c.shard == 7).values(generation=1)
    with one.write() as holds:
        holds.execute(change)
        with pytest.raises(DatabaseUnavailable), other.write() as waits:
            waits.execute(change)
    one.close()
    other.close()


def test_no_free_connection_is_unavailable_after_its_time(url: str) -> None:
    upgrade(url)
    database = Database(url, timeout=0.05, pool_size=1)
    with database.read(), pytest.raises(DatabaseUnavailable):
        database.ping()
    database.close()


def test_a_fault_of_ours_is_no_outage(url: str) -> None:
    upgrade(url)
    database = Database(url)
    with (
        pytest.raises(Exception, match=r"no such table|does not exist") as error,
        database.read() as connection,
    ):
        connection.execute(text("SELECT * FROM nowhere"))
    assert not isinstance(error.value, DatabaseUnavailable)
    database.close()
