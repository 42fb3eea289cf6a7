"""Reads threads from SQL and builds them as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, literal, select, tuple_

from engagement import clock
from engagement.comments.counting import APPROVED
from engagement.comments.paging import Cursor
from engagement.comments.ranking import ORDERS, REPLY_ORDER, Order
from engagement.db.tables import Id, comments, readers

REMOVED = "removed"
"""The status that is told of a comment that was emptied: it holds its place in the thread, and counts.

Who wrote it is told no more.
"""
INLINE = (3, 2, 1, 0)
"""How many first replies stand in a list, by their level below it; what is deeper comes by cursor."""
ANCESTORS = 50
START = Cursor(REPLY_ORDER, 0, UUID(int=0))
"""Before the first reply."""


def _select() -> Select[Any]:
    return select(comments, readers.c.name.label("reader_name")).join(
        readers, readers.c.id == comments.c.reader_id
    )


def _children(
    article_id: UUID, parent_id: UUID, order: Order, cursor: Cursor | None, limit: int
) -> Select[Any]:
    c = comments.c
    statement = _select().where(c.article_id == article_id, c.parent_id == parent_id, c.status == APPROVED)
    if cursor is not None:
        if order.by_score:
            statement = statement.where(
                tuple_(c.score, c.id) < tuple_(literal(cursor.score), literal(cursor.id, Id()))
            )
        else:
            statement = statement.where(c.id < cursor.id if order.newest_first else c.id > cursor.id)
    keys = [c.score, c.id] if order.by_score else [c.id]
    return statement.order_by(*(key.desc() if order.newest_first else key.asc() for key in keys)).limit(limit)


def page(
    connection: Connection,
    article_id: UUID,
    parent_id: UUID,
    *,
    sort: str,
    limit: int,
    cursor: Cursor | None = None,
    total: int,
) -> dict[str, Any]:
    """A list of the children of `parent_id` (the article's own id: its threads), first replies within."""
    order = ORDERS[sort]
    rows = connection.execute(_children(article_id, parent_id, order, cursor, limit + 1)).all()
    below = _levels(connection, article_id, rows[:limit])
    return _list(rows, limit, sort, total, below, 0)


def one(connection: Connection, article_id: UUID, comment_id: UUID) -> dict[str, Any] | None:
    """A comment with its first replies; None if it isn't there or isn't to be seen."""
    row = _row(connection, article_id, comment_id)
    if row is None:
        return None
    return _body(row, _levels(connection, article_id, [row]), 0)


def ancestors(connection: Connection, article_id: UUID, parent_id: UUID) -> list[dict[str, Any]]:
    """The comments above, outermost first, without replies; the nearest `ANCESTORS` of a longer chain."""
    c = comments.c
    chain = (
        select(c.id, c.parent_id, literal(1).label("distance"))
        .where(c.article_id == article_id, c.id == parent_id)
        .cte("chain", recursive=True)
    )
    chain = chain.union_all(
        select(c.id, c.parent_id, chain.c.distance + 1).where(
            c.article_id == article_id, c.id == chain.c.parent_id, chain.c.distance < ANCESTORS
        )
    )
    rows = connection.execute(
        _select()
        .join(chain, chain.c.id == comments.c.id)
        .where(comments.c.article_id == article_id, comments.c.status == APPROVED)
        .order_by(chain.c.distance.desc())
    )
    return [_body(row, {}, len(INLINE)) for row in rows]


def _row(connection: Connection, article_id: UUID, comment_id: UUID) -> Row[Any] | None:
    return connection.execute(
        _select().where(
            comments.c.article_id == article_id, comments.c.id == comment_id, comments.c.status == APPROVED
        )
    ).one_or_none()


def _levels(connection: Connection, article_id: UUID, rows: Sequence[Row[Any]]) -> dict[UUID, list[Row[Any]]]:
    """First replies of these comments, of those replies, and so on: parent → rows, one more than shown."""
    found: dict[UUID, list[Row[Any]]] = {}
    for shown in INLINE:
        if not rows:
            break
        parents = [row.id for row in rows]
        found |= {parent: [] for parent in parents}
        for row in connection.execute(_first_replies(article_id, parents, shown + 1)):
            found[row.parent_id].append(row)
        rows = [row for parent in parents for row in found[parent][:shown]]
    return found


def _first_replies(article_id: UUID, parents: Sequence[UUID], each: int) -> Select[Any]:
    """The oldest replies of each parent. One statement of one shape, each parent by its index."""
    parent, reply = comments.alias("parent"), comments.alias("reply")
    oldest = (
        select(reply.c.id)
        .where(
            reply.c.article_id == parent.c.article_id,
            reply.c.parent_id == parent.c.id,
            reply.c.status == APPROVED,
        )
        .order_by(reply.c.id)
        .limit(each)
        .correlate(parent)
        .scalar_subquery()
    )
    return (
        _select()
        .join(parent, (parent.c.article_id == comments.c.article_id) & comments.c.id.in_(oldest))
        .where(parent.c.article_id == article_id, parent.c.id.in_(parents))
        .order_by(comments.c.id)
    )


def _list(
    rows: Sequence[Row[Any]], limit: int, sort: str, total: int, below: dict[UUID, list[Row[Any]]], level: int
) -> dict[str, Any]:
    shown = rows[:limit]
    last = Cursor(sort, shown[-1].score, shown[-1].id) if shown else START
    return {
        "items": [_body(row, below, level) for row in shown],
        "next_cursor": last.encode() if len(rows) > limit else None,
        "sort": sort,
        "total": max(total, len(rows)),
    }


def _body(row: Row[Any], below: dict[UUID, list[Row[Any]]], level: int) -> dict[str, Any]:
    shown = INLINE[level] if level < len(INLINE) else 0
    replies = _list(below.get(row.id, []), shown, REPLY_ORDER, row.reply_count, below, level + 1)
    removed = not row.body
    return {
        "id": str(row.id),
        "parent_id": None if row.parent_id == row.article_id else str(row.parent_id),
        "depth": row.depth,
        "author": {
            "id": None if removed else str(row.reader_id),
            "name": None if removed else row.reader_name,
            "avatar_url": None,
            "badges": [],
        },
        "body_html": row.body_html,
        "status": REMOVED if removed else row.status,
        "created_at": clock.rfc3339(row.created_at),
        "edited_at": clock.rfc3339(row.edited_at) if row.edited_at else None,
        "revision": row.revision,
        "votes": {"up": row.up, "down": row.down, "score": row.score},
        "reply_count": row.reply_count,
        "replies": replies,
        "pinned": row.pinned,
        "featured": row.featured,
    }


def existing(connection: Connection, article_id: UUID, ids: Iterable[UUID]) -> set[UUID]:
    """Those of the ids that are comments on this article."""
    return set(
        connection.scalars(
            select(comments.c.id).where(comments.c.article_id == article_id, comments.c.id.in_(list(ids)))
        )
    )
