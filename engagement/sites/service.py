"""Finds sites and articles, and makes them where that is allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import UUID

from cachetools import TTLCache
from sqlalchemy import Row, Select, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import article_counts, articles, sites
from engagement.errors import Forbidden, Invalid, NotFound
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot
from engagement.sites import policy
from engagement.sites.canonical import TRACKING_PARAMETERS, canonical_id, decode_segment

SITE_KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
REMEMBERED = 5
"""Seconds that a process remembers a site, or that an article isn't there."""


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


class Sites:
    """Sites and articles, over SQL."""

    def __init__(self, database: Database, secret_key: str, tracking: Sequence[str] = ()) -> None:
        """`tracking`: query parameters to drop from article URLs beside the usual ones."""
        self._database = database
        self._secret_key = secret_key
        self._tracking = TRACKING_PARAMETERS | set(tracking)
        self._known: TTLCache[str, Site | None] = TTLCache(1_024, REMEMBERED)
        self._absent: TTLCache[tuple[str, str], bool] = TTLCache(65_536, REMEMBERED)
        self._lock = Lock()

    def site(self, key: str) -> Site:
        """Raises `NotFound`."""
        with self._lock:
            if key in self._known:
                site = self._known[key]
                if site is None:
                    raise NotFound("There is no such site.")
                return site
        found = None
        if SITE_KEY.fullmatch(key):
            with self._database.read() as connection:
                row = connection.execute(select(sites).where(sites.c.key == key)).one_or_none()
            if row is not None:
                found = Site(row.key, row.name, tuple(row.origins), row.articles)
        with self._lock:
            self._known[key] = found
        if found is None:
            raise NotFound("There is no such site.")
        return found

    def article_of_segment(self, segment: str) -> str:
        """The canonical id that a path segment names. Raises `Invalid`."""
        try:
            return canonical_id(decode_segment(segment), self._tracking)
        except ValueError as error:
            raise Invalid(errors={"article": [str(error)]}) from error

    def article_of_text(self, text: str) -> str:
        """The canonical id that a query or body names. Raises `Invalid`."""
        try:
            return canonical_id(text, self._tracking)
        except ValueError as error:
            raise Invalid(errors={"article": [str(error)]}) from error

    def find(self, site: str, article: str) -> Article | None:
        """The article as SQL has it; that there is none is remembered for a short while."""
        return self.find_many(site, [article]).get(article)

    def find_many(self, site: str, names: Sequence[str]) -> dict[str, Article]:
        """Those of the articles that exist, by their ids."""
        with self._lock:
            asked = [article for article in names if (site, article) not in self._absent]
        if not asked:
            return {}
        with self._database.read() as connection:
            rows = connection.execute(
                _select_articles().where(articles.c.site == site, articles.c.external_id.in_(asked))
            )
            found = {row.external_id: _article(row) for row in rows}
        with self._lock:
            for article in asked:
                if article not in found:
                    self._absent[site, article] = True
        return found

    def may_create(self, site: Site, article: str, signature: str | None) -> bool:
        """May a reader's first reaction or comment make this article?"""
        key = policy.signing_key(self._secret_key, site.key)
        return policy.may_create(site.articles, key, article, signature)

    def create(self, site: Site, article: str, signature: str | None) -> None:
        """Make the article if its site lets readers do so; twice is once. Raises `Forbidden`."""
        if not self.may_create(site, article, signature):
            raise Forbidden("Readers can't bring an article into being on this site.")
        with self._database.write() as connection:
            new_id = clock.new_id()
            connection.execute(
                upsert(articles)
                .values(
                    id=new_id,
                    site=site.key,
                    external_id=article,
                    url=article if article.startswith("https://") else None,
                    comments_open=True,
                    reactions_open=True,
                    created_at=clock.now(),
                )
                .on_conflict_do_nothing()
            )
        with self._lock:
            self._absent.pop((site.key, article), None)


def ensure_site(
    database: Database, key: str, *, name: str, origins: Sequence[str] = (), admission: str = "known"
) -> bool:
    """Make a site; answers False, and changes nothing, if it is there. Raises `Invalid`."""
    if not SITE_KEY.fullmatch(key):
        raise Invalid(errors={"site": ["may have a-z, 0-9 and inner hyphens, at most 64"]})
    if admission not in policy.ADMISSIONS:
        raise Invalid(errors={"articles": [f"must be one of {', '.join(policy.ADMISSIONS)}"]})
    with database.write() as connection:
        added = connection.execute(
            upsert(sites)
            .values(
                key=key, name=name, origins=[_origin(o) for o in origins], articles=admission,
                created_at=clock.now(),
            )
            .on_conflict_do_nothing()
        )  # fmt: skip
        return added.rowcount == 1


def ensure_demo_site(database_url: str) -> None:
    """The site of the demo pages."""
    database = Database(database_url)
    try:
        ensure_site(database, "demo", name="The Demo Post", admission="open")
    finally:
        database.close()


def put_article(database: Database, hot: Hot, site: str, article: str, **changes: Any) -> None:
    """Make or change an article as its publisher: url, title, comments_open, reactions_open.

    Drops its views and pages, so that the change holds at once. Raises `NotFound`, `Invalid`, `Unavailable`.
    """
    with database.write() as connection:
        if connection.scalar(select(sites.c.key).where(sites.c.key == site)) is None:
            raise NotFound("There is no such site.")
        connection.execute(
            upsert(articles)
            .values(
                id=clock.new_id(), site=site, external_id=article, comments_open=True, reactions_open=True,
                created_at=clock.now(),
            )
            .on_conflict_do_nothing()
        )  # fmt: skip
        if changes:
            connection.execute(
                update(articles)
                .where(articles.c.site == site, articles.c.external_id == article)
                .values(**changes)
            )
    hot.execute_many([commands.forget_view(Ballot(site, article, MOOD)), commands.drop_parts(site, article)])


def _select_articles() -> Select[Any]:
    return select(articles, article_counts.c.comments, article_counts.c.threads).outerjoin(
        article_counts, article_counts.c.article_id == articles.c.id
    )


def _article(row: Row[Any]) -> Article:
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
    )


def _origin(text: str) -> str:
    origin = text.rstrip("/")
    if not re.fullmatch(r"https?://[a-z0-9.\-\[\]:]+", origin):
        raise Invalid(errors={"origin": [f"{text} is not an origin such as https://news.example"]})
    return origin
