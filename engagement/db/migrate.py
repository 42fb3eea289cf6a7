"""Brings a database to this release's schema."""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import Connection, func, insert, inspect, select, text

from engagement.db.engine import Database
from engagement.db.indexes import build_missing
from engagement.db.tables import meta, shards
from engagement.errors import DatabaseUnavailable, StartError
from engagement.hot.keys import SHARDS

FOLDER = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x656E676167656D  # "engagem", in PostgreSQL's one space of such locks
LOCK_NOT_AVAILABLE = "55P03"
LOCK_MS = 500
"""How long a migration waits for a table that is in use, and makes the requests behind it wait."""
ATTEMPTS, PAUSE = 60, 0.5
"""How often it tries again, and seconds between two tries."""


def upgrade(database_url: str) -> None:
    """Run the missing migrations, and write the shards at the first start. Safe to run twice and in parallel.

    The release before may go on running meanwhile. Raises `StartError` if the database was laid out for
    another number of shards.
    """
    database = Database(database_url, bounded=False)
    try:
        for left in reversed(range(ATTEMPTS)):
            try:
                with database.write() as connection:
                    _one_at_a_time(connection)
                    if not is_current(connection):
                        _migrate(connection)
                    _lay_shards(connection)
                build_missing(database)
                return
            except DatabaseUnavailable as error:
                if not left or _sqlstate(error) != LOCK_NOT_AVAILABLE:
                    raise
                time.sleep(PAUSE)
    finally:
        database.close()


def _one_at_a_time(connection: Connection) -> None:
    """Nobody else migrates until the end of the transaction, and no lock on a table is waited for for long.

    Whoever waits for a table makes all who come later wait as well, so it gives up early and tries again.
    SQLite has one writer as it is.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCK)))
        connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS}"))


def _sqlstate(error: DatabaseUnavailable) -> str | None:
    return getattr(getattr(error.__cause__, "orig", None), "sqlstate", None)


def is_current(connection: Connection) -> bool:
    """Does the database have this release's schema, or that of one after it, which works for this one too?

    Without Alembic, whose import a warm start can spare.
    """
    if not inspect(connection).has_table("alembic_version"):
        return False
    return str(connection.scalar(text("SELECT version_num FROM alembic_version"))) >= newest_revision()


def newest_revision() -> str:
    """Revisions are numbered, and their files begin with the number."""
    return max(file.name.partition("_")[0] for file in (FOLDER / "versions").glob("[0-9]*.py"))


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def require_current(database: Database) -> None:
    """Raises `StartError` if the database has not this release's schema, or `DatabaseUnavailable`."""
    with database.read() as connection:
        if not is_current(connection):
            raise StartError("the database has not this release's schema: run `engagement migrate` first")


def _lay_shards(connection: Connection) -> None:
    laid = connection.scalar(select(meta.c.value).where(meta.c.key == "shards"))
    if laid is None:
        connection.execute(insert(meta).values(key="shards", value=str(SHARDS)))
        connection.execute(insert(shards), [{"shard": n, "generation": 0} for n in range(SHARDS)])
    elif int(laid) != SHARDS:
        raise StartError(f"The database is laid out for {laid} shards, this release has {SHARDS}.")
