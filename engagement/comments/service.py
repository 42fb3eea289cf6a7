"""Tells threads: pages, permalinks, and what waits of a reader's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from engagement.comments import threads
from engagement.comments.paging import PAGE, Cursor
from engagement.comments.ranking import ORDERS
from engagement.comments.walking import Walking
from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.errors import NotFound
from engagement.hot.connection import Hot
from engagement.hot.pages import Pages
from engagement.hot.walks import Walks
from engagement.sites.service import Article, Sites


class Comments:
    """Comments of articles, as readers see them."""

    def __init__(self, database: Database, hot: Hot, pages: Pages, sites: Sites, edit_window: int) -> None:
        """`edit_window`: seconds in which a comment may be edited."""
        self._database = database
        self._pages = pages
        self._sites = sites
        self._edit_window = edit_window
        self._walking = Walking(database, Walks(hot))

    def first_page(self, found: Article | None, sort: str, limit: int) -> bytes:
        """The first page of an article's threads, from SQL, as JSON; empty where there is no article."""
        return orjson.dumps(self._page(found, sort, limit, None))

    def page(self, site: str, article: str, sort: str, limit: int, cursor: str | None) -> bytes:
        """A page of an article's threads, as JSON; the usual first page comes from what is kept rendered.

        Raises `BadRequest` for an unreadable cursor, `Expired` for one that was left for too long.
        """
        if cursor is not None:
            after = Cursor.decode(cursor, sort)
            return orjson.dumps(self._page(self._sites.find(site, article), sort, limit, after))
        if limit != PAGE:
            return self.first_page(self._sites.find(site, article), sort, limit)
        field = part_of(sort)
        parts = self._pages.read(site, article, [field])
        kept = parts.found[field] if parts else None
        if kept is not None:
            return kept
        found = self._sites.find_seen(site, {article: parts.stamp if parts else None}).get(article)
        rendered = self.first_page(found, sort, limit)
        if found is not None:
            self._pages.keep(site, article, parts, {field: rendered})
        return rendered

    def replies(
        self, site: str, article: str, comment_id: UUID, sort: str, limit: int, cursor: str | None
    ) -> dict[str, Any]:
        """A page of a comment's replies. Raises `BadRequest`, `Expired`, `NotFound`."""
        after = Cursor.decode(cursor, sort) if cursor is not None else None
        found = self._article(site, article)
        c = comments.c
        with self._database.read() as connection:
            total = connection.scalar(
                select(c.reply_count).where(c.article_id == found.id, c.id == comment_id, c.shown)
            )
        if total is None:
            raise NotFound("There is no such comment.")
        return self._listed(found, comment_id, sort, limit, after, total)

    def one(self, site: str, article: str, comment_id: UUID) -> dict[str, Any]:
        """A comment and its ancestors. Raises `NotFound`."""
        found = self._article(site, article)
        with self._database.read() as connection:
            comment = threads.one(connection, found.id, comment_id)
            if comment is None:
                raise NotFound("There is no such comment.")
            parent = comment["parent_id"]
            above = threads.ancestors(connection, found.id, UUID(parent)) if parent else []
        return {"comment": comment, "ancestors": above}

    def asked(
        self, article_id: UUID, ids: Sequence[UUID], reader_id: UUID
    ) -> tuple[set[UUID], dict[str, Any]]:
        """Those of the ids that are comments on this article; and of the reader's own, how to edit them."""
        with self._database.read() as connection:
            return threads.asked(connection, article_id, ids, reader_id, self._edit_window)

    def pending(self, article_id: UUID, reader_id: UUID) -> list[dict[str, Any]]:
        """The reader's own comments that wait for a moderator, newest first."""
        with self._database.read() as connection:
            return threads.pending(connection, article_id, reader_id, self._edit_window)

    def _article(self, site: str, article: str) -> Article:
        found = self._sites.find(site, article)
        if found is None:
            raise NotFound("There is no such article.")
        return found

    def _page(self, found: Article | None, sort: str, limit: int, after: Cursor | None) -> dict[str, Any]:
        if found is None:
            return {"items": [], "next_cursor": None, "sort": sort, "total": 0}
        return self._listed(found, found.id, sort, limit, after, found.threads)

    def _listed(
        self, found: Article, place: UUID, sort: str, limit: int, after: Cursor | None, total: int
    ) -> dict[str, Any]:
        if after is not None and ORDERS[sort].moves:
            ids, more = self._walking.page(found, place, after, limit)
            with self._database.read() as connection:
                return threads.page(connection, found.id, ids, more, sort=sort, total=total)
        with self._database.read() as connection:
            if after is None:
                return threads.first_page(connection, found.id, place, sort=sort, limit=limit, total=total)
            ids, more = threads.by_age(connection, found.id, place, after, limit)
            return threads.page(connection, found.id, ids, more, sort=sort, total=total)


def part_of(sort: str) -> str:
    """The name under which the first page of an order is kept rendered."""
    return f"list.2:{sort}"
