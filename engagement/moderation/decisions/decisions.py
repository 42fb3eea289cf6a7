"""Decisions of moderators: each bound to what was seen, told to its author, logged, and to be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from engagement import clock
from engagement.comments import emptying
from engagement.db.engine import Database
from engagement.db.tables import articles, decisions
from engagement.errors import Decided, NotFound, Outrun, Problem, Rewritten
from engagement.moderation.decisions import deciding
from engagement.moderation.decisions.deciding import APPROVE, DELETE, FLAGS, RESTRICTING, UNDO, Wanted
from engagement.moderation.decisions.effects import Effects
from engagement.moderation.log.log import ModerationLog
from engagement.moderation.queue import cases, finding
from engagement.moderation.queue.context import tell_case
from engagement.moderation.reports import reporting
from engagement.moderation.statements import statements
from engagement.moderation.statements.statements import OF_STATUS
from engagement.staff.members import Member

MAX_BULK = 500
AT_ONCE = 50
"""Comments that are decided on in one transaction."""
MOVES = 3
"""How often a comment is looked for that a merge carries away meanwhile."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one wanted decision: its id, or the problem that kept it from being made."""

    comment_id: UUID
    decision: UUID | None = None
    status: str | None = None
    problem: Problem | None = None


class Decisions:
    """Decides, one or many, and undoes."""

    def __init__(self, database: Database, effects: Effects, log: ModerationLog) -> None:
        self._database = database
        self._effects = effects
        self._log = log

    def decide(self, site: str, member: Member, wanted: Wanted) -> Done:
        """Make one decision. Raises `Invalid`, `NotFound`, `Outrun` (which tells how it is now)."""
        (done,) = self.decide_many(site, member, [wanted])
        if done.problem is not None:
            raise done.problem
        return done

    def decide_many(self, site: str, member: Member, wanted: Sequence[Wanted]) -> list[Done]:
        """Make many decisions: each is made or not for itself. The results are in the order of `wanted`.

        A comment that is named twice is decided on once: the second one sees what the first has made.
        """
        done: dict[int, Done] = {}
        left = list(enumerate(wanted))
        for _ in range(MOVES):
            with self._database.write() as connection:  # makes the cases that are missing
                places = finding.articles_of(connection, site, {w.comment_id for _, w in left})
            keyed = [(places[w.comment_id], w.comment_id, n, w) for n, w in left if w.comment_id in places]
            keyed.sort(key=itemgetter(0, 1, 2))
            for article_id, group in groupby(keyed, key=itemgetter(0)):
                mine = [(n, w) for _, _, n, w in group]
                for start in range(0, len(mine), AT_ONCE):
                    done |= self._decide_some(site, member, article_id, mine[start : start + AT_ONCE])
            left = [(n, w) for n, w in left if n not in done]
            if not left:
                break
        missing = NotFound(finding.NOT_THERE)
        return [done.get(n, Done(w.comment_id, problem=missing)) for n, w in enumerate(wanted)]

    def undo(self, site: str, member: Member, decision_id: UUID) -> Done:
        """Bring a comment back to how it was before a decision. Raises `NotFound`, `Outrun`.

        Only the last decision on a text that is still the same, and none that has deleted it.
        """
        with self._database.read() as connection:
            found = connection.execute(_DECISION.where(decisions.c.id == decision_id)).one_or_none()
        if found is None or found.site != site:
            raise NotFound("There is no such decision.")
        with self._database.write() as connection:
            article_id = finding.article_of(connection, site, found.comment_id)
            name = _name(connection, article_id)
            try:
                done = self._undo(connection, member, article_id, found)
            except Outrun as outrun:
                outrun.present = tell_case(connection, site, (article_id, found.comment_id), member)
                raise
        self._effects.apply(*name, [found.comment_id])
        return done

    def _decide_some(
        self, site: str, member: Member, article_id: UUID, wanted: Sequence[tuple[int, Wanted]]
    ) -> dict[int, Done]:
        """Of one article, in one transaction. Those whose comment is elsewhere by now are left out."""
        done: dict[int, Done] = {}
        made: list[dict[str, Any]] = []
        ids = sorted({w.comment_id for _, w in wanted})
        with self._database.write() as connection:
            name = _name(connection, article_id)
            rows = {row.id: row for row in emptying.lock(connection, article_id, ids)}
            of = cases.of(connection, article_id, ids)
            for n, w in wanted:
                try:
                    reason = w.checked_reason()
                    deciding.check(rows.get(w.comment_id), of.get(w.comment_id), w, member.id)
                except NotFound:
                    continue
                except Outrun as outrun:
                    outrun.present = tell_case(connection, site, (article_id, w.comment_id), member)
                    done[n] = Done(w.comment_id, problem=outrun)
                    continue
                except Problem as problem:
                    done[n] = Done(w.comment_id, problem=problem)
                    continue
                row = decide_locked(connection, member, rows[w.comment_id], of[w.comment_id], w, reason)
                made.append(row)
                done[n] = Done(w.comment_id, row["id"], row["after"]["status"])
                if any(other.comment_id == w.comment_id for _, other in wanted if other is not w):
                    rows |= {
                        again.id: again for again in emptying.lock(connection, article_id, [w.comment_id])
                    }
                    of |= cases.of(connection, article_id, [w.comment_id])
            for row in made:
                self._log.append(
                    connection, action=row["action"], actor=member.actor, subject=_subject(row), site=site
                )
        if made:
            self._effects.apply(*name, [row["comment_id"] for row in made])
        return done

    def _undo(self, connection: Connection, member: Member, article_id: UUID, found: Row[Any]) -> Done:
        locked = emptying.lock(connection, article_id, [found.comment_id])
        case = cases.of(connection, article_id, [found.comment_id]).get(found.comment_id)
        if not locked or case is None:
            raise NotFound(finding.NOT_THERE)
        row = locked[0]
        if found.action in (DELETE, UNDO):
            raise Outrun("This can't be undone.")
        if row.revision != found.revision:
            raise Rewritten(f"It is at revision {row.revision} by now.")
        if case.decision_id != found.id or found.undone_by is not None:
            raise Decided("Something came after this decision.")
        before, present = found.before, deciding.state(row)
        if {name: found.after[name] for name in deciding.STATE} != present:
            raise Decided("It is not any more as this decision has left it.")
        deciding.give_back(connection, row, before)
        undoing = _write(connection, member, row, case, UNDO, before=present, after=before)
        connection.execute(
            update(decisions).where(decisions.c.id == found.id).values(undone_by=undoing["id"])
        )
        _state_reasons(connection, row, before, undoing["id"], found)
        reporting.reopen(connection, article_id, row.id, found.created_at)
        was = before["case"]
        changes = {"seen": was["seen"], "decision_id": was["decision"] and UUID(was["decision"])}
        cases.change(connection, article_id, row.id, changes | {"queued_at": case.queued_at})
        subject = _subject(undoing) | {"undoes": found.id}
        self._log.append(connection, action=UNDO, actor=member.actor, subject=subject, site=found.site)
        return Done(row.id, undoing["id"], before["status"])


