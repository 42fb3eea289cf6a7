"""Decisions of moderators: each bound to what was seen, told to its author, logged, and to be undone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from engagement.comments import emptying
from engagement.db.engine import Database
from engagement.db.tables import articles, decisions
from engagement.errors import Decided, NotFound, Outrun, Problem, Rewritten
from engagement.moderation.decisions import deciding
from engagement.moderation.decisions.deciding import DELETE, UNDO, Wanted
from engagement.moderation.decisions.effects import Effects
from engagement.moderation.decisions.making import Locked, cases_of, decide_locked, made
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.queue import cases, finding
from engagement.moderation.queue.context import tell_case, tell_cases
from engagement.moderation.reports import reporting
from engagement.moderation.statements import statements
from engagement.moderation.statements.statements import OF_STATUS
from engagement.staff.members import Member

MAX_BULK = 500
AT_ONCE = 100
"""Decisions of one transaction."""
MOVES = 3
"""How often a comment is looked for that a merge carries away meanwhile."""


Numbered = tuple[cases.Name, int, Wanted]
"""A comment, and what is wanted of it, with its number among all that is wanted."""


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
            found = [((places[w.comment_id], w.comment_id), n, w) for n, w in left if w.comment_id in places]
            found.sort(key=itemgetter(0, 1))
            for start in range(0, len(found), AT_ONCE):
                done |= self._decide_some(site, member, found[start : start + AT_ONCE])
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
            (place,) = _places(connection, [article_id]).values()
            try:
                done = self._undo(connection, member, article_id, found)
            except Outrun as outrun:
                outrun.present = tell_case(connection, site, (article_id, found.comment_id), member)
                raise
        self._effects.apply(*place, [found.comment_id])
        return done

    def _decide_some(self, site: str, member: Member, wanted: Sequence[Numbered]) -> dict[int, Done]:
        """In one transaction. Those whose comment is elsewhere by now are left out."""
        done: dict[int, Done] = {}
        rows: list[dict[str, Any]] = []
        with self._database.write() as connection:
            for turn in _turns(wanted):
                done |= _decide_each_once(connection, site, member, turn, rows)
            said = [(row["action"], _subject(row)) for row in rows]
            if said:
                self._log.append_all(connection, said, actor=member.actor, site=site)
            places = _places(connection, {row["article_id"] for row in rows})
        if rows:
            self._effects.apply_all([(places[row["article_id"]], row["comment_id"]) for row in rows])
        return done

    def _undo(self, connection: Connection, member: Member, article_id: UUID, found: Row[Any]) -> Done:
        locked = emptying.lock(connection, article_id, [found.comment_id])
        case = cases_of(connection, [(article_id, found.comment_id)]).get((article_id, found.comment_id))
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
        undoing = made(member, row, case, UNDO, before=present, after=before)
        connection.execute(insert(decisions), undoing)
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


def _turns(wanted: Sequence[Numbered]) -> Iterator[list[Numbered]]:
    """Each comment once in a turn: who comes again waits for the next one."""
    left = list(wanted)
    while left:
        turn: dict[cases.Name, Numbered] = {}
        for one in left:
            turn.setdefault(one[0], one)
        yield list(turn.values())
        left = [one for one in left if turn[one[0]] is not one]


def _decide_each_once(
    connection: Connection, site: str, member: Member, wanted: Sequence[Numbered], made: list[dict[str, Any]]
) -> dict[int, Done]:
    """What became of each; the rows of decisions are added to `made`."""
    names = [name for name, _, _ in wanted]
    rows = {(row.article_id, row.id): row for row in emptying.lock_all(connection, names)}
    of = cases_of(connection, names)
    outrun: list[tuple[cases.Name, Outrun]] = []
    done: dict[int, Done] = {}
    good: list[tuple[int, Locked]] = []
    for name, n, one in wanted:
        try:
            reason = one.checked_reason()
            deciding.check(rows.get(name), of.get(name), one, member.id)
        except NotFound:
            continue
        except Outrun as problem:
            outrun.append((name, problem))
            done[n] = Done(one.comment_id, problem=problem)
        except Problem as problem:
            done[n] = Done(one.comment_id, problem=problem)
        else:
            good.append((n, Locked(rows[name], of[name], one, reason)))
    for (n, locked), row in zip(good, decide_locked(connection, member, [g for _, g in good]), strict=True):
        made.append(row)
        done[n] = Done(locked.row.id, row["id"], row["after"]["status"])
    _tell_present(connection, site, member, outrun)
    return done


def _tell_present(
    connection: Connection, site: str, member: Member, outrun: Sequence[tuple[cases.Name, Outrun]]
) -> None:
    """Let each problem tell how its comment is now."""
    if not outrun:
        return
    told = tell_cases(connection, site, [name for name, _ in outrun], member)
    present = {UUID(one["id"]): one for one in told}
    for (_, id), problem in outrun:
        problem.present = present.get(id)


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


def _places(connection: Connection, ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """Article → its site, and its id there."""
    a = articles.c
    found = connection.execute(select(a.id, a.site, a.external_id).where(a.id.in_(ids)))
    return {row.id: (row.site, row.external_id) for row in found}


_DECISION = select(decisions)
