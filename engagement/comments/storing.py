"""Stores new comments, all that are given in as few words with the store as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from engagement import clock
from engagement.comments import insertion, ranking
from engagement.comments.bodies import ALONE, own_body
from engagement.comments.counting import arrived
from engagement.comments.grouping import Alone
from engagement.comments.insertion import NO_PARENT
from engagement.comments.once import Draft
from engagement.comments.verdict import Judged, Verdict
from engagement.db.prepared import PreparedForRows
from engagement.errors import Closed, EngagementError, Invalid, Problem, Repeated, Unauthorized, Unavailable
from engagement.readers.bars import GONE, refuse_kept_out
from engagement.sites.service import ELSEWHERE

SHORT = 20
"""Characters of a text that may be said again to somebody else: "Thank you!"."""


class Taken(EngagementError):
    """The idempotency key stands for a comment already."""


class NoArticle(EngagementError):
    """SQL went back to before there was the article."""


@dataclass(frozen=True, slots=True)
class New:
    """A comment to be stored, and what was said of it."""

    article_id: UUID
    draft: Draft
    judged: Judged
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
    reader_avatar: str | None
    reader_badges: list[str] | None
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

    def body_of_own(self, edit_window: int) -> dict[str, Any]:
        """As its author sees it; nobody can have replied yet. `edit_window`: seconds."""
        row: Any = self
        return own_body(row, {}, {}, ALONE, edit_window)


Outcome = Written | Exception


def store(connection: Connection, news: Sequence[New], nesting: int, *, waits: bool) -> list[Outcome]:
    """Insert those that nothing speaks against; of each what was stored, or why not. No two of one reader.

    Until the transaction ends the articles are not merged, the readers not erased, and the parents not
    deleted. Where one is held by who does that: if it `waits`, it waits, else `Alone` is the outcome, so that
    nobody waits for what another comment is about. `nesting`: the deepest level that is shown nested; below
    it replies stand flat.
    Outcomes are `Banned`, `Closed`, `Invalid` (a parent that can't be answered), `NoArticle`, `Repeated`
    if it is what the reader has said last, `Taken`, `Unauthorized`.
    """
    named = [_named(new) for new in news]
    held = {id: row for id, *row in _hold(connection, waits=waits).fetch(connection, named)}
    now, rows, outcomes = clock.now(), [], dict[UUID, Outcome]()
    for new, name in zip(news, named, strict=True):
        if name["id"] in held:
            closed_by, is_open, *_ = held[name["id"]]
            rows.append(name | _row(new, nesting, now, closed=closed_by is not None or not is_open))
        elif waits:
            there = insertion.READER.fetch(connection, [name])
            outcomes[name["id"]] = NoArticle() if there else Unauthorized(GONE)
        else:
            outcomes[name["id"]] = Alone()
    of = {name["id"]: new for new, name in zip(news, named, strict=True)}
    for id, against, depth, place in _insert(connection, rows, waits=waits):
        closed_by, *_ = held[id]
        if against is None:
            outcomes[id] = _written(id, of[id], held[id], depth, place, now)
        elif against == NO_PARENT and not waits:
            outcomes[id] = Alone()
        else:
            outcomes[id] = _refusal(connection, of[id], against, closed_by)
    return [outcomes[name["id"]] for name in named]


def _hold(connection: Connection, *, waits: bool) -> PreparedForRows:
    if connection.dialect.name != "postgresql":
        return insertion.LOOK
    return insertion.HOLD_WAITING if waits else insertion.HOLD


def _named(new: New) -> dict[str, Any]:
    reader = new.judged.caller.reader_id
    return {"id": clock.new_id(), "article": new.article_id, "reader": reader, "site": new.judged.site.key}


def _row(new: New, nesting: int, now: datetime, *, closed: bool) -> dict[str, Any]:
    judged, verdict, draft = new.judged, new.verdict, new.draft
    event = arrived(verdict.status)
    return {
        "parent": draft.parent_id, "under": draft.parent_id or new.article_id, "nesting": nesting,
        "status": verdict.status, "held_for": verdict.reason, "shown": verdict.shown,
        "body": judged.text, "body_html": judged.html, "short": len(judged.text) <= SHORT,
        "network": judged.caller.network, "now": now, "closed": closed,
        "event": event.name, "counted": event.counted, "listed": event.listed,
        "key": draft.idempotency_key, "digest": draft.idempotency_key and draft.digest(judged.name),
        **dict(zip(ranking.VOTE_KEYS, ranking.sort_keys(0, 0, now, now), strict=True)),
    }  # fmt: skip


def _insert(connection: Connection, rows: Sequence[dict[str, Any]], *, waits: bool) -> list[tuple[Any, ...]]:
    """Of each: its id, what speaks against it, its depth, and where it is listed if not below its parent."""
    if not rows:
        return []
    if connection.dialect.name == "postgresql":
        at_once = insertion.AT_ONCE_WAITING if waits else insertion.AT_ONCE
        return at_once.fetch(connection, rows)
    decided = insertion.DECIDE.fetch(connection, rows)
    ready = [
        row | {"depth": depth, "place": place}
        for row, (_, against, depth, place) in zip(rows, decided, strict=True)  # it answers row by row
        if against is None
    ]
    insertion.CLAIM.run(connection, [row for row in ready if row["key"] is not None])
    insertion.COMMENT.run(connection, ready)
    insertion.EVENT.run(connection, ready)
    return decided


def _refusal(connection: Connection, new: New, against: str, closed_by: str | None) -> Exception:
    match against:
        case insertion.TAKEN:
            return Taken()
        case insertion.SHUT_OUT:
            return Closed(ELSEWHERE if closed_by else "This article takes no more comments.")
        case insertion.SAID_BEFORE:
            return Repeated("You have just said that here. Is there something to add?")
        case insertion.SHUT:
            return Closed("This thread takes no more replies.")
        case insertion.NO_PARENT:
            return Invalid(errors={"parent_id": ["is not a comment on this article"]})
    try:
        refuse_kept_out(connection, new.judged.caller.reader_id)
    except Problem as problem:
        return problem
    return Unavailable()  # a ban that has ended meanwhile


def _written(
    id: UUID, new: New, held: Sequence[Any], depth: int, place: UUID | None, now: datetime
) -> Written:
    _, _, name, avatar, badges = held
    judged, verdict = new.judged, new.verdict
    under = new.draft.parent_id or new.article_id
    return Written(
        new.article_id, id, under, place or under, depth, judged.caller.reader_id, name, avatar, badges,
        verdict.status, verdict.reason, judged.text, judged.html, now,
    )  # fmt: skip
