"""What a process remembers of SQL for as long as nothing changes: asked about at most once a second.

A word in `meta` is another one after each change, set in its transaction. While SQL is down, what was known
goes on; while one thread builds something anew, the others go on with what was built before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache
from sqlalchemy import Connection, select

from engagement import clock
from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.tables import meta
from engagement.errors import DatabaseUnavailable

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
V = TypeVar("V")
REFRESH = 1.0
"""Seconds between two looks whether anything changed."""
REMEMBERED = 20_000


def change(connection: Connection, word: str) -> None:
    """In the transaction of a change, as late as can be: those that change the same wait for each other."""
    bulk.put(connection, meta, ("key", "value"), [(word, clock.new_id().hex)], replace=("value",))


def _version(connection: Connection, word: str) -> str:
    return connection.scalar(select(meta.c.value).where(meta.c.key == word)) or ""


class Memory(Generic[K, R, V]):
    """Values by their keys.

    `read` asks SQL; `build` makes of its answer, and of the value before, what is kept.
    """

    def __init__(
        self,
        database: Database,
        word: str,
        read: Callable[[Connection, K], R],
        build: Callable[[R, V | None], V],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`word`: the key in `meta`."""
        self._database = database
        self._word = word
        self._read = read
        self._build = build
        self._monotonic = monotonic
        self._known: LRUCache[K, V] = LRUCache(REMEMBERED)
        self._last: LRUCache[K, V] = LRUCache(REMEMBERED)
        self._busy: set[K] = set()
        self._version: str | None = None
        self._next = -float("inf")
        self._lock, self._looking = Lock(), Lock()

    def get(self, key: K) -> V:
        """Raises `DatabaseUnavailable` if SQL is down and nothing was ever known of it."""
        self._look()
        with self._lock:
            if key in self._known:
                return self._known[key]
            last = self._last.get(key)
            if last is not None and key in self._busy:
                return last
            self._busy.add(key)
        try:
            return self._renew(key, last)
        except DatabaseUnavailable:
            if last is None:
                raise
            return last
        finally:
            with self._lock:
                self._busy.discard(key)

    def forget(self) -> None:
        """This process has just changed something: it looks at the next question."""
        self._next = -float("inf")

    def _renew(self, key: K, last: V | None) -> V:
        with self._database.read() as connection:
            version = _version(connection, self._word)
            answer = self._read(connection, key)
        value = self._build(answer, last)
        with self._lock:
            self._last[key] = value
            if version == self._version:
                self._known[key] = value
        return value

    def _look(self) -> None:
        if self._monotonic() < self._next or not self._looking.acquire(blocking=False):
            return
        self._next = self._monotonic() + REFRESH  # one that is told to look meanwhile looks again
        try:
            with suppress(DatabaseUnavailable), self._database.read() as connection:
                version = _version(connection, self._word)
                with self._lock:
                    if version != self._version:
                        self._known.clear()
                        self._version = version
        finally:
            self._looking.release()
