"""Brings a database to this release's schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, select

from engagement.db.engine import Database
from engagement.db.tables import meta, shards
from engagement.errors import StartError
from engagement.hot.keys import SHARDS

FOLDER = Path(__file__).parent / "migrations"


def upgrade(database_url: str) -> None:
    """Run the missing migrations, and write the shards at the first start. Safe to run twice and in parallel.

    Raises `StartError` if the database was laid out for another number of shards.
    """
    database = Database(database_url)
    try:
        with database.write() as connection:
            config = Config()
            config.set_main_option("script_location", str(FOLDER))
            config.attributes["connection"] = connection
            if not is_current(connection):
                command.upgrade(config, "head")
            _lay_shards(connection)
    finally:
        database.close()


def is_current(connection: Connection) -> bool:
    """Does the database have this release's schema?"""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    head = ScriptDirectory.from_config(config).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == head


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
