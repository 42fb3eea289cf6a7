"""Readers who are kept out: written in SQL, remembered in every process, asked at every call with a token.

SQL is read at most once a second, and then only what is new. A row gets its number before others can see it,
and transactions commit in another order than they got theirs: each read begins after a number that was given
so long ago that all before it are there, or never will be.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import Lock
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import bars, readers
from engagement.errors import Banned, DatabaseUnavailable, Unauthorized

ERASED = "erased"
"""The bar of a reader who was erased, or is being erased: for good."""
BANNED, SHADOWED = "banned", "shadow"
"""The bars of a reader who may read, and not write; and of one whose comments nobody else sees."""
NETWORK, NETWORK_ALL = "network", "network-all"
"""The bars of a network that may not write: on a site, on every site."""
GONE = "There is no such reader any more."
REFRESH = 1.0
"""Seconds between two reads."""
OVERLAP = timedelta(minutes=10)
"""How long ago. No transaction stays open for a minute; the rest is for clocks that differ."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What is known of a bar. `until` None: for good; `reason`: a code of moderation's."""

    site: str
    until: datetime | None
    reason: str | None
    network: str | None

    @property
    def stands(self) -> bool:
        """Is it in force?"""
        return self.until is None or self.until > clock.now()


def put_bar(
    connection: Connection,
    reader_id: UUID,
    site: str,
    kind: str,
    until: datetime | None = None,
    *,
    reason: str | None = None,
    network: str | None = None,
) -> None:
    """Keep the reader out until then, or for good; a bar of the same kind is replaced.

    What is lifted is replaced as well, by a bar that is over: so every process learns of it.
    """
    connection.execute(delete(bars).where(bars.c.reader_id == reader_id, bars.c.kind == kind))
    connection.execute(
        insert(bars).values(
            reader_id=reader_id, site=site, kind=kind, since=clock.now(), until=until, reason=reason,
            network=network,
        )
    )  # fmt: skip


def network_id(site: str | None, network: str) -> UUID:
    """What stands for a network in place of a reader's id. `site` None: on every site."""
    return UUID(bytes=blake2b(f"{site or ''} {network}".encode(), digest_size=16).digest())


# Made once: they are a part of every post, and making them takes longer than running them.
_LOCK = (
    select(readers.c.id)
    .where(readers.c.id == bindparam("id"), readers.c.site == bindparam("site"))
    .with_for_update(read=True)
)
_ERASED = select(bars.c.number).where(bars.c.reader_id == bindparam("id"), bars.c.kind == ERASED)
_KEPT_OUT = select(bars.c.kind, bars.c.reason, bars.c.until).where(
    bars.c.reader_id == bindparam("id"), bars.c.kind.in_((ERASED, BANNED))
)


def lock_reader(connection: Connection, site: str, reader_id: UUID, *, banned_too: bool = False) -> None:
    """Make sure that the reader is there, and may write, until this transaction ends.

    A ban begins before it, or finds what was written in it. `banned_too`: be they banned or not.
    Raises `Banned`, `Unauthorized`.
    """
    if connection.scalar(_LOCK, {"id": reader_id, "site": site}) is None:
        raise Unauthorized(GONE)
    refuse_kept_out(connection, reader_id, banned_too=banned_too)


def refuse_kept_out(connection: Connection, reader_id: UUID, *, banned_too: bool = False) -> None:
    """As `lock_reader`, for a transaction that holds the reader's row."""
    for row in connection.execute(_KEPT_OUT, {"id": reader_id}).all():
        if row.kind == ERASED:
            raise Unauthorized(GONE)
        if not banned_too and (row.until is None or row.until > clock.now()):
            raise Banned(row.reason or "other", row.until)


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
        self._known: dict[tuple[UUID, str], Bar] = {}
        self._networks: dict[tuple[UUID, str], Bar] = {}
        """Those of `_known` that are of networks: few, if any."""
        self._complete = 0
        """Every number up to this one is known: its transaction is over since long."""
        self._newest = 0
        self._next = -float("inf")
        self._reading = Lock()

    def check(self, reader_id: UUID) -> None:
        """Raises `Unauthorized` for a reader who was erased.

        While SQL is down it goes by what it knows, and leaves it to others to find out when SQL is back.
        """
        self._look()
        if (reader_id, ERASED) in self._known:
            raise Unauthorized(GONE)

    def refuse_banned(self, reader_id: UUID) -> None:
        """Raises `Banned`. It doesn't look: `check` has."""
        bar = self._known.get((reader_id, BANNED))
        if bar is not None and bar.stands:
            raise Banned(bar.reason or "other", bar.until)

    def is_shadowed(self, reader_id: UUID) -> bool:
        """Are the reader's comments for themself alone? It doesn't look: `check` has."""
        bar = self._known.get((reader_id, SHADOWED))
        return bar is not None and bar.stands

    def networks(self, site: str) -> dict[str, Bar]:
        """The networks from which nobody may write on this site, by their hashes."""
        self._look()
        return {
            bar.network: bar
            for (_, kind), bar in self._networks.items()
            if bar.network and bar.stands and (kind == NETWORK_ALL or bar.site == site)
        }

    def learn(self, reader_id: UUID) -> None:
        """This process has just erased the reader: others learn it within a second."""
        self._known[reader_id, ERASED] = Bar("", None, None, None)

    def learn_now(self) -> None:
        """This process has just put bars: it looks at once. Raises nothing: others learn it all the same."""
        with self._reading, suppress(DatabaseUnavailable):
            self._read()

    def _look(self) -> None:
        stale = self._monotonic() >= self._next and not self._database.breaker.is_open
        if stale and self._reading.acquire(blocking=False):
            try:
                with suppress(DatabaseUnavailable):
                    self._read()
            finally:
                self._next = self._monotonic() + REFRESH
                self._reading.release()

    def _read(self) -> None:
        n, now = bars.c.number, clock.now()
        old = select(n).where(bars.c.since < now - OVERLAP).order_by(n.desc()).limit(1)
        new = select(bars).order_by(n)
        with self._database.read() as connection:
            newest, complete = connection.scalar(select(func.max(n))) or 0, connection.scalar(old) or 0
            back = newest < self._newest  # SQL is as it was before
            rows = connection.execute(new.where(n > (0 if back else self._complete))).all()
        known = {} if back else self._known
        for row in rows:
            if row.until is None or row.until > now:
                known[row.reader_id, row.kind] = _bar(row)
            else:
                known.pop((row.reader_id, row.kind), None)
        self._networks = {key: bar for key, bar in known.items() if bar.network}
        self._known, self._newest, self._complete = known, newest, complete


def _bar(row: Row[Any]) -> Bar:
    return Bar(row.site, row.until, row.reason, row.network)
