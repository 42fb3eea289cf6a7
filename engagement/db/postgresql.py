"""PostgreSQL as the truth: snapshots by REPEATABLE READ, row locks, and no wait without an end.

A server that hangs doesn't close its connections, so every wait for an answer is bounded on our side; one
that is slow is bounded on its own side a little earlier, so that it gives the work up as well.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import _WaitTimeout
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError

from engagement.breaker import Verdict

READ: dict[str, object] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
ASK: dict[str, object] = {"isolation_level": "AUTOCOMMIT"}
WRITE: dict[str, object] = {}
"""How transactions begin, as execution options. Those to write are as a connection comes: setting it anew for
each, and back again, took a tenth of a post's time."""
BATCH = 10_000
"""Ledger entries of one transaction at most."""
WRITERS = 2
"""Threads that one worker flushes with: Python and the server keep each other waiting, half of the time."""
WRITES_HANG_ALONE = False
MOST_CONNECTIONS = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"""

ABANDONED = 30
"""Seconds after which the server ends a transaction whose client has stopped in the middle of it."""
BUSY = frozenset({"40001", "40P01", "55P03", "25006"})
"""SQLSTATEs that pass: serialisation, deadlock, a lock not got in time, a server that is a replica now."""
SHUT = frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATEs of a server that ends or begins."""
AWAY = ("08", "53", "57", "58")
"""SQLSTATE classes: connection, resources, operator intervention (time-outs, shutdown), system."""


class ServerHangs(psycopg.OperationalError):
    """No answer in time."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection on which no wait is longer than `answer_timeout` seconds (None: no bound)."""

    answer_timeout: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Raises `ServerHangs`, with the connection closed, if no answer comes in time."""
        try:
            return super().wait(gen, interval, self.answer_timeout if timeout is None else timeout)
        except _WaitTimeout:
            self.pgconn.finish()
            raise ServerHangs("the server does not answer") from None


def engine(url: str, timeout: float, pool_size: int, bounded: bool) -> Engine:
    """Connections to the server, by a URL as PostgreSQL's own programs take it.

    With more than one host in it, to the one that takes writes.
    """
    given = conninfo_to_dict(url)
    usual: dict[str, Any] = {"connect_timeout": max(2, round(timeout)), "application_name": "engagement"}
    if "," in str(given.get("host", "")):
        usual["target_session_attrs"] = "read-write"
    info = make_conninfo("", **(usual | given))
    made = create_engine(
        "postgresql+psycopg://",
        isolation_level="READ COMMITTED",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeout,
        pool_recycle=3_600,
        hide_parameters=True,  # they hold what readers write
    )

    @event.listens_for(made, "do_connect")
    def connect(_dialect: Any, _record: Any, _args: Any, parameters: Any) -> BoundedConnection:
        connection = BoundedConnection.connect(info, context=parameters.get("context"))
        if bounded:
            connection.answer_timeout = timeout + 0.5
        return connection

    @event.listens_for(made, "connect")
    def set_up(connection: BoundedConnection, _record: object) -> None:
        limits = {"idle_in_transaction_session_timeout": ABANDONED * 1_000}
        if bounded:
            limits |= {"statement_timeout": int(timeout * 1_000), "lock_timeout": int(timeout * 1_000)}
        connection.autocommit = True
        connection.execute("SET timezone = 'UTC'")
        connection.execute("SET jit = off")  # it takes longer than any statement of a request
        for name, milliseconds in limits.items():
            connection.execute(f"SET {name} = {milliseconds}")
        connection.autocommit = False
        connection.read_only = False

    @event.listens_for(made, "checkout")
    def look(connection: BoundedConnection, _record: object, _proxy: object) -> None:
        """An idle connection on which something waits to be read is one that the server has closed."""
        waiting = select.poll()
        if not connection.closed:
            waiting.register(connection.fileno(), select.POLLIN)
        if connection.closed or waiting.poll(0):
            raise DisconnectionError("the server has closed the connection")

    return made


def verdict(error: DBAPIError) -> Verdict:
    """What an error tells about the store: a server that says what is wrong is there."""
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(error.orig, ServerHangs | psycopg.errors.ConnectionTimeout):
        return Verdict.HUNG
    if state is None and is_outage(error):
        return Verdict.DOWN
    return Verdict.DOWN if state in SHUT else Verdict.ANSWERED


def is_outage(error: DBAPIError) -> bool:
    """Gone, hung, full or busy: the store's state, not a fault of the statement."""
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError)
    return state in BUSY or state.startswith(AWAY)
