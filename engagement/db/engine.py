"""The connection to SQL: snapshots to read, transactions to write, the same words on every store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from engagement.errors import DatabaseUnavailable


class Database:
    """`read()` and `write()` are the only ways to a connection. Connects at the first use, not before."""

    def __init__(self, url: str, *, timeout: float = 5.0, pool_size: int = 16) -> None:
        """`timeout` in seconds bounds the wait for a lock and for a free connection."""
        self.engine = _sqlite(url, timeout, pool_size)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot: all that is read in it belongs together. Raises `DatabaseUnavailable`."""
        with self._connection("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by any exception. Raises `DatabaseUnavailable`.

        On SQLite it takes the write lock at its beginning, so that it never fails half way for a reader's
        snapshot that has grown old.
        """
        with self._connection("BEGIN IMMEDIATE") as connection:
            yield connection

    def ping(self) -> None:
        """Raises `DatabaseUnavailable` if the store doesn't answer, or has no schema yet."""
        try:
            with self.read() as connection:
                connection.execute(text("SELECT version_num FROM alembic_version"))
        except DBAPIError as error:
            raise DatabaseUnavailable() from error

    def close(self) -> None:
        """Give every pooled connection back."""
        self.engine.dispose()

    @contextmanager
    def _connection(self, begin: str) -> Iterator[Connection]:
        try:
            options = {"sqlite_begin": begin}
            with self.engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
        except PoolTimeout as error:
            raise DatabaseUnavailable() from error
        except DBAPIError as error:
            if error.connection_invalidated or _is_outage(error):
                raise DatabaseUnavailable() from error
            raise


def _is_outage(error: DBAPIError) -> bool:
    """Locked, gone, full or unreadable: the store's state, not a fault of the statement."""
    if type(error.orig).__name__ not in ("OperationalError", "DatabaseError", "InterfaceError"):
        return False
    return not str(error.orig).startswith(("no such ", "near ", "table ", "too many SQL"))


def _sqlite(url: str, timeout: float, pool_size: int) -> Engine:
    engine = create_engine(
        make_url(url),
        connect_args={"timeout": timeout, "check_same_thread": False},
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we begin ourselves; the driver would begin at the first write
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # a commit that was answered is on disk
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))

    return engine
