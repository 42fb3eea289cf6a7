"""Reads threads from SQL and builds them as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, literal, select, tuple_, union_all

from engagement import clock
from engagement.comments.paging import Cursor
from engagement.comments.ranking import ORDERS, REPLY_ORDER, Order
from engagement.db.tables import Id, comments, readers

APPROVED = "approved"
INLINE = (3, 2, 1)
"""How many first replies stand in a list, by their level below it; what is deeper comes by cursor."""
START = UUID(int=0)


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
    """The comments above, from the thread's first on, without their replies."""
    above: list[dict[str, Any]] = []
    while parent_id != article_id and (row := _row(connection, article_id, parent_id)) is not None:
        above.append(_body(row, {}, len(INLINE)))
        parent_id = row.parent_id
    return above[::-1]


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
        parents = [row.id for row in rows if row.reply_count]
        if not parents:
            break
        each = [
            _children(article_id, parent, ORDERS[REPLY_ORDER], None, shown + 1).subquery()
            for parent in parents
        ]
        rows = connection.execute(union_all(*(select(sub) for sub in each))).all()
        for parent in parents:
            found[parent] = []
        for row in rows:
            found[row.parent_id].append(row)
        for replies in found.values():
            replies.sort(key=lambda row: row.id)
        rows = [row for parent in parents for row in found[parent][:shown]]
    return found


def _list(
    rows: Sequence[Row[Any]], limit: int, sort: str, total: int, below: dict[UUID, list[Row[Any]]], level: int
) -> dict[str, Any]:
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "items": [_body(row, below, level) for row in shown],
        "next_cursor": Cursor(sort, shown[-1].score, shown[-1].id).encode() if more else None,
        "sort": sort,
        "total": max(total, len(shown)),
    }


def _body(row: Row[Any], below: dict[UUID, list[Row[Any]]], level: int) -> dict[str, Any]:
    if row.id in below:
        replies = _list(below[row.id], INLINE[level], REPLY_ORDER, row.reply_count, below, level + 1)
    else:
        replies = {
            "items": [],
            "next_cursor": Cursor(REPLY_ORDER, 0, START).encode() if row.reply_count else None,
            "sort": REPLY_ORDER,
            "total": row.reply_count,
        }
    return {
        "id": str(row.id),
        "parent_id": None if row.parent_id == row.article_id else str(row.parent_id),
        "depth": row.depth,
        "author": {"id": str(row.reader_id), "name": row.reader_name, "avatar_url": None, "badges": []},
        "body_html": row.body_html,
        "status": row.status,
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
