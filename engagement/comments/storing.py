"""Stores a new comment, in as few words with the store as can be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from engagement import clock
from engagement.comments import insertion, ranking
from engagement.comments.bodies import ALONE, own_body
from engagement.comments.counting import arrived
from engagement.comments.insertion import KEPT_OUT, NO_PARENT, SAID_BEFORE, SHUT
from engagement.comments.verdict import Verdict
from engagement.errors import Closed, Invalid, Repeated, Unauthorized
from engagement.readers.bars import GONE, refuse_kept_out
from engagement.sites.service import ELSEWHERE

SHORT = 20
"""Characters of a text that may be said again to somebody else: "Thank you!"."""


@dataclass(frozen=True, slots=True)
class New:
    """A comment to be stored, and what was said of it. `site`: its reader's."""

    article_id: UUID
    id: UUID
    parent_id: UUID | None
    site: str
    reader_id: UUID
    network: str
    text: str
    html: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Written:
    """A comment that was stored just now: its row, as `bodies` reads it."""

    article_id: UUID
    id: UUID
    parent_id: UUID
    place: UUID
    depth: int
    reader_id: UUID
    reader_name: str | None
    status: str
    held_for: str | None
    body: str
    body_html: str
    created_at: datetime
    edited_at: None = None
    revision: int = 1
    up: int = 0
    down: int = 0
    score: int = 0
    reply_count: int = 0
    pinned: bool = False
    featured: bool = False
    reader_avatar: None = None  # pages have it, and what single sign-on says of its reader
    reader_badges: None = None

    def body_of_own(self, edit_window: int) -> dict[str, Any]:
        """As its author sees it; nobody can have replied yet. `edit_window`: seconds."""
        row: Any = self
        return own_body(row, {}, {}, ALONE, edit_window)


def store(connection: Connection, new: New, nesting: int) -> Written | None:
    """Insert it. `nesting`: the deepest level that is shown nested; below it replies stand flat.

    Until the transaction ends the article is not merged, the reader not erased, and the parent not deleted.
    None if there is no such article. Raises `Banned`, `Closed`, `Invalid` (a parent that can't be answered),
    `Repeated` if it is what the reader has said last, `Unauthorized`.
    """
    given: dict[str, Any] = {"article": new.article_id, "reader": new.reader_id, "site": new.site}
    held = insertion.HOLD.first(connection, given)
    if held is None:
        if insertion.READER.first(connection, given) is None:
            raise Unauthorized(GONE)
        return None
    closed_by, is_open, name = held
    if closed_by is not None:
        raise Closed(ELSEWHERE)
    if not is_open:
        raise Closed("This article takes no more comments.")
    now, under, verdict = clock.now(), new.parent_id or new.article_id, new.verdict
    event = arrived(verdict.status)
    given |= {
        "id": new.id, "parent": new.parent_id, "under": under, "nesting": nesting,
        "status": verdict.status, "held_for": verdict.reason, "shown": verdict.shown,
        "body": new.text, "body_html": new.html, "short": len(new.text) <= SHORT,
        "network": new.network, "now": now,
        "event": event.name, "counted": event.counted, "listed": event.listed,
        **dict(zip(ranking.VOTE_KEYS, ranking.sort_keys(0, 0, now, now), strict=True)),
    }  # fmt: skip
    depth, place = _insert(connection, given)
    return Written(
        new.article_id, new.id, under, place or under, depth, new.reader_id, name,
        verdict.status, verdict.reason, new.text, new.html, now,
    )  # fmt: skip


def _insert(connection: Connection, given: dict[str, Any]) -> tuple[int, UUID | None]:
    """The depth of the comment, and where it is listed if not below its parent."""
    at_once = connection.dialect.name == "postgresql"
    decided = (insertion.AT_ONCE if at_once else insertion.DECIDE).first(connection, given)
    assert decided is not None
    against, depth, place = decided
    if against == KEPT_OUT:
        refuse_kept_out(connection, given["reader"])
    if against == SAID_BEFORE:
        raise Repeated("You have just said that here. Is there something to add?")
    if against == SHUT:
        raise Closed("This thread takes no more replies.")
    if against == NO_PARENT:
        raise Invalid(errors={"parent_id": ["is not a comment on this article"]})
    if not at_once:
        given = given | {"depth": depth, "place": place}
        insertion.COMMENT.run(connection, given)
        insertion.EVENT.run(connection, given)
    return depth, place
