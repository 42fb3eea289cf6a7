"""Finds sites and articles, and makes articles where readers may."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar
from uuid import UUID

from cachetools import TTLCache
from sqlalchemy import Connection, bindparam, select

from engagement.db.articles import insert_articles
from engagement.db.engine import Database
from engagement.db.prepared import Prepared
from engagement.db.tables import article_counts, articles, sites
from engagement.errors import Closed, DatabaseUnavailable, Forbidden, Invalid, NotFound
from engagement.sites import policy
from engagement.sites.canonical import TRACKING_PARAMETERS, canonical_id, decode_segment
from engagement.sites.names import Names

T = TypeVar("T")
SITE_KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
REMEMBERED = 5
"""Seconds that a process remembers a site, or that an article isn't there."""
FRESH = 1
"""Seconds after which a process asks again for an article that is written to; for as long it may go on."""
UNTOUCHED = "0"
"""The stamp of pages that were never dropped."""
UNASKED = object()
ELSEWHERE = "This article's name stands for another article."


@dataclass(frozen=True, slots=True)
class Site:
    """A publisher's site. `origins`: where its pages may call from; `articles`: see `policy.Admission`."""

    key: str
    name: str
    origins: tuple[str, ...]
    articles: str


@dataclass(frozen=True, slots=True)
class Article:
    """An article as its publisher and readers know it. `id` is ours, `external_id` theirs (canonical)."""

    id: UUID
    site: str
    external_id: str
    url: str | None
    title: str | None
    comments_open: bool
    reactions_open: bool
    comments: int = 0
    threads: int = 0
    section: str | None = None
    created_at: datetime | None = None


