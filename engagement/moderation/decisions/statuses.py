"""Moves comments from one status to another: their rows, the events that tell it, their cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from engagement import clock
from engagement.comments import emptying
from engagement.comments.counting import APPROVED, PENDING, moved
from engagement.db import bulk
from engagement.db.events import tell_all
from engagement.db.tables import cases as case_rows
from engagement.db.tables import comments
from engagement.moderation.queue import cases

Change = tuple[Row[Any], str, str | None]
"""A comment that `emptying` has locked, its new status, and the code of why, which its author is told."""


def set_status(connection: Connection, row: Row[Any], status: str, reason: str | None) -> None:
    """As `set_statuses`, of one."""
    set_statuses(connection, [(row, status, reason)])


def set_statuses(connection: Connection, changes: Sequence[Change]) -> None:
    """Give comments their statuses, none of which is `deleted`; each comment comes once.

    One with replies that are shown stays as a stone. What is not approved is neither pinned nor featured. The
    case of one that waits again does so from now on.
    """
    leaving = [(row.article_id, row.id) for row, status, _ in changes if status != APPROVED and row.shown]
    stones = emptying.standing(connection, leaving)
    rows, told = [], []
    for row, status, reason in changes:
        name, approved = (row.article_id, row.id), status == APPROVED
        shown = approved or name in stones
        kept = (bool(row.pinned), bool(row.featured)) if approved else (False, False)
        rows.append((*name, status, None if approved else reason, shown, *kept))
        event = moved((row.status, bool(row.shown)), (status, shown), f"comment.{status}")
        told.append((*name, event.name, event.counted, event.listed))
    columns = ("status", "held_for", "shown", "pinned", "featured")
    bulk.change(connection, comments, cases.COMMENT, rows, replace=columns)
    tell_all(connection, told, all=True)
    _follow(connection, changes)


def _follow(connection: Connection, changes: Sequence[Change]) -> None:
    """Their cases, made where there are none."""
    cases.ensure(connection, [(row.article_id, row.id) for row, _, _ in changes])
    now = clock.now()
    rows = [
        (row.article_id, row.id, status, None if status == APPROVED else reason, row.revision)
        for row, status, reason in changes
    ]
    bulk.change(connection, case_rows, cases.CASE, rows, replace=("status", "reason", "revision"))
    anew = [(*row[:2], False, now) for row in rows if row[2] == PENDING]
    bulk.change(connection, case_rows, cases.CASE, anew, replace=("seen", "queued_at"))
