"""Figures of moderation, over a span of time: how much, how soon, how often it was wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal_column, select

from engagement import clock
from engagement.comments.counting import APPROVED, DELETED, REJECTED, SPAM
from engagement.db.engine import Database
from engagement.db.tables import appeals, cases, decisions, rule_hits, rules, statements
from engagement.errors import Invalid
from engagement.moderation.decisions.deciding import FLAGS, RESTRICTING, UNDO

LONGEST = timedelta(days=92)
AROUND = timedelta(seconds=10)
"""By how much the time in an id, and that in its row, may differ."""
REFUSED = (REJECTED, SPAM, DELETED)


class Figures:
    """Over SQL; nothing is counted twice, so nothing can be off."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, site: str, since: datetime | None, until: datetime | None) -> dict[str, Any]:
        """All figures of a site from `since` (a day ago) to `until` (now), at most `LONGEST`.

        Raises `Invalid`. Shares are None where there is nothing to share.
        """
        upto = until or clock.now()
        start = since or upto - timedelta(days=1)
        if not timedelta(0) < upto - start <= LONGEST:
            raise Invalid(errors={"from": [f"must be before `to`, by {LONGEST.days} days at most"]})
        with self._database.read() as connection:
            made = _made(site, start, upto)
            return {
                "from": clock.rfc3339(start.astimezone(UTC)),
                "to": clock.rfc3339(upto.astimezone(UTC)),
                "decisions": _decisions(connection, made, start, upto),
                "time_to_decision": _waited(connection, made),
                "held": _held(connection, site, start, upto),
                "overturned": _overturned(connection, made),
                "rules": _rules(connection, site, start, upto),
            }


def _made(site: str, start: datetime, upto: datetime) -> list[ColumnElement[bool]]:
    """Decisions of the staff within the span. Their ids begin with their time, and are indexed."""
    d = decisions.c
    return [
        d.site == site, d.id >= _first_id(start - AROUND), d.id < _first_id(upto + AROUND),
        d.created_at >= start, d.created_at < upto, d.actor_kind == "staff", d.action != UNDO,
    ]  # fmt: skip


def _first_id(moment: datetime) -> UUID:
    """No UUIDv7 of this millisecond or later is smaller."""
    return UUID(int=max(int(moment.timestamp() * 1_000), 0) << 80)


def _decisions(
    connection: Connection, made: Sequence[ColumnElement[bool]], start: datetime, upto: datetime
) -> dict[str, Any]:
    d = decisions.c
    hours, actions = Counter[datetime](), Counter[str]()
    for at, action, number in connection.execute(_by_hour(connection, made)):
        hours[_hour(at)] += number
        actions[action] += number
    total = sum(actions.values())
    first, last = _hour(start), _hour(upto)
    span = int((last - first) / timedelta(hours=1)) + 1
    every = [first + timedelta(hours=n) for n in range(span)]
    return {
        "total": total,
        "by_action": dict(sorted(actions.items())),
        "per_hour": total / max((upto - start).total_seconds() / 3_600, 1 / 3_600),
        "hours": [{"from": clock.rfc3339(hour), "count": hours[hour]} for hour in every if hour < upto],
        "moderators": connection.scalar(select(func.count(d.actor_id.distinct())).where(*made)),
    }


def _by_hour(connection: Connection, made: Sequence[ColumnElement[bool]]) -> Select[Any]:
    d = decisions.c
    at: ColumnElement[Any] = func.strftime(literal_column("'%Y-%m-%dT%H:00:00'"), d.created_at)
    if connection.dialect.name == "postgresql":
        at = func.date_trunc(literal_column("'hour'"), d.created_at, literal_column("'UTC'"))
    hour = at.label("hour")
    return select(hour, d.action, func.count()).where(*made).group_by(hour, d.action)


