"""The newest comments of an article, and of all articles of a site: what feeds tell."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, select

from engagement.comments.counting import APPROVED
from engagement.db.engine import Database
from engagement.db.tables import articles, comments, readers

WINDOWS = (200, 2_000, 10_000)
"""How many of the newest comments of all sites are looked through for those of one, until enough are found.

A site on which less is said than that, beside others on the same store, has a shorter feed, never a slow one.
"""


class Newest:
    """The newest comments that all may see, over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_article(self, article_id: UUID, limit: int) -> list[Row[Any]]:
        """Newest first: columns of each, its reader's `name`, its article's `external_id` and `title`."""
        c = comments.c
        with self._database.read() as connection:
            statement = _select().where(c.article_id == article_id, c.shown, c.status == APPROVED)
            return list(connection.execute(statement.order_by(c.id.desc()).limit(limit)))

    def of_site(self, site: str, limit: int) -> list[Row[Any]]:
        """The same of all articles of a site."""
        found: list[Row[Any]] = []
        with self._database.read() as connection:
            for window in WINDOWS:
                found = list(connection.execute(newest_of_site(site, window, limit)))
                if len(found) == limit:
                    break
        return found


def newest_of_site(site: str, window: int, limit: int) -> Select[Any]:
    """A site's comments among the newest of all sites, which are read from the end of one index."""
    c = comments.c
    newest = select(c.article_id, c.id).where(c.shown).order_by(c.id.desc()).limit(window).subquery("newest")
    owner = articles.alias("owner")
    # Asked comment by comment: a join may begin with all articles of the site.
    whose = select(owner.c.site).where(owner.c.id == newest.c.article_id).scalar_subquery()
    return (
        _select()
        .join(newest, and_(newest.c.article_id == c.article_id, newest.c.id == c.id))
        .where(whose == site, c.status == APPROVED)
        .order_by(newest.c.id.desc())
        .limit(limit)
    )


def _select() -> Select[Any]:
    c = comments.c
    return (
        select(
            c.id, c.article_id, c.parent_id, c.body_html, c.created_at, c.edited_at,
            readers.c.name, articles.c.external_id, articles.c.title,
        )
        .join(readers, readers.c.id == c.reader_id)
        .join(articles, articles.c.id == c.article_id)
    )  # fmt: skip
