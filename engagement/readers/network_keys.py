"""The keys that network hashes are made with: random, in SQL, a new one every so many days.

Whoever first needs a new key makes it; of two that do at once, one finds the other's. A key that is deleted
takes with it what its hashes could tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_bytes
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import Utc, bans, network_keys
from engagement.errors import DatabaseUnavailable

LOOK = 60.0
"""Seconds between two looks at SQL for a newer key: so long two processes may use different ones."""
BYTES = 32
NEEDED: tuple[Select[Any], ...] = (
    select(bans.c.network_key).where(
        bans.c.network_key.is_not(None),
        bans.c.lifted_at.is_(None),
        or_(bans.c.until.is_(None), bans.c.until > bindparam("now", callable_=clock.now, type_=Utc)),
    ),
)
"""Statements that select the numbers of keys that are needed for longer. A ban of a network names its key's
here: without the key nobody can tell whom it is about."""


@dataclass(frozen=True, slots=True)
class NetworkKey:
    """A key and its number, which stands before each hash that was made with it."""

    number: int
    key: bytes


class NetworkKeys:
    """The key of these days, as this process knows it."""

    def __init__(
        self, database: Database, days: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`days` after which a key is followed by another."""
        self._database = database
        self._days = days
        self._monotonic = monotonic
        self._known: NetworkKey | None = None
        self._older: dict[int, NetworkKey] = {}
        self._next = -float("inf")
        self._looking = Lock()

    def current(self) -> NetworkKey:
        """While SQL is down: the one that is known. Raises `DatabaseUnavailable` if none ever was."""
        known = self._known
        if known is not None and (self._monotonic() < self._next or self._database.breaker.is_open):
            return known
        if not self._looking.acquire(blocking=known is None):
            return known or self.current()
        try:
            if self._known is None or self._monotonic() >= self._next:
                self._look()
            assert self._known is not None
            return self._known
        finally:
            self._looking.release()

    def numbered(self, number: int) -> NetworkKey | None:
        """The key with this number, as long as there is one; None as well while SQL is down."""
        if number not in self._older:
            with suppress(DatabaseUnavailable), self._database.read() as connection:
                n = network_keys.c
                key = connection.scalar(select(n.key).where(n.number == number))
                if key is None:
                    return None
                self._older[number] = NetworkKey(number, bytes(key))
        return self._older.get(number)

    def _look(self) -> None:
        try:
            self._known = current_key(self._database, self._days)
        except DatabaseUnavailable:
            if self._known is None:
                raise
        self._next = self._monotonic() + LOOK


def current_key(database: Database, days: int) -> NetworkKey:
    """The newest key, made now if there is none or it is older than so many days.

    Raises `DatabaseUnavailable`.
    """
    with database.read() as connection:
        newest = _newest(connection)
    if newest is None or newest.created_at <= clock.now() - timedelta(days=days):
        with suppress(IntegrityError), database.write() as connection:  # somebody else has made it
            number = newest.number + 1 if newest else 1
            values = {"number": number, "key": token_bytes(BYTES), "created_at": clock.now()}
            connection.execute(insert(network_keys).values(values))
        with database.read() as connection:
            newest = _newest(connection)
    if newest is None:  # SQL went back in between
        raise DatabaseUnavailable
    return NetworkKey(newest.number, bytes(newest.key))


def forget_keys(database: Database, days: int) -> int:
    """Delete the keys that were made so many days ago and are neither the newest nor `NEEDED`; how many.

    Raises `DatabaseUnavailable`.
    """
    n = network_keys.c
    with database.write() as connection:
        newest = _newest(connection)
        if newest is None:
            return 0
        old = delete(network_keys).where(
            n.created_at < clock.now() - timedelta(days=days), n.number < newest.number
        )
        for needed in NEEDED:
            old = old.where(n.number.not_in(needed))
        return connection.execute(old).rowcount


def _newest(connection: Connection) -> Row[Any] | None:
    newest = select(network_keys).order_by(network_keys.c.number.desc()).limit(1)
    return connection.execute(newest).one_or_none()
