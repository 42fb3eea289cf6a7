"""Makes decisions on comments that are locked, many in a few statements: states, reasons, reports, cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, tuple_

from engagement import clock
from engagement.comments.counting import DELETED
from engagement.db import bulk
from engagement.db.tables import cases as case_rows
from engagement.db.tables import decisions
from engagement.moderation.decisions import deciding
from engagement.moderation.decisions.deciding import APPROVE, DELETE, FLAGS, RESTRICTING, Wanted
from engagement.moderation.queue import cases
from engagement.moderation.reports import reporting
from engagement.moderation.statements import statements
from engagement.moderation.statements.statements import OF_STATUS, Stated
from engagement.staff.members import Member

OF_THREADS = ("close_thread", "open_thread")
"""What is decided without a look at the comment itself."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A comment that is locked, its case, what is wanted of it, and the reason that is written down."""

    row: Row[Any]
    case: Row[Any]
    wanted: Wanted
    reason: str | None

    @property
    def name(self) -> cases.Name:
        """Its article, itself."""
        return self.row.article_id, self.row.id


def cases_of(connection: Connection, names: Sequence[cases.Name]) -> dict[cases.Name, Row[Any]]:
    """The cases of comments that are locked, made where there are none."""
    cases.ensure(connection, names)
    c = case_rows.c
    found = connection.execute(select(case_rows).where(tuple_(c.article_id, c.comment_id).in_(names)))
    return {(row.article_id, row.comment_id): row for row in found}


def decide_locked(connection: Connection, member: Member, all: Sequence[Locked]) -> list[dict[str, Any]]:
    """Change the comments and all that hangs on them, each of which comes once; answers rows of decisions."""
    if not all:
        return []
    after = deciding.act(connection, [(one.row, one.wanted.action, one.reason) for one in all])
    rows = [
        made(
            member, one.row, one.case, one.wanted.action, before=deciding.state(one.row), after=now,
            reason=one.reason, note=one.wanted.note or None,
        )
        for one, now in zip(all, after, strict=True)
    ]  # fmt: skip
    connection.execute(insert(decisions), rows)
    _tell_authors(connection, all, rows)
    reporting.settle_all(
        connection,
        {one.name: one.wanted.action in RESTRICTING for one in all if one.wanted.action not in FLAGS},
    )
    _follow(connection, all, rows)
    return rows


def made(
    member: Member,
    row: Row[Any],
    case: Row[Any],
    action: str,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    """The row of a decision. `before` gets what the case was, for its undoing."""
    now = clock.now()
    was = {"seen": case.seen, "decision": case.decision_id and str(case.decision_id)}
    return {
        "id": clock.new_id(), "site": case.site, "article_id": row.article_id, "comment_id": row.id,
        "revision": row.revision, "action": action, "before": {**before, "case": was}, "after": dict(after),
        "reason": reason, "note": note, "actor_kind": member.actor.kind, "actor_id": member.actor.id,
        "rule_id": case.rule_id,
        "waited": None if case.seen else max((now - case.queued_at).total_seconds(), 0.0),
        "created_at": now, "undone_by": None,
    }  # fmt: skip


def _tell_authors(connection: Connection, all: Sequence[Locked], rows: Sequence[Mapping[str, Any]]) -> None:
    """Statements of reasons of what is restricted, and their end where it is approved."""
    stated: list[Stated] = [
        {
            "site": one.case.site, "reader_id": one.row.reader_id,
            "restriction": OF_STATUS[made["after"]["status"]], "reason": one.reason,
            "facts": deciding.facts(one.wanted.action, one.reason, one.wanted.note),
            "article_id": one.row.article_id, "comment_id": one.row.id, "revision": one.row.revision,
            "decision_id": made["id"],
        }
        for one, made in zip(all, rows, strict=True)
        if one.wanted.action in RESTRICTING and one.reason is not None
    ]  # fmt: skip
    statements.make_all(connection, stated)
    statements.withdraw_all(connection, [one.name for one in all if one.wanted.action == APPROVE])


def _follow(connection: Connection, all: Sequence[Locked], rows: Sequence[Mapping[str, Any]]) -> None:
    """The cases follow: looked at, claimed by nobody, without reports that wait."""
    ids = [(*one.name, made["id"]) for one, made in zip(all, rows, strict=True)]
    bulk.change(connection, case_rows, cases.CASE, ids, replace=("decision_id",))
    seen = [(*one.name, True, None, None) for one in all if one.wanted.action not in OF_THREADS]
    columns = ("seen", "claimed_by", "claimed_until")
    bulk.change(connection, case_rows, cases.CASE, seen, replace=columns)
    for one in all:
        if one.wanted.action == DELETE:
            gone = {"status": DELETED, "revision": one.row.revision + 1, **cases.NOTHING_LEFT}
            cases.change(connection, *one.name, gone)
        elif one.wanted.action not in FLAGS and one.case.reports:
            cases.settle_reports(connection, *one.name)
