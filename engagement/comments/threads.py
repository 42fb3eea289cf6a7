"""Reads threads from SQL and builds them as the API shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, case, literal, select

from engagement import clock
from engagement.comments.counting import APPROVED, PENDING
from engagement.comments.paging import MAX_PINNED, Cursor, tail, tails
from engagement.comments.ranking import ORDERS, REPLY_ORDER, Order
from engagement.db.tables import comments, place_of, readers

REMOVED = "removed"
"""The status that is told of a comment without text: it holds its place in the thread.

Who wrote it is told no more.
"""
INLINE = (3, 2, 1, 0)
"""How many first replies stand in a list, by their level below it; what is deeper comes by cursor."""
ANCESTORS = 50
MAX_PENDING = 50
"""Of a reader's comments on an article, the newest."""
CHUNK = 1_000
"""Ids that are read at once."""


def _select() -> Select[Any]:
    return select(comments, place_of(comments).label("place"), readers.c.name.label("reader_name")).join(
        readers, readers.c.id == comments.c.reader_id
    )


def listed(article_id: UUID, place: UUID, order: Order) -> Select[Any]:
    """The ids of what is shown in a place, in an order."""
    c = comments.c
    keys = [c.id] if order.column is None else [c[order.column], c.id]
    return (
        select(c.id)
        .where(c.article_id == article_id, place_of(comments) == place, c.shown)
        .order_by(*(key.desc() if order.newest_first else key.asc() for key in keys))
    )


def first_page(
    connection: Connection, article_id: UUID, place: UUID, *, sort: str, limit: int, total: int
) -> dict[str, Any]:
    """The pinned comments, and the first `limit` others. `total`: of what is shown in the place."""
    pinned = list(
        connection.scalars(
            listed(article_id, place, ORDERS["newest"]).where(comments.c.pinned).limit(MAX_PINNED)
        )
    )
    ids = listed(article_id, place, ORDERS[sort]).where(comments.c.id.not_in(pinned)).limit(limit + 1)
    found = list(connection.scalars(ids))
    shown = [*pinned, *found[:limit]]
    cursor = None
    if len(found) > limit:
        if ORDERS[sort].moves:
            cursor = Cursor(sort, shown=tails(shown))
        else:
            cursor = Cursor(sort, after=shown[-1], shown=tails(pinned))
    return page(connection, article_id, shown, cursor, sort=sort, total=total)


def by_age(
    connection: Connection, article_id: UUID, place: UUID, cursor: Cursor, limit: int
) -> tuple[list[UUID], Cursor | None]:
    """The ids of the next page in an order that doesn't move, and where to go on."""
    shown = cursor.tails
    statement = listed(article_id, place, ORDERS[cursor.sort]).limit(limit + len(shown) + 1)
    if cursor.after is not None:
        newest_first = ORDERS[cursor.sort].newest_first
        statement = statement.where(
            comments.c.id < cursor.after if newest_first else comments.c.id > cursor.after
        )
    found = [id for id in connection.scalars(statement) if tail(id) not in shown]
    more = Cursor(cursor.sort, after=found[limit - 1], shown=cursor.shown) if len(found) > limit else None
    return found[:limit], more


def rest(
    connection: Connection, article_id: UUID, place: UUID, after: UUID | None, since: UUID | None
) -> Iterator[UUID]:
    """Ids of what is shown in a place, newest first, from after `after` on, down to `since`."""
    c = comments.c
    while True:
        statement = listed(article_id, place, ORDERS["newest"]).limit(CHUNK)
        if after is not None:
            statement = statement.where(c.id < after)
        if since is not None:
            statement = statement.where(c.id >= since)
        found = list(connection.scalars(statement))
        yield from found
        if len(found) < CHUNK:
            return
        after = found[-1]


def page(
    connection: Connection,
    article_id: UUID,
    ids: Sequence[UUID],
    cursor: Cursor | None,
    *,
    sort: str,
    total: int,
) -> dict[str, Any]:
    """A list of these comments, first replies within; those that are shown no more are left out."""
    c = comments.c
    statement = _select().where(c.article_id == article_id, c.id.in_(ids), c.shown)
    found = {row.id: row for row in connection.execute(statement)} if ids else {}
    rows = [found[id] for id in ids if id in found]
    below = _levels(connection, article_id, rows)
    return {
        "items": [_body(row, below, 0) for row in rows],
        "next_cursor": cursor.encode() if cursor else None,
        "sort": sort,
        "total": max(total, len(rows) + (cursor is not None)),
    }


def one(connection: Connection, article_id: UUID, comment_id: UUID) -> dict[str, Any] | None:
    """A comment with its first replies; None if it isn't there or isn't to be seen."""
    c = comments.c
    statement = _select().where(c.article_id == article_id, c.id == comment_id, c.shown)
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    return _body(row, _levels(connection, article_id, [row]), 0)


