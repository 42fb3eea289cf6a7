"""Posts comments, tells threads, takes votes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, insert, select

from engagement import clock
from engagement.comments import once, threads
from engagement.comments.counting import APPROVED, POSTED
from engagement.comments.once import Draft
from engagement.comments.paging import PAGE, Cursor
from engagement.comments.rendering import RENDERER_VERSION, render
from engagement.db.engine import Database
from engagement.db.tables import comments, outbox
from engagement.errors import Closed, Invalid, NotFound
from engagement.hot.connection import Hot
from engagement.hot.keys import VOTE, Ballot
from engagement.hot.pages import Pages
from engagement.hot.protocol import choosing
from engagement.ratelimit import RateLimits
from engagement.readers.bars import lock_reader
from engagement.readers.caller import Caller
from engagement.sites.service import Article, Site, Sites
from engagement.text import clean_text

CHOICES = {1: "up", 0: "", -1: "down"}
MAX_DEPTH = 32_767


class Comments:
    """Comments of articles: SQL first, counts by way of the outbox."""

    def __init__(
        self, database: Database, hot: Hot, pages: Pages, sites: Sites, limits: RateLimits, max_length: int
    ) -> None:
        self._database = database
        self._hot = hot
        self._pages = pages
        self._sites = sites
        self._limits = limits
        self._max_length = max_length

    def post(self, site: Site, article: str, caller: Caller, draft: Draft) -> dict[str, Any]:
        """Store a comment. The first one of an article makes it, where the site allows that.

        The same draft with the same idempotency key is stored once, and answered again.
        Raises `Closed`, `Forbidden`, `Invalid`, `TooFast`, `Unauthorized`, `Unavailable`.
        """
        try:
            text = clean_text(draft.body, max_length=self._max_length)
        except ValueError as error:
            raise Invalid(errors={"body": [str(error)]}) from error
        html = render(text)
        again = self._posted_before(article, caller, draft)
        if again is not None:
            return again
        self._limits.comment(caller.reader_id, caller.network)
        found = self._sites.find(site.key, article)
        if found is None and site.articles == "open":
            self._limits.new_article(caller.network)
        with self._database.write() as connection:
            if found is None:
                found = self._sites.create(connection, site, article, draft.signature)
            at = found.id, clock.new_id()
            if once.claim(connection, caller.reader_id, found, draft, at[1]):
                self._store(connection, found, caller, draft.parent_id, at[1], text, html)
            else:
                at = once.posted(connection, caller.reader_id, article, draft) or at
            posted = threads.one(connection, *at)
        self._pages.drop([(site.key, article)])
        return _seen(posted)

    def _posted_before(self, article: str, caller: Caller, draft: Draft) -> dict[str, Any] | None:
        """What this key was used for already: sending again costs nothing."""
        if draft.idempotency_key is None:
            return None
        with self._database.read() as connection:
            before = once.posted(connection, caller.reader_id, article, draft)
            return None if before is None else _seen(threads.one(connection, *before))

    def _store(
        self,
        connection: Connection,
        found: Article,
        caller: Caller,
        parent_id: UUID | None,
        comment_id: UUID,
        text: str,
        html: str,
    ) -> None:
        if not found.comments_open:
            raise Closed("This article takes no more comments.")
        lock_reader(connection, found.site, caller.reader_id)
        depth = 0
        if parent_id is not None:
            above = connection.scalar(
                select(comments.c.depth).where(
                    comments.c.article_id == found.id,
                    comments.c.id == parent_id,
                    comments.c.status == APPROVED,
                )
            )
            if above is None:
                raise Invalid(errors={"parent_id": ["is not a comment on this article"]})
            depth = min(above + 1, MAX_DEPTH)
        now = clock.now()
        connection.execute(
            insert(comments).values(
                article_id=found.id, id=comment_id, parent_id=parent_id or found.id, depth=depth,
                reader_id=caller.reader_id, status=APPROVED, body=text, body_html=html,
                renderer=RENDERER_VERSION, revision=1, created_at=now, network=caller.network,
                up=0, down=0, score=0, reply_count=0, pinned=False, featured=False,
            )
        )  # fmt: skip
        connection.execute(
            insert(outbox).values(article_id=found.id, comment_id=comment_id, event=POSTED, created_at=now)
        )

    def first_page(self, found: Article | None, sort: str, limit: int) -> bytes:
        """The first page of an article's threads, from SQL, as JSON; empty where there is no article."""
        return orjson.dumps(self._page(found, sort, limit, None))

    def page(self, site: str, article: str, sort: str, limit: int, cursor: str | None) -> bytes:
        """A page of an article's threads, as JSON; the usual first page comes from what is kept rendered.

        Raises `BadRequest` for an unreadable cursor.
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
        """A page of a comment's replies. Raises `BadRequest`, `NotFound`."""
        after = Cursor.decode(cursor, sort) if cursor is not None else None
        found = self._article(site, article)
        with self._database.read() as connection:
            parent = connection.execute(
                select(comments.c.reply_count).where(
                    comments.c.article_id == found.id,
                    comments.c.id == comment_id,
                    comments.c.status == APPROVED,
                )
            ).one_or_none()
            if parent is None:
                raise NotFound("There is no such comment.")
            return threads.page(
                connection, found.id, comment_id,
                sort=sort, limit=limit, cursor=after, total=parent.reply_count,
            )  # fmt: skip

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

    def vote(self, site: Site, article: str, comment_id: UUID, caller: Caller, value: int) -> dict[str, int]:
        """Set the caller's vote: 1, 0 or -1; answers the exact votes.

        Raises `NotFound`, `TooFast`, `Unavailable`.
        """
        self._limits.choice(caller.reader_id, caller.network)
        ballot = Ballot(site.key, article, VOTE, str(comment_id))
        held = self._hot.limits.held
        plan = choosing(ballot, caller.reader_id.bytes, CHOICES[value], caller.network, held)
        counts = self._hot.play(plan).counts
        up, down = counts.get("up", 0), counts.get("down", 0)
        return {"up": up, "down": down, "score": up - down}

    def on_article(self, article_id: UUID, ids: list[UUID]) -> set[UUID]:
        """Those of the ids that are comments on this article."""
        with self._database.read() as connection:
            return threads.existing(connection, article_id, ids)

    def _article(self, site: str, article: str) -> Article:
        found = self._sites.find(site, article)
        if found is None:
            raise NotFound("There is no such article.")
        return found

    def _page(self, found: Article | None, sort: str, limit: int, after: Cursor | None) -> dict[str, Any]:
        if found is None:
            return {"items": [], "next_cursor": None, "sort": sort, "total": 0}
        with self._database.read() as connection:
            return threads.page(
                connection, found.id, found.id, sort=sort, limit=limit, cursor=after, total=found.threads
            )


def _seen(comment: dict[str, Any] | None) -> dict[str, Any]:
    if comment is None:
        raise NotFound("The comment is not to be seen any more.")
    return comment


def part_of(sort: str) -> str:
    """The name under which the first page of an order is kept rendered."""
    return f"list:{sort}"
