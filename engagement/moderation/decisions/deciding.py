"""What each decision does to a comment that is locked, and whether it still is as it was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from engagement.comments import emptying
from engagement.comments.counting import APPROVED, DELETED, MOVED, REJECTED, SPAM
from engagement.db import bulk
from engagement.db.tables import comments
from engagement.errors import Claimed, Decided, Invalid, NotFound, Outrun, Rewritten
from engagement.moderation.decisions.statuses import set_status, set_statuses
from engagement.moderation.queue.cases import COMMENT
from engagement.moderation.queue.claims import by_another
from engagement.moderation.queue.finding import NOT_THERE
from engagement.moderation.statements.reasons import GIVEN, REASONS

APPROVE, REJECT, AS_SPAM, DELETE = "approve", "reject", "spam", "delete"
STATUSES: Final = {APPROVE: APPROVED, REJECT: REJECTED, AS_SPAM: SPAM}
"""Decisions on whether a comment is shown → the status that it gets."""
FLAGS: Final[Mapping[str, tuple[str, bool]]] = {
    "pin": ("pinned", True),
    "unpin": ("pinned", False),
    "feature": ("featured", True),
    "unfeature": ("featured", False),
    "close_thread": ("replies_closed", True),
    "open_thread": ("replies_closed", False),
}
"""Decisions on how it is shown → the column that they set."""
ACTIONS: Final = (*STATUSES, DELETE, *FLAGS)
UNDO: Final = "undo"
RESTRICTING: Final = (REJECT, AS_SPAM, DELETE)
"""What its author is told the reasons of."""
STATE: Final = ("status", "held_for", "pinned", "featured", "replies_closed")
"""What a decision changes of a comment, and its undoing gives back."""
MAX_NOTE = 2_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A decision, bound to the text that was seen.

    `decision`: the last one that was seen to stand, without which only what nobody has decided on yet is
    decided. `status`: the one that was seen, if it is to matter. `reason`: one of `reasons.GIVEN`.
    """

    comment_id: UUID
    action: str
    revision: int
    reason: str | None = None
    note: str | None = None
    status: str | None = None
    decision: UUID | None = None

    def checked_reason(self) -> str | None:
        """The reason that is written down. Raises `Invalid` where one is missing, or not to be given."""
        if self.action not in ACTIONS:
            raise Invalid(errors={"action": [f"must be one of {', '.join(ACTIONS)}"]})
        if self.reason is not None and self.reason not in GIVEN:
            raise Invalid(errors={"reason": [f"must be one of {', '.join(GIVEN)}"]})
        if self.action == REJECT and self.reason is None:
            raise Invalid(errors={"reason": ["is needed"]})
        if self.action in RESTRICTING:
            return self.reason or (SPAM if self.action == AS_SPAM else "other")
        return self.reason


def check(row: Row[Any] | None, case: Row[Any] | None, wanted: Wanted, member_id: UUID | None) -> None:
    """Is the comment, which is locked, as it was seen? Raises `NotFound`, `Outrun`."""
    if row is None or case is None or row.status == MOVED:
        raise NotFound(NOT_THERE)
    if row.status == DELETED:
        raise Decided("It is deleted.")
    if row.revision != wanted.revision:
        raise Rewritten(f"It is at revision {row.revision} by now.")
    if by_another(case, member_id):
        raise Claimed("Somebody else is on this comment.")
    if wanted.status is not None and row.status != wanted.status:
        raise Decided(f"It is {row.status} by now.")
    about_showing = wanted.action not in FLAGS
    bound = wanted.decision is not None or (about_showing and case.seen)
    if bound and case.decision_id != wanted.decision:
        raise Decided("Somebody has decided on it meanwhile.")
    if wanted.action in ("pin", "feature") and row.status != APPROVED:
        raise Outrun("Only what is approved can be pinned or featured.")


def state(row: Row[Any]) -> dict[str, Any]:
    """What of a comment a decision may change."""
    return {
        "status": row.status,
        "held_for": row.held_for,
        **{name: bool(getattr(row, name)) for name in STATE[2:]},
    }


def act(connection: Connection, decided: Sequence[tuple[Row[Any], str, str | None]]) -> list[dict[str, Any]]:
    """Do it to comments that are locked, each of which comes once: an action, for a reason.

    Answers their states after it.
    """
    statuses = [(row, STATUSES[action], reason) for row, action, reason in decided if action in STATUSES]
    set_statuses(connection, statuses)
    for row, action, _ in decided:
        if action == DELETE:
            emptying.empty(connection, row)
    for action, (column, value) in FLAGS.items():
        rows = [(row.article_id, row.id, value) for row, wanted, _ in decided if wanted == action]
        bulk.change(connection, comments, COMMENT, rows, replace=(column,))
    return [_after(row, action, reason) for row, action, reason in decided]


def _after(row: Row[Any], action: str, reason: str | None) -> dict[str, Any]:
    after = state(row)
    if action in FLAGS:
        column, value = FLAGS[action]
        return after | {column: value}
    if action == APPROVE:
        return after | {"status": APPROVED, "held_for": None}
    status, held_for = (DELETED, None) if action == DELETE else (STATUSES[action], reason)
    return after | {"status": status, "held_for": held_for, "pinned": False, "featured": False}


def give_back(connection: Connection, row: Row[Any], before: Mapping[str, Any]) -> None:
    """Bring a comment that is locked to the state that `state` has told."""
    if row.status != before["status"] or row.held_for != before["held_for"]:
        set_status(connection, row, before["status"], before["held_for"])
    flags = STATE[2:]
    kept = (row.article_id, row.id, *(before[name] for name in flags))
    bulk.change(connection, comments, COMMENT, [kept], replace=flags)


def facts(action: str, reason: str, note: str | None) -> str:
    """What a statement of reasons tells of a decision of the staff. A note stays with the staff."""
    what = "taken away" if action == DELETE else "refused as spam" if action == AS_SPAM else "refused"
    return f"A moderator has read the comment; it was {what}. {REASONS[reason].label}"