def _hour(moment: datetime | str) -> datetime:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _waited(connection: Connection, made: Sequence[ColumnElement[bool]]) -> dict[str, Any]:
    """Seconds from when a comment began to wait until it was decided on."""
    d = decisions.c
    of = (*made, d.waited.is_not(None), d.action.not_in(FLAGS))
    number = connection.scalar(select(func.count()).select_from(decisions).where(*of)) or 0
    told: dict[str, Any] = {"decisions": number, "median": None, "p90": None}
    for name, share in (("median", 0.5), ("p90", 0.9)):
        if number:
            nth = min(int(number * share), number - 1)
            told[name] = connection.scalar(
                select(d.waited).where(*of).order_by(d.waited).offset(nth).limit(1)
            )
    return told


def _held(connection: Connection, site: str, start: datetime, upto: datetime) -> dict[str, Any]:
    """Of the comments that were posted: those that a rule or a policy has held or refused."""
    c, h = cases.c, rule_hits.c
    posted = connection.scalar(
        select(func.count())
        .select_from(cases)
        .where(c.site == site, c.created_at >= start, c.created_at < upto)
    )
    in_time = (h.site == site, h.created_at >= start, h.created_at < upto, h.revision == 1, ~h.shadow)
    held = select(h.article_id, h.comment_id).where(*in_time).distinct().subquery()
    stopped = connection.scalar(select(func.count()).select_from(held)) or 0
    return {"comments": posted or 0, "held": stopped, "share": _share(stopped, posted or 0)}


def _overturned(connection: Connection, made: Sequence[ColumnElement[bool]]) -> dict[str, Any]:
    """Of the decisions against a comment: those that were undone, and those with an appeal granted."""
    d, s, a = decisions.c, statements.c, appeals.c
    against = (*made, d.action.in_(RESTRICTING))
    total, undone = connection.execute(
        select(func.count(), func.count(d.undone_by)).select_from(decisions).where(*against)
    ).one()
    granted = connection.scalar(
        select(func.count())
        .select_from(appeals)
        .join(statements, s.id == a.statement_id)
        .join(decisions, d.id == s.decision_id)
        .where(*against, a.state == "granted", d.undone_by.is_(None))
    )
    wrong = undone + (granted or 0)
    return {
        "restrictions": total, "undone": undone, "appeals_granted": granted or 0,
        "share": _share(wrong, total),
    }  # fmt: skip


def _rules(connection: Connection, site: str, start: datetime, upto: datetime) -> list[dict[str, Any]]:
    """Of what each rule has found: how much of it moderators have refused as well."""
    h, c = rule_hits.c, cases.c
    found = (
        select(h.rule_id, h.reason, h.shadow, h.article_id, h.comment_id)
        .where(h.site == site, h.created_at >= start, h.created_at < upto)
        .distinct()
        .subquery()
    )
    f = found.c
    one: ColumnElement[int] = literal_column("1")
    confirmed = func.count(case((c.seen & c.status.in_(REFUSED), one)))
    let_through = func.count(case((c.seen & (c.status == APPROVED), one)))
    rows = connection.execute(
        select(
            f.rule_id, rules.c.name, f.reason, f.shadow, func.count().label("comments"),
            confirmed.label("confirmed"), let_through.label("let_through"),
        )
        .join_from(found, cases, (c.article_id == f.article_id) & (c.comment_id == f.comment_id))
        .outerjoin(rules, rules.c.id == f.rule_id)
        .group_by(f.rule_id, rules.c.name, f.reason, f.shadow)
        .order_by(func.count().desc(), f.reason)
    )  # fmt: skip
    return [
        {
            "rule": row.rule_id and str(row.rule_id), "name": row.name, "reason": row.reason,
            "shadow": bool(row.shadow), "comments": row.comments, "confirmed": row.confirmed,
            "let_through": row.let_through,
            "precision": _share(row.confirmed, row.confirmed + row.let_through),
        }
        for row in rows
    ]  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