def decide_locked(
    connection: Connection, member: Member, row: Row[Any], case: Row[Any], wanted: Wanted, reason: str | None
) -> dict[str, Any]:
    """Change the comment and all that hangs on it; answers the row of the decision."""
    before, action = deciding.state(row), wanted.action
    after = deciding.act(connection, row, action, reason)
    made = _write(
        connection, member, row, case, action,
        before=before, after=after, reason=reason, note=wanted.note or None,
    )  # fmt: skip
    changes: dict[str, Any] = {"decision_id": made["id"]}
    if action in RESTRICTING and reason is not None:
        statements.make(
            connection, site=case.site, reader_id=row.reader_id, restriction=OF_STATUS[after["status"]],
            reason=reason, facts=deciding.facts(action, reason, wanted.note), article_id=row.article_id,
            comment_id=row.id, revision=row.revision, decision_id=made["id"],
        )  # fmt: skip
    elif action == APPROVE:
        statements.withdraw(connection, article_id=row.article_id, comment_id=row.id)
    if action not in FLAGS:
        reporting.settle(connection, row.article_id, row.id, action in RESTRICTING)
        cases.settle_reports(connection, row.article_id, row.id)
    if action not in ("close_thread", "open_thread"):
        changes |= {"seen": True, "claimed_by": None, "claimed_until": None}
    if action == DELETE:
        changes |= {"status": after["status"], "revision": row.revision + 1, **cases.NOTHING_LEFT}
    cases.change(connection, row.article_id, row.id, changes)
    return made


def _write(
    connection: Connection,
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
    made = {
        "id": clock.new_id(), "site": case.site, "article_id": row.article_id, "comment_id": row.id,
        "revision": row.revision, "action": action, "before": {**before, "case": was}, "after": dict(after),
        "reason": reason, "note": note, "actor_kind": member.actor.kind, "actor_id": member.actor.id,
        "rule_id": case.rule_id,
        "waited": None if case.seen else max((now - case.queued_at).total_seconds(), 0.0),
        "created_at": now, "undone_by": None,
    }  # fmt: skip
    connection.execute(insert(decisions), made)
    return made


def _state_reasons(
    connection: Connection, row: Row[Any], before: Mapping[str, Any], undoing: UUID, undone: Row[Any]
) -> None:
    """What stands after an undoing: the restriction that was there before is one again, and no other."""
    if before["status"] == undone.after["status"]:
        return
    restriction = OF_STATUS.get(before["status"])
    if restriction is None:
        statements.withdraw(connection, article_id=row.article_id, comment_id=row.id)
        return
    reason = before["held_for"] or "other"
    statements.make(
        connection, site=undone.site, reader_id=row.reader_id, restriction=restriction, reason=reason,
        facts="A moderator has taken a decision back; what was so before it is so again.",
        article_id=row.article_id, comment_id=row.id, revision=row.revision, decision_id=undoing,
    )  # fmt: skip


def _subject(made: Mapping[str, Any]) -> dict[str, Any]:
    names = ("article_id", "comment_id", "revision", "reason")
    status = {"before": made["before"]["status"], "after": made["after"]["status"]}
    return {"decision": made["id"], **{name: made[name] for name in names}, **status}


def _name(connection: Connection, article_id: UUID) -> tuple[str, str]:
    row = connection.execute(
        select(articles.c.site, articles.c.external_id).where(articles.c.id == article_id)
    ).one()
    return row.site, row.external_id


_DECISION = select(decisions)