def own(
    connection: Connection, article_id: UUID, comment_id: UUID, edit_window: int
) -> dict[str, Any] | None:
    """A comment as its author sees it, be it pending, with its first replies. `edit_window`: seconds."""
    c = comments.c
    statement = _select().where(
        c.article_id == article_id, c.id == comment_id, c.status.in_((APPROVED, PENDING))
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    return _own(row, _levels(connection, article_id, [row]), 0, edit_window)


def pending(
    connection: Connection, article_id: UUID, reader_id: UUID, edit_window: int
) -> list[dict[str, Any]]:
    """The reader's comments that wait for a moderator, newest first. `edit_window`: seconds."""
    c = comments.c
    rows = connection.execute(
        _select()
        .where(c.article_id == article_id, c.reader_id == reader_id, c.status == PENDING)
        .order_by(c.id.desc())
        .limit(MAX_PENDING)
    )
    return [_own(row, {}, len(INLINE), edit_window) for row in rows]


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
        .where(comments.c.article_id == article_id, comments.c.shown)
        .order_by(chain.c.distance.desc())
    )
    return [_body(row, {}, len(INLINE)) for row in rows]


def _levels(connection: Connection, article_id: UUID, rows: Sequence[Row[Any]]) -> dict[UUID, list[Row[Any]]]:
    """First replies of these comments, of those replies, and so on: place → rows, one more than shown."""
    found: dict[UUID, list[Row[Any]]] = {}
    for shown in INLINE:
        if not rows:
            break
        places = [row.id for row in rows]
        found |= {place: [] for place in places}
        for row in connection.execute(_first_replies(article_id, places, shown + 1)):
            found[row.place].append(row)
        rows = [row for place in places for row in found[place][:shown]]
    return found


def _first_replies(article_id: UUID, places: Sequence[UUID], each: int) -> Select[Any]:
    """The oldest replies in each place. One statement of one shape, each place by its index."""
    above, reply = comments.alias("above"), comments.alias("reply")
    oldest = (
        select(reply.c.id)
        .where(
            reply.c.article_id == above.c.article_id,
            place_of(reply) == above.c.id,
            reply.c.shown,
        )
        .order_by(reply.c.id)
        .limit(each)
        .correlate(above)
        .scalar_subquery()
    )
    return (
        _select()
        .join(above, (above.c.article_id == comments.c.article_id) & comments.c.id.in_(oldest))
        .where(above.c.article_id == article_id, above.c.id.in_(places))
        .order_by(comments.c.id)
    )


def _replies(row: Row[Any], below: dict[UUID, list[Row[Any]]], level: int) -> dict[str, Any]:
    found = below.get(row.id, [])
    shown = found[: INLINE[level] if level < len(INLINE) else 0]
    more = None
    if len(found) > len(shown):
        more = Cursor(REPLY_ORDER, after=shown[-1].id if shown else None).encode()
    return {
        "items": [_body(reply, below, level + 1) for reply in shown],
        "next_cursor": more,
        "sort": REPLY_ORDER,
        "total": max(row.reply_count, len(found)),
    }


def _body(row: Row[Any], below: dict[UUID, list[Row[Any]]], level: int) -> dict[str, Any]:
    removed = not row.body
    body = {
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
        "replies": _replies(row, below, level),
        "pinned": row.pinned,
        "featured": row.featured,
    }
    if row.held_for and row.status == PENDING:
        body["held_for"] = row.held_for
    return body


def _own(row: Row[Any], below: dict[UUID, list[Row[Any]]], level: int, edit_window: int) -> dict[str, Any]:
    """A comment as its author alone sees it: with the text as it was written, and where it is listed."""
    place = None if row.place == row.article_id else str(row.place)
    return _body(row, below, level) | {"place_id": place} | _as_written(row, edit_window)


def asked(
    connection: Connection, article_id: UUID, ids: Sequence[UUID], reader_id: UUID, edit_window: int
) -> tuple[set[UUID], dict[str, Any]]:
    """Those of the ids that are comments on this article; and of the reader's own, how to edit them.

    What a moderator has decided on, and what is deleted, is nobody's own. `edit_window`: seconds.
    """
    c = comments.c
    own = (c.reader_id == reader_id) & c.status.in_((APPROVED, PENDING))
    rows = connection.execute(
        select(
            c.id, c.revision, c.created_at, own.label("own"), case((own, c.body), else_="").label("body")
        ).where(c.article_id == article_id, c.id.in_(ids))
    ).all()
    mine = {
        str(row.id): {"revision": row.revision} | _as_written(row, edit_window) for row in rows if row.own
    }
    return {row.id for row in rows}, mine


def _as_written(row: Row[Any], edit_window: int) -> dict[str, Any]:
    until: datetime = row.created_at + timedelta(seconds=edit_window)
    return {"body": row.body, "editable_until": clock.rfc3339(until)}
