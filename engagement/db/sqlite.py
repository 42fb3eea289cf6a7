"""SQLite as the truth: one file, one writer at a time, readers that never wait."""

from __future__ import annotations

import math
import time
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from engagement.breaker import Verdict

READ: dict[str, object] = {"sqlite_begin": "BEGIN"}
ASK = READ
WRITE: dict[str, object] = {"sqlite_begin": "BEGIN IMMEDIATE"}
"""How transactions begin, as execution options."""
BATCH = 1_000
"""Ledger entries of one transaction at most: there is one writer, and others wait for it."""
WRITERS = 1
"""Threads that one worker flushes with."""
LOOK = 0.002
"""Seconds between two looks whether the write lock is free."""
WRITES_HANG_ALONE = True
"""Readers never wait for a writer."""
MOST_CONNECTIONS = None


def engine(url: str, timeout: float, pool_size: int, bounded: bool) -> Engine:
    """Connections to the file; `timeout` in seconds bounds the wait for its lock. No server can hang."""
    made = create_engine(
        url,
        connect_args={"timeout": timeout, "check_same_thread": False},
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout,
        hide_parameters=True,  # they hold what readers write
    )

    @event.listens_for(made, "connect")
    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we begin ourselves; the driver would begin at the first write
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # a commit that was answered is on disk
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()
        connection.create_function("log", 1, math.log10, deterministic=True)  # not every build has one

    @event.listens_for(made, "begin")
    def begin(connection: Connection) -> None:
        words = connection.get_execution_options().get("sqlite_begin", "BEGIN")
        if words == "BEGIN":
            connection.exec_driver_sql(words)
        else:
            _begin_writing(connection, words, timeout)

    return made


def _begin_writing(connection: Connection, words: str, timeout: float) -> None:
    """Wait for the write lock with many short looks.

    SQLite's own waiting sleeps longer each time, up to a tenth of a second, so that whoever has waited for
    long (the flush) loses against whoever comes anew (eight who post).
    """
    deadline = time.monotonic() + timeout
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.exec_driver_sql(words)
                return
            except OperationalError as error:
                if "locked" not in str(error.orig) or time.monotonic() > deadline:
                    raise
            time.sleep(LOOK)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(timeout * 1_000)}")


def verdict(error: DBAPIError) -> Verdict:
    """What an error tells about the store: who holds the write lock for too long makes all writers hang."""
    if not is_outage(error):
        return Verdict.ANSWERED
    return Verdict.HUNG if "locked" in str(error.orig) else Verdict.DOWN


def is_outage(error: DBAPIError) -> bool:
    """Locked, gone, full or unreadable: the store's state, not a fault of the statement."""
    if type(error.orig).__name__ not in ("OperationalError", "DatabaseError", "InterfaceError"):
        return False
    return not str(error.orig).startswith(("no such ", "near ", "table ", "too many SQL"))
