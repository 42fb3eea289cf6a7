"""What happened to comments, written beside what happened, for the worker to deliver."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, insert

from engagement import clock
from engagement.db.tables import events


def tell(
    connection: Connection, article_id: UUID, comment_id: UUID, event: str, *, counted: int, listed: int
) -> None:
    """In the transaction of the change itself. `counted`, `listed`: what it adds to counts."""
    connection.execute(
        insert(events).values(
            article_id=article_id, comment_id=comment_id, event=event,
            counted=counted, listed=listed, created_at=clock.now(),
        )
    )  # fmt: skip
