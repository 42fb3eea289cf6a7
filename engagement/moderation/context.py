"""What a moderator sees of a comment: text, place, author, why it is there, who is on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, tuple_, union_all

from engagement import clock
from engagement.comments.counting import REJECTED, SPAM
from engagement.db.tables import (
    articles,
    bans,
    cases,
    comments,
    readers,
    reports,
    rule_hits,
    rule_versions,
    staff,
)
from engagement.moderation.cases import Name
from engagement.staff.members import Member

HISTORY = 1_000
"""Comments of a reader that are counted at most."""
MAX_HITS = 20
"""Reasons that are told of one comment at most."""


def tell_case(connection: Connection, site: str, name: Name, member: Member | None) -> dict[str, Any] | None:
    """One comment, as `tell_cases`; None if it is gone."""
    return next(iter(tell_cases(connection, site, [name], member)), None)


def tell_cases(
    connection: Connection, site: str, names: Sequence[Name], member: Member | None
) -> list[dict[str, Any]]:
    """These comments (article, id) with all that it takes to decide on them, in this order.

    Those that are not there any more are left out. `member`: whose claims are told as their own.
    """
    rows = _comments(connection, names)
    of = _cases(connection, list(rows))
    where = _articles(connection, {article_id for article_id, _ in rows})
    parents = _comments(
        connection,
        [(row.article_id, row.parent_id) for row in rows.values() if row.parent_id != row.article_id],
    )
    people = _readers(connection, {row.reader_id for row in (*rows.values(), *parents.values())})
    history = _history(connection, site, {row.reader_id for row in rows.values()})
    hits, reported = _hits(connection, list(rows)), _reports(connection, list(rows))
    holders = _staff(connection, {case.claimed_by for case in of.values() if case.claimed_by is not None})
    told = []
    for name in names:
        row, case = rows.get(name), of.get(name)
        if row is None or case is None:
            continue
        told.append(
            _body(row)
            | {
                "article": where[row.article_id],
                "parent": _parent(parents.get((row.article_id, row.parent_id)), people),
                "author": people[row.reader_id] | history[row.reader_id],
                "queued_at": clock.rfc3339(case.queued_at),
                "seen": case.seen,
                "decision": case.decision_id and str(case.decision_id),
                "priority": case.priority,
                "score": case.score,
                "reasons": hits.get(name, []),
                "reports": reported.get(name, {}),
                "claim": _claim(case, holders, member),
            }
        )
    return told


def _body(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "body": row.body,
        "body_html": row.body_html,
        "status": row.status,
        "held_for": row.held_for,
        "revision": row.revision,
        "created_at": clock.rfc3339(row.created_at),
        "edited_at": clock.rfc3339(row.edited_at) if row.edited_at else None,
        "votes": {"up": row.up, "down": row.down, "score": row.score},
        "reply_count": row.reply_count,
        "pinned": bool(row.pinned),
        "featured": bool(row.featured),
        "replies_closed": bool(row.replies_closed),
    }


def _parent(row: Row[Any] | None, people: Mapping[UUID, dict[str, Any]]) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "id": str(row.id),
        "author": people[row.reader_id],
        "body": row.body,
        "body_html": row.body_html,
        "status": row.status,
    }


def _claim(case: Row[Any], holders: Mapping[UUID, str], member: Member | None) -> dict[str, Any] | None:
    if case.claimed_by is None or case.claimed_until is None or case.claimed_until <= clock.now():
        return None
    return {
        "by": {"id": str(case.claimed_by), "name": holders.get(case.claimed_by)},
        "until": clock.rfc3339(case.claimed_until),
        "mine": member is not None and member.id == case.claimed_by,
    }


def _comments(connection: Connection, names: Sequence[Name]) -> dict[Name, Row[Any]]:
    c = comments.c
    return {
        (row.article_id, row.id): row
        for row in _rows(connection, select(comments), c.article_id, c.id, names)
    }


def _cases(connection: Connection, names: Sequence[Name]) -> dict[Name, Row[Any]]:
    c = cases.c
    found = _rows(connection, select(cases), c.article_id, c.comment_id, names)
    return {(row.article_id, row.comment_id): row for row in found}


def _rows(
    connection: Connection, statement: Any, article: Any, comment: Any, names: Sequence[Name]
) -> Sequence[Row[Any]]:
    if not names:
        return []
    return connection.execute(statement.where(tuple_(article, comment).in_(list(names)))).all()


def _articles(connection: Connection, ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
    a = articles.c
    rows = connection.execute(select(a.id, a.external_id, a.title, a.url, a.section).where(a.id.in_(ids)))
    return {
        row.id: {"id": row.external_id, "title": row.title, "url": row.url, "section": row.section}
        for row in rows
    }


def _readers(connection: Connection, ids: set[UUID]) -> dict[UUID, dict[str, Any]]:
    r = readers.c
    rows = connection.execute(select(r.id, r.name, r.avatar_url, r.badges).where(r.id.in_(ids)))
    return {
        row.id: {
            "id": str(row.id), "name": row.name, "avatar_url": row.avatar_url, "badges": row.badges or []
        }
        for row in rows
    }  # fmt: skip


def _history(connection: Connection, site: str, ids: set[UUID]) -> dict[UUID, dict[str, int]]:
    """Of each reader: comments, those that were refused, bans. Counted up to `HISTORY`."""
    c, b = cases.c, bans.c
    found = {id: {"comments": 0, "rejected": 0, "bans": 0} for id in ids}
    if not ids:
        return found
    some = [
        select(select(c.reader_id, c.status).where(c.reader_id == id).limit(HISTORY).subquery())
        for id in sorted(ids)
    ]
    newest = union_all(*some).subquery().c
    counted = select(newest.reader_id, newest.status, func.count()).group_by(newest.reader_id, newest.status)
    for id, status, number in connection.execute(counted):
        found[id]["comments"] += number
        found[id]["rejected"] += number if status in (REJECTED, SPAM) else 0
    banned = select(b.reader_id, func.count()).where(b.reader_id.in_(ids), b.kind != "warning")
    for id, number in connection.execute(banned.group_by(b.reader_id)):
        found[id]["bans"] = number
    return found


def _hits(connection: Connection, names: Sequence[Name]) -> dict[Name, list[dict[str, Any]]]:
    """Why rules and policies have held or refused the texts: newest first."""
    h, v = rule_hits.c, rule_versions.c
    statement = (
        select(rule_hits, v.name.label("rule_name"))
        .outerjoin(rule_versions, (v.rule_id == h.rule_id) & (v.version == h.version))
        .order_by(h.id.desc())
    )
    told: dict[Name, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(connection, statement, h.article_id, h.comment_id, names):
        rule = {"id": str(row.rule_id), "name": row.rule_name, "version": row.version}
        if len(told[row.article_id, row.comment_id]) < MAX_HITS:
            told[row.article_id, row.comment_id].append(
                {
                    "rule": None if row.rule_id is None else rule,
                    "reason": row.reason, "action": row.action, "shadow": bool(row.shadow),
                    "revision": row.revision, "found": row.found, "score": row.score,
                }
            )  # fmt: skip
    return told


def _reports(connection: Connection, names: Sequence[Name]) -> dict[Name, dict[str, int]]:
    """Reason → how many reports wait."""
    r = reports.c
    statement = (
        select(r.article_id, r.comment_id, r.reason, func.count().label("number"))
        .where(r.state == "open")
        .group_by(r.article_id, r.comment_id, r.reason)
    )
    told: dict[Name, dict[str, int]] = defaultdict(dict)
    for row in _rows(connection, statement, r.article_id, r.comment_id, names):
        told[row.article_id, row.comment_id][row.reason] = row.number
    return told


def _staff(connection: Connection, ids: set[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    return {
        row.id: row.name
        for row in connection.execute(select(staff.c.id, staff.c.name).where(staff.c.id.in_(ids)))
    }