class Sites:
    """Sites and articles, over SQL."""

    def __init__(self, database: Database, secret_key: str, tracking: Sequence[str] = ()) -> None:
        """`tracking`: query parameters to drop from article URLs beside the usual ones."""
        self._database = database
        self._secret_key = secret_key
        self._tracking = TRACKING_PARAMETERS | {name.lower() for name in tracking}
        self._names = Names(database)
        self._known: TTLCache[str, object] = TTLCache(1_024, REMEMBERED)
        self._absent: TTLCache[tuple[str, str], bool] = TTLCache(65_536, REMEMBERED)
        self._articles: TTLCache[tuple[str, str], tuple[Article, float]] = TTLCache(4_096, 2 * FRESH)
        """Each with when it should be asked for again."""
        self._asked: set[tuple[str, str]] = set()
        """Those of which some thread asks just now."""
        self._last: dict[str, Site] = {}
        self._lock = Lock()

    def site(self, key: str) -> Site:
        """The site, remembered for a few seconds, and for longer while SQL is down. Raises `NotFound`."""
        with self._lock:
            found = self._known.get(key, UNASKED)
        if found is UNASKED:
            try:
                found = self._read_site(key)
            except DatabaseUnavailable:
                found = self._last.get(key)
                if found is None:
                    raise
        if not isinstance(found, Site):
            raise NotFound("There is no such site.")
        return found

    def _read_site(self, key: str) -> Site | None:
        found = None
        if SITE_KEY.fullmatch(key):
            with self._database.read() as connection:
                row = connection.execute(select(sites).where(sites.c.key == key)).one_or_none()
            if row is not None:
                found = self._last[key] = Site(row.key, row.name, tuple(row.origins), row.articles)
        with self._lock:
            self._known[key] = found
        return found

    def article_of_segment(self, site: str, segment: str) -> str:
        """The id of the article that a path segment names, be it by another name of it. Raises `Invalid`."""
        try:
            name = canonical_id(decode_segment(segment), self._tracking)
        except ValueError as error:
            raise Invalid(errors={"article": [str(error)]}) from error
        return self._names.resolve(site, [name])[name]

    def article_of_text(self, text: str) -> str:
        """The canonical id that a query or body names, whatever it stands for. Raises `Invalid`."""
        try:
            return canonical_id(text, self._tracking)
        except ValueError as error:
            raise Invalid(errors={"article": [str(error)]}) from error

    def articles_of_texts(self, site: str, texts: Collection[str]) -> dict[str, str]:
        """Text → the id of the article that it names, be it by another name of it. Raises `Invalid`."""
        named = {text: self.article_of_text(text) for text in texts}
        found = self._names.resolve(site, set(named.values()))
        return {text: found[name] for text, name in named.items()}

    def where_it_is(self, site: str, article: str, write: Callable[[str], T]) -> T:
        """See `Names.where_it_is`: every write of a reader goes through it."""
        return self._names.where_it_is(site, article, write)

    def hold(self, connection: Connection, article_id: UUID) -> None:
        """Keep the article from being merged until the transaction ends. Raises `Closed` if it was."""
        if connection.scalar(_HOLD, {"id": article_id}) is not None:
            raise Closed(ELSEWHERE)

    def find(self, site: str, article: str) -> Article | None:
        """The article as SQL has it."""
        return self.find_many(site, [article]).get(article)

    def remembered(self, site: str, article: str) -> Article | None:
        """The article as it was two seconds ago at most: for who looks at its row again before writing.

        While one thread asks, the others go on with what was known: all of them come at once.
        """
        key = site, article
        with self._lock:
            known, fresh_until = self._articles.get(key, (None, 0.0))
            if known is not None and (time.monotonic() < fresh_until or key in self._asked):
                return known
            self._asked.add(key)
        try:
            found = self.find(site, article)
        finally:
            with self._lock:
                self._asked.discard(key)
        if found is not None:
            with self._lock:
                self._articles[key] = found, time.monotonic() + FRESH
        return found

    def forget(self, site: str, article: str) -> None:
        """What is remembered of the article is wrong."""
        with self._lock:
            self._articles.pop((site, article), None)

    def find_many(self, site: str, names: Sequence[str]) -> dict[str, Article]:
        """Those of the articles that exist, by their ids."""
        if not names:
            return {}
        with self._database.ask() as connection:
            return _read_articles(connection, site, names)

    def find_seen(self, site: str, stamps: Mapping[str, str | None]) -> dict[str, Article]:
        """As `find_many`; that an article isn't there is remembered for a few seconds.

        `stamps` are those of the articles' pages: an article whose stamp moved was touched, so SQL is asked.
        """
        with self._lock:
            absent = {a for a, stamp in stamps.items() if stamp == UNTOUCHED and (site, a) in self._absent}
        found = self.find_many(site, [article for article in stamps if article not in absent])
        with self._lock:
            for article in stamps.keys() - found.keys():
                self._absent[site, article] = True
        return found

    def may_create(self, site: Site, article: str, signature: str | None) -> bool:
        """May a reader's first reaction or comment make this article?"""
        key = policy.signing_key(self._secret_key, site.key)
        return policy.may_create(site.articles, key, article, signature)

    def create(self, connection: Connection, site: Site, article: str, signature: str | None) -> Article:
        """Make the article if its site lets readers do so; twice is once. Raises `Forbidden`.

        Who calls drops the article's pages after the commit: that tells every process that it is there.
        """
        if not self.may_create(site, article, signature):
            raise Forbidden("Readers can't bring an article into being on this site.")
        insert_articles(connection, [(site.key, article)])
        return _read_articles(connection, site.key, [article])[article]


# Made once: they are a part of every post, and making them takes longer than running them.
_HOLD = (
    select(articles.c.closed_by)
    .where(articles.c.id == bindparam("id"))
    .with_for_update(read=True, key_share=True)
)
_SITE = bindparam("site", type_=articles.c.site.type)
_OF_SITE = (
    select(articles, article_counts.c.comments, article_counts.c.threads)
    .outerjoin(article_counts, article_counts.c.article_id == articles.c.id)
    .where(articles.c.site == _SITE)
)
_ONE = Prepared(
    _OF_SITE.where(articles.c.external_id == bindparam("name", type_=articles.c.external_id.type))
)
_MANY = _OF_SITE.where(articles.c.external_id.in_(bindparam("names", expanding=True)))


def _read_articles(connection: Connection, site: str, names: Sequence[str]) -> dict[str, Article]:
    rows: Sequence[Any]
    if len(names) == 1:
        rows = _ONE.all(connection, {"site": site, "name": names[0]})
    else:
        rows = connection.execute(_MANY, {"site": site, "names": list(names)}).all()
    return {row.external_id: _article(row) for row in rows}


def _article(row: Any) -> Article:
    return Article(
        id=row.id,
        site=row.site,
        external_id=row.external_id,
        url=row.url,
        title=row.title,
        comments_open=row.comments_open,
        reactions_open=row.reactions_open,
        comments=row.comments or 0,
        threads=row.threads or 0,
        section=row.section,
        created_at=row.created_at,
    )
