"""Indexes that a table got after its first release: built beside whoever reads and writes it meanwhile."""

from __future__ import annotations

import time

from sqlalchemy import Connection, Index, func, select, text
from sqlalchemy.schema import CreateIndex

from engagement.db.engine import Database
from engagement.db.tables import metadata

ADVISORY_LOCK = 0x696E6465786573  # "indexes"
PAUSE = 0.2
"""Seconds between two looks whether another process has done building."""
THERE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": """
        SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indisvalid AND c.relnamespace = current_schema()::regnamespace
    """,
}


def build_missing(database: Database) -> list[str]:
    """Build every index of `tables` that isn't there, in no transaction on PostgreSQL; answers their names.

    A build that was broken off on PostgreSQL has left an index that is not used: it is built anew.
    Safe to run twice and in parallel.
    """
    if database.engine.dialect.name == "sqlite":
        with database.write() as connection:
            return [_build(connection, index) for index in _missing(connection)]
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not _missing(connection):
            return []
        # Who waits for a lock in SQL has a snapshot, and who builds waits for all snapshots: so none waits.
        while not connection.scalar(select(func.pg_try_advisory_lock(ADVISORY_LOCK))):
            time.sleep(PAUSE)
        try:
            return [_build(connection, index) for index in _missing(connection)]
        finally:
            connection.execute(select(func.pg_advisory_unlock(ADVISORY_LOCK)))


def _missing(connection: Connection) -> list[Index]:
    there = set(connection.scalars(text(THERE[connection.dialect.name])))
    wanted = [index for table in metadata.sorted_tables for index in table.indexes]
    return sorted((index for index in wanted if index.name not in there), key=lambda index: str(index.name))


def _build(connection: Connection, index: Index) -> str:
    words = str(CreateIndex(index).compile(dialect=connection.dialect))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}")
        words = words.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
    connection.exec_driver_sql(words)
    return str(index.name)
