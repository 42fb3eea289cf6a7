"""What the names of articles stand for, as a process remembers it: no SQL where a name is known.

A process asks at most once a second whether anything changed; if so, it forgets what it knew, and reads in
bulk what it is asked for. While SQL is down, what was known goes on working.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from threading import Lock
from typing import TypeVar

from cachetools import LRUCache
from sqlalchemy import select

from engagement.db import names
from engagement.db.engine import Database
from engagement.db.tables import articles, merges
from engagement.errors import Closed, DatabaseUnavailable, Unavailable

T = TypeVar("T")
REFRESH = 1.0
"""Seconds between two looks whether anything changed."""
REMEMBERED = 20_000
"""Names, whatever they stand for; and as many that stand for another article."""
MERGING = "This article is being merged with another one."


class Names:
    """Names of articles → the names of the articles that they stand for."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: LRUCache[tuple[str, str], str] = LRUCache(REMEMBERED)
        self._last: LRUCache[tuple[str, str], str] = LRUCache(REMEMBERED)
        """What stood for another article when it was read last: for the time in which SQL is down."""
        self._version: str | None = None
        self._next = -float("inf")
        self._lock, self._looking = Lock(), Lock()

    def resolve(self, site: str, asked: Collection[str]) -> dict[str, str]:
        """Each canonical name → the name of its article: most often itself. Goes on while SQL is down."""
        self._look()
        with self._lock:
            found = {name: self._known.get((site, name)) for name in asked}
        missing = [name for name, article in found.items() if article is None]
        read: dict[str, str] = {}
        if missing:
            try:
                read = self._read(site, missing)
            except DatabaseUnavailable:
                with self._lock:
                    read = {name: self._last.get((site, name), name) for name in missing}
        return {name: article if article is not None else read[name] for name, article in found.items()}

    def where_it_is(self, site: str, article: str, write: Callable[[str], T]) -> T:
        """Answer `write(article)`; if the article is closed since its name stands for another, write there.

        For what a process writes that has not heard of an alias or a merge yet. Raises what `write` raises,
        and `Unavailable` for an article that is being merged just now.
        """
        try:
            return write(article)
        except Closed:
            now = self._read(site, [article])[article]
            if now == article:
                self._refuse_merging(site, article)
                raise
        return write(now)

    def _look(self) -> None:
        if self._monotonic() < self._next or not self._looking.acquire(blocking=False):
            return
        try:
            with suppress(DatabaseUnavailable), self._database.read() as connection:
                self._note(names.version(connection))
        finally:
            self._next = self._monotonic() + REFRESH
            self._looking.release()

    def _note(self, version: str) -> None:
        with self._lock:
            if version != self._version:
                self._known.clear()
                self._version = version

    def _read(self, site: str, asked: Collection[str]) -> dict[str, str]:
        """As SQL has it; kept if that is of before or after the same changes as what is known."""
        with self._database.read() as connection:
            version = names.version(connection)
            stands = names.stand_for(connection, site, asked)
        found = {name: stands.get(name, name) for name in asked}
        with self._lock:
            for name, article in found.items():
                if version == self._version:
                    self._known[site, name] = article
                if article == name:
                    self._last.pop((site, name), None)
                else:
                    self._last[site, name] = article
        return found

    def _refuse_merging(self, site: str, article: str) -> None:
        mine = (articles.c.site == site, articles.c.external_id == article)
        merge = select(merges.c.job_id).join(articles, articles.c.id == merges.c.article_id).where(*mine)
        with self._database.read() as connection:
            merging = connection.scalar(merge) is not None
        if merging:
            raise Unavailable(MERGING, retry_after=2)
