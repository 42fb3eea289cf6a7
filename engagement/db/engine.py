"""The connection to SQL: snapshots to read, transactions to write, the same words on every store."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from engagement.breaker import Breaker, BreakerOpenError, Verdict
from engagement.errors import DatabaseUnavailable

AFTERWARDS = "afterwards"
"""Where a connection keeps what is to be done once its transaction is committed."""


class Database:
    """`read()`, `ask()` and `write()` are the only ways to a connection; the first use connects."""

    def __init__(self, url: str, *, timeout: float = 5.0, pool_size: int = 16, bounded: bool = True) -> None:
        """`timeout` in seconds bounds the wait for a lock, for a free connection and for a server's answer.

        `bounded` False: a statement may take as long as it takes (migrations).
        """
        self._store = _store_at(url)
        self.engine = self._store.engine(url, timeout, pool_size, bounded)
        self.batch, self.writers = self._store.BATCH, self._store.WRITERS
        self.breaker = self.write_breaker = Breaker("database", self._judge, probe=3 * timeout)
        if self._store.WRITES_HANG_ALONE:
            self.write_breaker = Breaker("database writes", self._judge, probe=3 * timeout)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot: all that is read in it belongs together. Raises `DatabaseUnavailable`."""
        with self._connection(self._store.READ, self.breaker) as connection:
            yield connection

    @contextmanager
    def ask(self) -> Iterator[Connection]:
        """For one statement that reads: without a snapshot around it. Raises `DatabaseUnavailable`."""
        with self._connection(self._store.ASK, self.breaker) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back by any exception. Raises `DatabaseUnavailable`.

        On SQLite it takes the write lock at its beginning, so that it never fails half way for a reader's
        snapshot that has grown old.
        """
        with self._connection(self._store.WRITE, self.write_breaker) as connection:
            afterwards = connection.info[AFTERWARDS] = []
            yield connection
        for act in afterwards:
            act()

    def ping(self) -> None:
        """Raises `DatabaseUnavailable` if the store doesn't answer, or has no schema yet."""
        try:
            with self.read() as connection:
                connection.execute(text("SELECT version_num FROM alembic_version"))
        except DBAPIError as error:
            raise DatabaseUnavailable() from error

    def most_connections(self, connection: Connection) -> int | None:
        """How many the store takes from all that use it; None: as many as come."""
        words = self._store.MOST_CONNECTIONS
        return None if words is None else connection.execute(text(words)).scalar_one()

    def close(self) -> None:
        """Give every pooled connection back."""
        self.engine.dispose()

    @contextmanager
    def _connection(self, options: dict[str, object], breaker: Breaker) -> Iterator[Connection]:
        try:
            with (
                breaker.watch(),
                self._connect(options) as connection,
                connection.begin(),
            ):
                yield connection
        except (BreakerOpenError, PoolTimeout) as error:
            raise DatabaseUnavailable() from error
        except DBAPIError as error:
            if error.connection_invalidated or self._store.is_outage(error):
                raise DatabaseUnavailable() from error
            raise

    def _connect(self, options: dict[str, object]) -> Connection:
        connection: Connection = self.engine.connect()
        if options:
            connection.execution_options(**options)
        return connection

    def _judge(self, error: Exception) -> Verdict:
        """What the end of a transaction tells about the store; an error of the caller's own is no outage."""
        if isinstance(error, PoolTimeout):
            return Verdict.NOTHING
        return self._store.verdict(error) if isinstance(error, DBAPIError) else Verdict.ANSWERED


def _store_at(url: str) -> ModuleType:
    """What the truth is kept in, by the first word of the URL; the driver of the other is not loaded."""
    match re.split(r"[:+]", url)[0]:
        case "sqlite":
            from engagement.db import sqlite

            return sqlite
        case "postgresql":
            from engagement.db import postgresql

            return postgresql
    raise ValueError("the URL names no store that the truth can be kept in")


def after_commit(connection: Connection, act: Callable[[], None]) -> None:
    """Do this once the transaction of `Database.write` is committed; not at all if it isn't."""
    connection.info.setdefault(AFTERWARDS, []).append(act)
