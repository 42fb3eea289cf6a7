"""Appeals against statements of reasons (Digital Services Act, article 20).

Each is decided by somebody else than who has restricted. To grant one is to take the restriction back: the
comment is approved, the ban lifted with all that it took.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from engagement import clock
from engagement.comments import emptying
from engagement.comments.counting import PENDING, REJECTED, SPAM
from engagement.db.engine import Database
from engagement.db.tables import appeals, articles, bans, decisions, readers, statements
from engagement.errors import Closed, Decided, Forbidden, Invalid, NotFound
from engagement.moderation.decisions.deciding import APPROVE, Wanted
from engagement.moderation.decisions.effects import Effects
from engagement.moderation.decisions.making import Locked, cases_of, decide_locked
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.queue import finding
from engagement.moderation.readers.bans import lift
from engagement.moderation.statements import stating, telling
from engagement.moderation.statements.statements import GRANTED, OPEN, REFUSED, SETTLED, withdraw
from engagement.ratelimit import RateLimits
from engagement.readers.bars import Bars, lock_reader
from engagement.readers.caller import Caller
from engagement.staff.members import Actor, Member
from engagement.staff.roles import APPEALS, BAN_EVERYWHERE
from engagement.text import clean_text

TEXT_LENGTH = 5_000
"""Characters."""
STATES: Final = (OPEN, GRANTED, REFUSED, SETTLED)
OUTCOMES: Final = {"grant": GRANTED, "refuse": REFUSED}
NOT_THERE = "There is no such appeal."


class Appeals:
    """What readers appeal, and what becomes of it."""

    def __init__(
        self, database: Database, limits: RateLimits, bars: Bars, effects: Effects, log: ModerationLog
    ) -> None:
        self._database = database
        self._limits = limits
        self._bars = bars
        self._effects = effects
        self._log = log

    def appeal(self, site: str, caller: Caller, statement_id: UUID, text: str) -> dict[str, Any]:
        """Appeal against a statement about the caller; answers the statement with it. Be they banned or not.

        Raises `Closed` for the second time, after six months and where there is nothing to appeal against any
        more; `Invalid`, `NotFound`, `TooFast`, `Unauthorized`, `Unavailable`.
        """
        text = _clean("text", text)
        self._limits.report(caller.reader_id, caller.network)
        id, now = clock.new_id(), clock.now()
        s = statements.c
        mine = (s.id == statement_id, s.site == site, s.reader_id == caller.reader_id)
        with self._database.write() as connection:
            lock_reader(connection, site, caller.reader_id, banned_too=True)
            found = connection.execute(select(statements).where(*mine).with_for_update()).one_or_none()
            if found is None:
                raise NotFound("There is no such statement.")
            before = select(appeals.c.id).where(appeals.c.statement_id == statement_id)
            if connection.scalar(before) is not None:
                raise Closed("You have appealed against this already.")
            if found.withdrawn_at is not None:
                raise Closed("This restriction is no more: there is nothing to appeal against.")
            if now > found.created_at + telling.APPEAL_WITHIN:
                raise Closed("The six months in which you could appeal are over.")
            connection.execute(
                insert(appeals).values(
                    id=id, statement_id=statement_id, site=site, reader_id=caller.reader_id, text=text,
                    state=OPEN, created_at=now,
                )
            )  # fmt: skip
            told = connection.execute(stating.STATEMENTS.where(*mine)).one()
            subject = {"appeal": id, "statement": found.id, "comment_id": found.comment_id}
            actor = Actor("reader", caller.reader_id)
            self._log.append(connection, action="appeal.made", actor=actor, subject=subject, site=site)
        return telling.to_reader(told)

    def page(self, member: Member, site: str, state: str, cursor: str | None) -> dict[str, Any]:
        """Appeals in a state, the oldest first. Raises `BadRequest`, `Forbidden`, `Unavailable`."""
        member.require(APPEALS, site)
        wanted = _APPEALS.where(appeals.c.site == site, appeals.c.state == state)
        if cursor is not None:
            wanted = wanted.where(appeals.c.id > stating.id_of(cursor))
        with self._database.read() as connection:
            rows = connection.execute(wanted.order_by(appeals.c.id).limit(stating.PAGE + 1)).all()
        more = str(rows[stating.PAGE - 1].appeal_id) if len(rows) > stating.PAGE else None
        return {"items": [_tell(row, member) for row in rows[: stating.PAGE]], "next_cursor": more}

    def decide(self, member: Member, site: str, appeal_id: UUID, outcome: str, answer: str) -> dict[str, Any]:
        """Grant or refuse; answers the appeal. Raises `Decided` if somebody was faster, `Forbidden` for who
        has restricted, `Invalid`, `NotFound`, `Unavailable`.
        """
        member.require(APPEALS, site)
        answer = _clean("answer", answer)
        mine = (appeals.c.id == appeal_id, appeals.c.site == site)
        with self._database.read() as connection:
            asked = connection.execute(_APPEALS.where(*mine)).one_or_none()
        if asked is None:
            raise NotFound(NOT_THERE)
        if by_whom(asked) == member.id:
            raise Forbidden("Somebody else than who has decided decides on the appeal.")
        place: tuple[str, str] | None = None
        with self._database.write() as connection:
            locked = _lock(connection, site, asked)
            state = connection.scalar(select(appeals.c.state).where(*mine).with_for_update())
            if state != OPEN:
                raise Decided("Somebody has decided on this appeal.")
            values = {"state": OUTCOMES[outcome], "answer": answer, "decided_by": member.id}
            connection.execute(update(appeals).where(*mine).values(**values, decided_at=clock.now()))
            if outcome == "grant":
                place = _reverse(connection, member, asked, locked)
            told = connection.execute(_APPEALS.where(*mine)).one()
            subject = {
                "appeal": appeal_id, "statement": asked.id, "comment_id": asked.comment_id,
                "ban": asked.ban_id,
            }  # fmt: skip
            action = f"appeal.{OUTCOMES[outcome]}"
            self._log.append(connection, action=action, actor=member.actor, subject=subject, site=site)
        self._bars.learn_now()
        if place is not None and asked.comment_id is not None:
            self._effects.apply(*place, [asked.comment_id])
        return _tell(told, member)


_APPEALS: Final = (
    stating.STATEMENTS.add_columns(
        bans.c.created_by.label("banned_by"),
        decisions.c.actor_id.label("decided_on_by"),
        appeals.c.decided_by.label("appeal_decided_by"),
        readers.c.name.label("reader_name"),
    )
    .outerjoin(bans, bans.c.id == statements.c.ban_id)
    .outerjoin(decisions, decisions.c.id == statements.c.decision_id)
    .outerjoin(readers, readers.c.id == statements.c.reader_id)
    .where(appeals.c.id.is_not(None))
)


def by_whom(row: Any) -> UUID | None:
    """Who has restricted; None: a rule, or the system."""
    found: UUID | None = row.banned_by or row.decided_on_by
    return found


def _tell(row: Any, member: Member) -> dict[str, Any]:
    told = telling.appeal(row) or {}
    statement = telling.to_reader(row)
    del statement["appeal"]
    restricted_by = by_whom(row)
    return told | {
        "decided_by": row.appeal_decided_by and str(row.appeal_decided_by),
        "reader": {"id": str(row.reader_id), "name": row.reader_name},
        "statement": statement,
        "ban_id": row.ban_id and str(row.ban_id),
        "restricted_by": restricted_by and str(restricted_by),
        "yours_to_decide": row.appeal_state == OPEN and restricted_by != member.id,
    }


def _lock(connection: Connection, site: str, asked: Row[Any]) -> Row[Any] | None:
    """The comment that it is about, or the reader who is banned: held before all else."""
    if asked.comment_id is None:
        statement = select(readers).where(readers.c.id == asked.reader_id).with_for_update()
        return connection.execute(statement).one_or_none()
    try:
        article_id = finding.article_of(connection, site, asked.comment_id)
    except NotFound:
        return None
    locked = emptying.lock(connection, article_id, [asked.comment_id])
    return locked[0] if locked else None


def _reverse(
    connection: Connection, member: Member, asked: Row[Any], locked: Row[Any] | None
) -> tuple[str, str] | None:
    """Take the restriction back. Answers where a comment is that is shown again."""
    if asked.comment_id is None:
        ban = connection.execute(select(bans).where(bans.c.id == asked.ban_id)).one_or_none()
        if ban is not None:
            if ban.site is None:
                member.require(BAN_EVERYWHERE, None)
            lift(connection, ban, member.id)
        return None
    standing = connection.scalar(select(statements.c.withdrawn_at).where(statements.c.id == asked.id)) is None
    if locked is None or not standing or locked.status not in (PENDING, REJECTED, SPAM):
        # What a moderator has deleted has no text any more.
        withdraw(connection, article_id=asked.article_id, comment_id=asked.comment_id)
        return None
    (case,) = cases_of(connection, [(locked.article_id, locked.id)]).values()
    wanted = Wanted(locked.id, APPROVE, locked.revision)
    decide_locked(connection, member, [Locked(locked, case, wanted, None)])
    if locked.article_id != asked.article_id:  # a merge has brought it elsewhere since
        withdraw(connection, article_id=asked.article_id, comment_id=locked.id)
    a = articles.c
    row = connection.execute(select(a.site, a.external_id).where(a.id == locked.article_id)).one()
    return row.site, row.external_id


def _clean(field: str, text: str) -> str:
    try:
        return clean_text(text, max_length=TEXT_LENGTH)
    except ValueError as error:
        raise Invalid(errors={field: [str(error)]}) from error
