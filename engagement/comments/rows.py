"""Rows of comments as writers change them, each with the event that tells it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, update

from engagement import clock
from engagement.comments import emptying
from engagement.comments.counting import APPROVED, PENDING, Event, moved
from engagement.comments.rendering import RENDERER_VERSION
from engagement.comments.verdict import Verdict
from engagement.db.events import tell
from engagement.db.tables import comment_revisions, comments


def revise(connection: Connection, before: Row[Any], text: str, html: str, verdict: Verdict) -> None:
    """Change the text of a comment that is locked; what it said before is kept.

    What waits for a moderator goes on waiting, whatever the verdict on the new text.
    """
    status, reason, shown = verdict.status, verdict.reason, verdict.shown
    if before.status == PENDING and status == APPROVED:
        status, reason, shown = PENDING, before.held_for, False
    shown = shown or bool(before.shown and emptying.stands(connection, before))
    connection.execute(
        insert(comment_revisions).values(
            article_id=before.article_id, comment_id=before.id, revision=before.revision,
            body=before.body, written_at=before.edited_at or before.created_at,
        )
    )  # fmt: skip
    connection.execute(
        update(comments)
        .where(comments.c.article_id == before.article_id, comments.c.id == before.id)
        .values(
            body=text, body_html=html, renderer=RENDERER_VERSION,
            revision=before.revision + 1, edited_at=clock.now(),
            status=status, held_for=reason, shown=shown,
            pinned=before.pinned and status == APPROVED, featured=before.featured and status == APPROVED,
        )
    )  # fmt: skip
    event = moved((before.status, bool(before.shown)), (status, shown), "comment.edited")
    _tell(connection, before.article_id, before.id, event)


def _tell(connection: Connection, article_id: UUID, comment_id: UUID, event: Event) -> None:
    tell(connection, article_id, comment_id, event.name, counted=event.counted, listed=event.listed)
