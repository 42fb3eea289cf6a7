"""Readers report comments: one report each, weighted by how often the reporter was right.

Where the policy says so, enough of them take the comment from view until a moderator has decided. What a
moderator has let stand is not taken from view by reports again.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from engagement.comments import emptying
from engagement.comments.counting import APPROVED, PENDING
from engagement.db.engine import Database
from engagement.errors import Forbidden, Invalid, NotFound
from engagement.moderation.decisions.effects import Effects
from engagement.moderation.decisions.statuses import set_status
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.policy.policies import Policies
from engagement.moderation.readers import standing
from engagement.moderation.reports import reporting
from engagement.moderation.statements import statements
from engagement.moderation.statements.reasons import REASONS
from engagement.ratelimit import RateLimits
from engagement.readers.bars import lock_reader
from engagement.readers.caller import Caller
from engagement.sites.service import Article, Sites
from engagement.staff.members import SYSTEM
from engagement.text import clean_text

NOTE_LENGTH = 1_000
"""Characters."""
HELD = "reports"
"""The reason of a comment that was taken from view by its reports."""
NOT_THERE = "There is no such comment."


class Reports:
    """What readers report."""

    def __init__(
        self,
        database: Database,
        sites: Sites,
        limits: RateLimits,
        policies: Policies,
        effects: Effects,
        log: ModerationLog,
    ) -> None:
        self._database = database
        self._sites = sites
        self._limits = limits
        self._policies = policies
        self._effects = effects
        self._log = log

    def report(
        self, site: str, article: str, comment_id: UUID, caller: Caller, reason: str, note: str | None
    ) -> tuple[dict[str, Any], bool]:
        """Report somebody else's comment; answers the report, and whether it is the caller's first of it.

        Raises `Banned`, `Forbidden`, `Invalid`, `NotFound`, `TooFast`, `Unauthorized`, `Unavailable`.
        """
        note = _clean(note)
        self._limits.report(caller.reader_id, caller.network)

        def send(name: str) -> bool:
            found = self._sites.find(site, name)
            if found is None:
                raise NotFound("There is no such article.")
            return self._report(found, comment_id, caller, reason, note)

        first = self._sites.where_it_is(site, article, send)
        return {"comment_id": str(comment_id), "reason": reason, "note": note}, first

    def _report(
        self, found: Article, comment_id: UUID, caller: Caller, reason: str, note: str | None
    ) -> bool:
        enough = self._policies.of(found.site, found).hold_after_reports
        held = False
        with self._database.write() as connection:
            self._sites.hold(connection, found.id)
            lock_reader(connection, found.site, caller.reader_id)
            locked = emptying.lock(connection, found.id, [comment_id])
            if not locked or locked[0].status != APPROVED:
                raise NotFound(NOT_THERE)
            row = locked[0]
            if row.reader_id == caller.reader_id:
                raise Forbidden("It is your own comment: you can delete it.")
            # Of somebody whom nobody else hears, a report weighs nothing.
            weight = 0.0 if caller.shadowed else standing.weight_of(connection, caller.reader_id)
            first, case = reporting.put(connection, found.site, row, caller.reader_id, reason, note, weight)
            if enough and case is not None and not case.seen and case.weight >= enough:
                self._hold(connection, found, row)
                held = True
        if held:
            self._effects.apply(found.site, found.external_id, [comment_id])
        return first

    def _hold(self, connection: Connection, found: Article, row: Row[Any]) -> None:
        set_status(connection, row, PENDING, HELD)
        statements.make(
            connection, site=found.site, reader_id=row.reader_id, restriction=statements.HOLD, reason=HELD,
            facts=f"{REASONS[HELD].label} Until a moderator has looked at it, nobody else sees it.",
            article_id=found.id, comment_id=row.id, revision=row.revision, automated_decision=True,
        )  # fmt: skip
        subject = {"article_id": found.id, "comment_id": row.id, "revision": row.revision, "reason": HELD}
        self._log.append(connection, action="comment.held", actor=SYSTEM, subject=subject, site=found.site)


def _clean(note: str | None) -> str | None:
    if note is None or not note.strip():
        return None
    try:
        return clean_text(note, max_length=NOTE_LENGTH)
    except ValueError as error:
        raise Invalid(errors={"note": [str(error)]}) from error
