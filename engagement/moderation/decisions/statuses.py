"""Moves a comment from one status to another: its row, the event that tells it, its case."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, update

from engagement.comments import emptying
from engagement.comments.counting import APPROVED, moved
from engagement.db.events import tell
from engagement.db.tables import comments
from engagement.moderation.queue import cases


def set_status(connection: Connection, row: Row[Any], status: str, reason: str | None) -> None:
    """Give a comment that `emptying.lock` has answered this status, which is not `deleted`.

    `reason`: a code that its author is told, of any status but `approved`. One with replies that are shown
    stays as a stone. What is not approved is neither pinned nor featured. Its case waits anew if the comment
    does.
    """
    approved = status == APPROVED
    shown = approved or (row.shown and emptying.stands(connection, row))
    held_for = None if approved else reason
    changes: dict[str, Any] = {"status": status, "held_for": held_for, "shown": shown}
    if not approved:
        changes |= {"pinned": False, "featured": False}
    c = comments.c
    connection.execute(update(comments).where(c.article_id == row.article_id, c.id == row.id).values(changes))
    event = moved((row.status, bool(row.shown)), (status, shown), f"comment.{status}")
    tell(connection, row.article_id, row.id, event.name, counted=event.counted, listed=event.listed)
    cases.change_status(connection, row, status, held_for)
