"""Finds the ids of what is shown in a place of an article, in an order, each from that order's index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Connection, Integer, Select, bindparam, select

from engagement.comments.paging import MAX_PINNED
from engagement.comments.ranking import ORDERS, Order
from engagement.db.prepared import Given, Prepared
from engagement.db.tables import Id, comments, place_of

FEW, MANY = 100, 1_600
"""Ids that are read at once: at first, since a page most often needs no more, and at most."""
LEAST, MOST = UUID(int=0), UUID(int=2**128 - 1)
"""Before and after every id."""
At = UUID | BindParameter[UUID]


def listed(article_id: At, place: At, order: Order) -> Select[Any]:
    """The ids of what is shown in a place, in an order."""
    c = comments.c
    keys = [c.id] if order.column is None else [c[order.column], c.id]
    return (
        select(c.id)
        .where(c.article_id == article_id, place_of(comments) == place, c.shown)
        .order_by(*(key.desc() if order.newest_first else key.asc() for key in keys))
    )


def pinned(connection: Connection, article_id: UUID, place: UUID) -> list[UUID]:
    """Those that stand before a first page, the newest first."""
    return _ids(_PINNED, connection, {"article": article_id, "place": place})


def first(connection: Connection, article_id: UUID, place: UUID, sort: str, many: int) -> list[UUID]:
    """The first ones of an order."""
    return _ids(_FIRST[sort], connection, {"article": article_id, "place": place, "many": many})


def following(
    connection: Connection, article_id: UUID, place: UUID, sort: str, after: UUID | None, many: int
) -> list[UUID]:
    """Those that come after a comment in an order that doesn't move; None: the first ones."""
    if after is None:
        after = MOST if ORDERS[sort].newest_first else LEAST
    given = {"article": article_id, "place": place, "after": after, "since": LEAST, "many": many}
    return _ids(_FOLLOWING[sort], connection, given)


def rest(
    connection: Connection, article_id: UUID, place: UUID, after: UUID | None, since: UUID | None
) -> Iterator[list[UUID]]:
    """What is shown in a place, newest first, from after `after` on, down to `since`: some at a time."""
    many = FEW
    given = {"article": article_id, "place": place, "after": after or MOST, "since": since or LEAST}
    while True:
        found = _ids(_FOLLOWING["newest"], connection, given | {"many": many})
        yield found
        if len(found) < many:
            return
        given["after"], many = found[-1], min(many * 4, MANY)


def _ids(statement: Prepared, connection: Connection, given: Given) -> list[UUID]:
    return [id for (id,) in statement.all(connection, given)]


# Made once: to make a statement takes longer than to run it.
_HERE = bindparam("article", type_=Id), bindparam("place", type_=Id)
_MANY = bindparam("many", type_=Integer)
_PINNED = Prepared(listed(*_HERE, ORDERS["newest"]).where(comments.c.pinned).limit(MAX_PINNED))
_FIRST = {sort: Prepared(listed(*_HERE, order).limit(_MANY)) for sort, order in ORDERS.items()}
_AFTER, _SINCE = bindparam("after", type_=Id), bindparam("since", type_=Id)
_FOLLOWING = {
    "newest": Prepared(
        listed(*_HERE, ORDERS["newest"]).where(comments.c.id < _AFTER, comments.c.id >= _SINCE).limit(_MANY)
    ),
    "oldest": Prepared(listed(*_HERE, ORDERS["oldest"]).where(comments.c.id > _AFTER).limit(_MANY)),
}
