"""What happened to comments, written beside what happened, for the worker to deliver."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection, insert

from engagement import clock
from engagement.db import bulk
from engagement.db.tables import events

Told = tuple[UUID, UUID, str, int, int]
"""Article, comment, event, `counted`, `listed`."""
_EVENT = insert(events).inline()
"""Without asking for the number that it gets."""


def tell(
    connection: Connection, article_id: UUID, comment_id: UUID, event: str, *, counted: int, listed: int
) -> None:
    """In the transaction of the change itself. `counted`, `listed`: what it adds to counts."""
    row = {
        "article_id": article_id, "comment_id": comment_id, "event": event,
        "counted": counted, "listed": listed, "created_at": clock.now(),
    }  # fmt: skip
    connection.execute(_EVENT, row)


def tell_all(connection: Connection, told: Iterable[Told], *, all: bool = False) -> None:
    """Many at once; what adds nothing is told only if `all`."""
    now = clock.now()
    columns = ("article_id", "comment_id", "event", "counted", "listed", "created_at")
    rows = [(*row, now) for row in told if all or row[3] or row[4]]
    bulk.put(connection, events, columns, rows, conflict=("id",))
