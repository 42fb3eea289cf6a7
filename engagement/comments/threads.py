"""Reads threads from SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, any_, bindparam, case, literal, select

from engagement.comments import listing
from engagement.comments.bodies import ALONE, NONE, Rows, Shut, as_written, body, own_body
from engagement.comments.counting import APPROVED, PENDING, REJECTED, SPAM
from engagement.comments.paging import Cursor, tail, tails
from engagement.comments.ranking import ORDERS
from engagement.comments.replies import first_replies, shown_of
from engagement.comments.shut import below_closed, some_closed
from engagement.db.packed import array
from engagement.db.prepared import Prepared
from engagement.db.tables import Id, comments, place_of, readers

ANCESTORS = 50
MAX_PENDING = 50
"""Of a reader's comments on an article, the newest."""


_ARTICLE = bindparam("article", type_=Id)
_c = comments.c
# What `bodies` reads of a comment, by these names.
_COMMENTS = (
    select(
        _c.article_id, _c.id, _c.parent_id, place_of(comments).label("place"), _c.depth,
        _c.status, _c.held_for, _c.body, _c.body_html, _c.revision, _c.created_at, _c.edited_at,
        _c.up, _c.down, _c.score, _c.reply_count, _c.pinned, _c.featured, _c.reader_id,
        readers.c.name.label("reader_name"),
        readers.c.avatar_url.label("reader_avatar"),
        readers.c.badges.label("reader_badges"),
        some_closed(_ARTICLE).label("some_closed"),
    )
    .join(readers, readers.c.id == _c.reader_id)
    .where(_c.article_id == _ARTICLE)
)  # fmt: skip
# Made once: to tell that a statement is one of those before takes longer than to run it.
_SHOWN = _COMMENTS.where(_c.shown)
_ONE_BY_ONE = _SHOWN.where(_c.id.in_(bindparam("ids", expanding=True)))
_AT_ONCE = Prepared(_SHOWN.where(_c.id == any_(bindparam("ids", type_=ARRAY(Id)))))


def first_page(
    connection: Connection, article_id: UUID, place: UUID, *, sort: str, limit: int, total: int
) -> dict[str, Any]:
    """The pinned comments, and the first `limit` others. `total`: of what is shown in the place."""
    pinned = listing.pinned(connection, article_id, place)
    found = listing.first(connection, article_id, place, sort, limit + len(pinned) + 1)
    others = [id for id in found if id not in pinned]
    shown = [*pinned, *others[:limit]]
    cursor = None
    if len(others) > limit:
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
    many = limit + len(shown) + 1
    following = listing.following(connection, article_id, place, cursor.sort, cursor.after, many)
    found = [id for id in following if tail(id) not in shown]
    more = Cursor(cursor.sort, after=found[limit - 1], shown=cursor.shown) if len(found) > limit else None
    return found[:limit], more


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
    below = first_replies(connection, article_id, ids)
    rows = _rows(connection, article_id, [*ids, *shown_of(below, ids)])
    shut = _shut(connection, article_id, rows)
    items = [body(rows[id], rows, below, shut=shut) for id in ids if id in rows]
    return {
        "items": items,
        "next_cursor": cursor.encode() if cursor else None,
        "sort": sort,
        "total": max(total, len(items) + (cursor is not None)),
    }


def one(connection: Connection, article_id: UUID, comment_id: UUID) -> dict[str, Any] | None:
    """A comment with its first replies; None if it isn't there or isn't to be seen."""
    below = first_replies(connection, article_id, [comment_id])
    rows = _rows(connection, article_id, [comment_id, *shown_of(below, [comment_id])])
    if comment_id not in rows:
        return None
    return body(rows[comment_id], rows, below, shut=_shut(connection, article_id, rows))


def _rows(connection: Connection, article_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those of the comments that are shown."""
    if not ids:
        return {}
    rows: Sequence[Any]
    if connection.dialect.name == "postgresql":
        rows = _AT_ONCE.all(connection, {"article": article_id, "ids": array(ids)})
    else:
        rows = connection.execute(_ONE_BY_ONE, {"article": article_id, "ids": list(ids)}).all()
    return {row.id: row for row in rows}


def _shut(connection: Connection, article_id: UUID, rows: Rows) -> Shut:
    """Those of the comments whose thread is closed. Few articles have one, and their rows say so."""
    if not any(row.some_closed for row in rows.values()):
        return NONE
    return below_closed(connection, article_id, rows.keys())


_OWN = _COMMENTS.where(
    comments.c.id == bindparam("id"),
    comments.c.status.in_((APPROVED, PENDING, REJECTED, SPAM)),
)


def own(
    connection: Connection, article_id: UUID, comment_id: UUID, edit_window: int
) -> dict[str, Any] | None:
    """A comment as its author sees it, be it pending, with its first replies. `edit_window`: seconds."""
    row = connection.execute(_OWN, {"article": article_id, "id": comment_id}).one_or_none()
    if row is None:
        return None
    below = first_replies(connection, article_id, [comment_id])
    rows = _rows(connection, article_id, shown_of(below, [comment_id]))
    shut = _shut(connection, article_id, rows | {row.id: row})
    return own_body(row, rows, below, 0, edit_window, shut=shut)


def pending(
    connection: Connection, article_id: UUID, reader_id: UUID, edit_window: int
) -> list[dict[str, Any]]:
    """The reader's comments that wait for a moderator, newest first. `edit_window`: seconds."""
    c = comments.c
    waiting = (
        _COMMENTS.where(c.reader_id == reader_id, c.status == PENDING)
        .order_by(c.id.desc())
        .limit(MAX_PENDING)
    )
    rows = {row.id: row for row in connection.execute(waiting, {"article": article_id})}
    shut = _shut(connection, article_id, rows)
    return [own_body(row, {}, {}, ALONE, edit_window, shut=shut) for row in rows.values()]


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
    above = (
        _COMMENTS.join(chain, chain.c.id == comments.c.id)
        .where(comments.c.shown)
        .order_by(chain.c.distance.desc())
    )
    rows = {row.id: row for row in connection.execute(above, {"article": article_id})}
    shut = _shut(connection, article_id, rows)
    return [body(row, {}, {}, ALONE, shut=shut) for row in rows.values()]


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
    mine = {str(row.id): {"revision": row.revision} | as_written(row, edit_window) for row in rows if row.own}
    return {row.id for row in rows}, mine
