"""Migrations, transactions, and the command line on a database."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select, text, update

from engagement.db.engine import Database
from engagement.db.indexes import build_missing
from engagement.db.migrate import FOLDER, is_current, newest_revision, upgrade
from engagement.db.tables import meta, metadata, shards
from engagement.errors import DatabaseUnavailable, StartError
from tests.stores import SqlStore

ALEMBIC = "alembic_version"
DEFINITIONS = {
    "sqlite": """
        SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
        UNION ALL SELECT name, 'without rowid: ' || wr FROM pragma_table_list WHERE schema = 'main'
    """,
    "postgresql": """
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
        UNION ALL SELECT relname, 'with: ' || coalesce(reloptions::text, '') FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    """,
}


@pytest.fixture
def url(sql_store: SqlStore, tmp_path: Path) -> str:
    return sql_store.empty(tmp_path)


def test_the_migrations_make_the_tables_as_they_are_written_down(
    url: str, sql_store: SqlStore, tmp_path: Path
) -> None:
    upgrade(url)
    upgrade(url)
    database, written = Database(url), Database(sql_store.empty(tmp_path))
    assert build_missing(database) == []
    with written.write() as connection:
        metadata.create_all(connection)
    with database.read() as migrated, written.read() as connection:
        assert is_current(migrated)
        assert tables(migrated) == tables(connection)
        assert definitions(migrated) == definitions(connection)
        assert migrated.scalar(select(meta.c.value).where(meta.c.key == "shards")) == "128"
        assert len(migrated.execute(select(shards)).all()) == 128
    database.close()
    written.close()


def tables(connection: Connection) -> dict[str, dict[str, object]]:
    """Table → column → what it takes; and the table's keys and constraints."""
    look = inspect(connection)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*expression-based index")  # `definitions` has them
        return {
            table: {
                column["name"]: {**column, "type": repr(column["type"])} for column in look.get_columns(table)
            }
            | {
                "primary key": look.get_pk_constraint(table)["constrained_columns"],
                "foreign keys": sorted(
                    (key["constrained_columns"], key["referred_table"], key["referred_columns"])
                    for key in look.get_foreign_keys(table)
                ),
                "unique": sorted(unique["column_names"] for unique in look.get_unique_constraints(table)),
                "checked": sorted(check["sqltext"] for check in look.get_check_constraints(table)),
            }
            for table in look.get_table_names()
            if table != ALEMBIC
        }


def definitions(connection: Connection) -> dict[str, str]:
    """Index → the statement that makes it; table → how it is kept."""
    found = connection.execute(text(DEFINITIONS[connection.dialect.name]))
    return {name: " ".join(words.split()) for name, words in found if not name.startswith(ALEMBIC)}


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
