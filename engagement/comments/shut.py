"""Finds the comments that nobody answers any more, because a moderator has closed their thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, exists, select, true

from engagement.db.tables import comments

Above = Mapping[UUID, tuple[UUID, bool]]
"""Comment → what it answers, and whether it is closed itself."""


def some_closed(article: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Has this article a closed thread? Found by an index of those alone."""
    closed = comments.alias("closed").c
    return exists().where(closed.article_id == article, closed.replies_closed == true())


def below_closed(connection: Connection, article_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """Those of the comments that are closed themselves, or stand anywhere below one that is."""
    c, above = comments.c, comments.alias("above").c
    up = (
        select(c.id, c.parent_id, c.replies_closed)
        .where(c.article_id == article_id, c.id.in_(ids))
        .cte("up", recursive=True)
    )
    up = up.union(
        select(above.id, above.parent_id, above.replies_closed).where(
            above.article_id == article_id, above.id == up.c.parent_id, ~up.c.replies_closed
        )
    )
    found: list[Any] = list(connection.execute(select(up)))
    return closed_among(ids, {row.id: (row.parent_id, row.replies_closed) for row in found})


def closed_among(ids: Collection[UUID], above: Above) -> set[UUID]:
    """Those of the comments from which a way up leads to a closed one. Pure."""
    known: dict[UUID, bool] = {}
    for id in ids:
        way, at = list[UUID](), id
        while at not in known and at in above:
            way.append(at)
            parent, closed = above[at]
            if closed:
                known[at] = True
            else:
                at = parent
        known |= dict.fromkeys(way, known.get(at, False))
    return {id for id in ids if known.get(id, False)}
