"""Finds comments by their ids alone, as moderators name them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, select

from engagement.comments.counting import DELETED
from engagement.db.tables import articles, cases, comments
from engagement.errors import NotFound
from engagement.moderation.queue.cases import ensure

NOT_THERE = "There is no such comment."


def article_of(connection: Connection, site: str, comment_id: UUID) -> UUID:
    """The article of a comment that has a case, or gets one by this. Raises `NotFound`."""
    found = articles_of(connection, site, [comment_id]).get(comment_id)
    if found is None:
        raise NotFound(NOT_THERE)
    return found


def articles_of(connection: Connection, site: str, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Comment → its article, of those on this site that have a case, or get one by this.

    What was posted a moment ago may have none yet; if it is shown it is found all the same.
    """
    c, of = cases.c, comments.c
    known = select(c.comment_id, c.article_id).where(c.comment_id.in_(ids), c.site == site)
    found = {row.comment_id: row.article_id for row in connection.execute(known)}
    left = [id for id in ids if id not in found]
    if left:
        shown = (
            select(of.id, of.article_id)
            .join(articles, articles.c.id == of.article_id)
            .where(of.id.in_(left), of.shown, of.status != DELETED, articles.c.site == site)
        )
        new = {row.id: row.article_id for row in connection.execute(shown)}
        ensure(connection, [(article_id, id) for id, article_id in new.items()])
        found |= new
    return found
