"""Rows of comments as writers make and change them, each with the event that tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from engagement import clock
from engagement.comments import ranking
from engagement.comments.counting import APPROVED, PENDING, Event, arrived, moved
from engagement.comments.rendering import RENDERER_VERSION
from engagement.comments.verdict import Verdict
from engagement.db.events import tell
from engagement.db.tables import comment_revisions, comments
from engagement.errors import Invalid, Repeated

MAX_DEPTH = 32_767
SHORT = 20
"""Characters of a text that may be said again to somebody else: "Thank you!"."""


@dataclass(frozen=True, slots=True)
class New:
    """A comment to be stored, and what was said of it."""

    article_id: UUID
    id: UUID
    parent_id: UUID | None
    reader_id: UUID
    network: str
    text: str
    html: str
    verdict: Verdict


# Made once: they are a part of every post, and making them takes longer than running them.
_COMMENT = insert(comments)
_LAST = (
    select(comments.c.body, comments.c.parent_id)
    .where(comments.c.article_id == bindparam("article"), comments.c.reader_id == bindparam("reader"))
    .order_by(comments.c.id.desc())
    .limit(1)
)


def store(connection: Connection, new: New, nesting: int) -> None:
    """Insert it. `nesting`: the deepest level that is shown nested; below it replies stand flat.

    The caller holds the article and the reader. Raises `Invalid` for a parent that can't be answered,
    `Repeated` if it is what the reader has said last.
    """
    _refuse_repeated(connection, new)
    depth, place_id = 0, None
    if new.parent_id is not None:
        depth, place_id = _place(connection, new.article_id, new.parent_id, nesting)
    now, verdict = clock.now(), new.verdict
    row = {
        "article_id": new.article_id, "id": new.id, "parent_id": new.parent_id or new.article_id,
        "place_id": place_id, "depth": depth, "reader_id": new.reader_id,
        "status": verdict.status, "held_for": verdict.reason, "shown": verdict.shown,
        "body": new.text, "body_html": new.html, "renderer": RENDERER_VERSION, "revision": 1,
        "created_at": now, "edited_at": None, "network": new.network,
        "up": 0, "down": 0, "reply_count": 0, "pinned": False, "featured": False,
        **dict(zip(ranking.VOTE_KEYS, ranking.sort_keys(0, 0, now, now), strict=True)),
    }  # fmt: skip
    connection.execute(_COMMENT, row)
    _tell(connection, new.article_id, new.id, arrived(verdict.status))


def revise(connection: Connection, before: Row[Any], text: str, html: str, verdict: Verdict) -> None:
    """Change the text of a comment that is locked; what it said before is kept.

    What waits for a moderator goes on waiting, whatever the verdict on the new text.
    """
    status, reason, shown = verdict.status, verdict.reason, verdict.shown
    if before.status == PENDING and status == APPROVED:
        status, reason, shown = PENDING, before.held_for, False
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
        )
    )  # fmt: skip
    event = moved((before.status, bool(before.shown)), (status, shown), "comment.edited")
    _tell(connection, before.article_id, before.id, event)


def _place(
    connection: Connection, article_id: UUID, parent_id: UUID, nesting: int
) -> tuple[int, UUID | None]:
    """The depth of a reply, and where it is listed if not below its parent.

    Until the transaction ends the parent is not deleted.
    """
    c = comments.c
    parent = connection.execute(
        select(c.depth, c.place_id, c.parent_id)
        .where(c.article_id == article_id, c.id == parent_id, c.status == APPROVED, c.shown)
        .with_for_update(read=True, key_share=True)
    ).one_or_none()
    if parent is None:
        raise Invalid(errors={"parent_id": ["is not a comment on this article"]})
    flat = parent.depth >= nesting
    return min(parent.depth + 1, MAX_DEPTH), (parent.place_id or parent.parent_id) if flat else None


def _refuse_repeated(connection: Connection, new: New) -> None:
    """Raises `Repeated` if it is what the reader has said last on the article."""
    last = connection.execute(_LAST, {"article": new.article_id, "reader": new.reader_id}).one_or_none()
    if last is None or last.body != new.text:
        return
    if len(new.text) > SHORT or last.parent_id == (new.parent_id or new.article_id):
        raise Repeated("You have just said that here. Is there something to add?")


def _tell(connection: Connection, article_id: UUID, comment_id: UUID, event: Event) -> None:
    tell(connection, article_id, comment_id, event.name, counted=event.counted, listed=event.listed)
