"""Readers who are kept out: written in SQL, remembered in every process, asked at every call with a token.

SQL is read at most once a second, and then only what is new. A row gets its number before others can see it,
and transactions commit in another order than they got theirs: each read begins after a number that was given
so long ago that all before it are there, or never will be.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import bars, readers
from engagement.errors import DatabaseUnavailable, Unauthorized

ERASED = "erased"
"""The bar of a reader who was erased, or is being erased: for good."""
GONE = "There is no such reader any more."
REFRESH = 1.0
"""Seconds between two reads."""
OVERLAP = timedelta(minutes=10)
"""How long ago. No transaction stays open for a minute; the rest is for clocks that differ."""


def put_bar(
    connection: Connection, reader_id: UUID, site: str, kind: str, until: datetime | None = None
) -> None:
    """Keep the reader out until then, or for good; a bar of the same kind is replaced."""
    connection.execute(delete(bars).where(bars.c.reader_id == reader_id, bars.c.kind == kind))
    connection.execute(
        insert(bars).values(reader_id=reader_id, site=site, kind=kind, since=clock.now(), until=until)
    )


# Made once: they are a part of every post, and making them takes longer than running them.
_LOCK = (
    select(readers.c.id)
    .where(readers.c.id == bindparam("id"), readers.c.site == bindparam("site"))
    .with_for_update(read=True)
)
_ERASED = select(bars.c.number).where(bars.c.reader_id == bindparam("id"), bars.c.kind == ERASED)


def lock_reader(connection: Connection, site: str, reader_id: UUID) -> None:
    """Make sure that the reader is there, and is until this transaction ends. Raises `Unauthorized`."""
    if connection.scalar(_LOCK, {"id": reader_id, "site": site}) is None:
        raise Unauthorized(GONE)
    refuse_erased(connection, reader_id)


def refuse_erased(connection: Connection, reader_id: UUID) -> None:
    """For a transaction that holds the reader's row: an erasure begins before it, or sees what it wrote.

    It looks in a statement of its own, after the row was waited for. Raises `Unauthorized`.
    """
    if connection.scalar(_ERASED, {"id": reader_id}) is not None:
        raise Unauthorized(GONE)


class Bars:
    """What this process knows of the bars."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: dict[tuple[UUID, str], datetime | None] = {}
        self._complete = 0
        """Every number up to this one is known: its transaction is over since long."""
        self._newest = 0
        self._next = -float("inf")
        self._reading = Lock()

    def check(self, reader_id: UUID) -> None:
        """Raises `Unauthorized` for a reader who was erased.

        While SQL is down it goes by what it knows, and leaves it to others to find out when SQL is back.
        """
        stale = self._monotonic() >= self._next and not self._database.breaker.is_open
        if stale and self._reading.acquire(blocking=False):
            try:
                with suppress(DatabaseUnavailable):
                    self._read()
            finally:
                self._next = self._monotonic() + REFRESH
                self._reading.release()
        if (reader_id, ERASED) in self._known:
            raise Unauthorized(GONE)

    def learn(self, reader_id: UUID) -> None:
        """This process has just erased the reader: others learn it within a second."""
        self._known[reader_id, ERASED] = None

    def _read(self) -> None:
        n, now = bars.c.number, clock.now()
        old = select(n).where(bars.c.since < now - OVERLAP).order_by(n.desc()).limit(1)
        new = select(bars.c.reader_id, bars.c.kind, bars.c.until).order_by(n)
        with self._database.read() as connection:
            newest, complete = connection.scalar(select(func.max(n))) or 0, connection.scalar(old) or 0
            back = newest < self._newest  # SQL is as it was before
            rows = connection.execute(new.where(n > (0 if back else self._complete))).all()
        known = {} if back else self._known
        for reader_id, kind, until in rows:
            if until is None or until > now:
                known[reader_id, kind] = until
            else:
                known.pop((reader_id, kind), None)
        self._known, self._newest, self._complete = known, newest, complete
