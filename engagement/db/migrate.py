"""Brings a database to this release's schema."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, text

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
            if not is_current(connection):
                _migrate(connection)
            _lay_shards(connection)
    finally:
        database.close()


def is_current(connection: Connection) -> bool:
    """Does the database have this release's schema? Without Alembic, whose import a warm start can spare."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return bool(connection.scalar(text("SELECT version_num FROM alembic_version")) == newest_revision())


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
