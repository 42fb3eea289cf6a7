"""What a moderator sees of a comment: text, place, author, why it is there, who is on it."""

from __future__ import annotations

from collections import defaultdict, namedtuple
from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from engagement import clock
from engagement.comments.counting import REJECTED, SPAM
from engagement.db import bulk
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
from engagement.moderation.queue.cases import Name
from engagement.staff.members import Member

HISTORY = 1_000
"""Comments of a reader that are counted at most."""
MAX_HITS = 20
"""Reasons that are told of one comment at most."""
_OF_COMMENT, _OF_CASE = ("article_id", "id"), ("article_id", "comment_id")
_Comment = namedtuple(
    "_Comment",
    (
        "article_id", "id", "parent_id", "reader_id", "body", "body_html", "status", "held_for", "revision",
        "created_at", "edited_at", "up", "down", "score", "reply_count", "pinned", "featured",
        "replies_closed",
    ),
)  # fmt: skip
_Case = namedtuple(
    "_Case",
    (
        "article_id", "comment_id", "queued_at", "seen", "decision_id", "priority", "score",
        "claimed_by", "claimed_until",
    ),
)  # fmt: skip


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
    history = _history(connection, {row.reader_id for row in rows.values()})
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
                "seen": bool(case.seen),
                "decision": case.decision_id and str(case.decision_id),
                "priority": case.priority,
                "score": case.score,
                "reasons": hits.get(name, []),
                "reports": reported.get(name, {}),
                "claim": _claim(case, holders, member),
            }
        )
    return told


def _body(row: Any) -> dict[str, Any]:
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


def _parent(row: Any, people: Mapping[UUID, dict[str, Any]]) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "id": str(row.id),
        "author": people[row.reader_id],
        "body": row.body,
        "body_html": row.body_html,
        "status": row.status,
    }


def _claim(case: Any, holders: Mapping[UUID, str], member: Member | None) -> dict[str, Any] | None:
    if case.claimed_by is None or case.claimed_until is None or case.claimed_until <= clock.now():
        return None
    return {
        "by": {"id": str(case.claimed_by), "name": holders.get(case.claimed_by)},
        "until": clock.rfc3339(case.claimed_until),
        "mine": member is not None and member.id == case.claimed_by,
    }


def _comments(connection: Connection, names: Collection[Name]) -> dict[Name, Any]:
    rows = map(_Comment._make, bulk.fetch(connection, comments, _OF_COMMENT, list(names), _Comment._fields))
    return {(row.article_id, row.id): row for row in rows}


def _cases(connection: Connection, names: Collection[Name]) -> dict[Name, Any]:
    rows = map(_Case._make, bulk.fetch(connection, cases, _OF_CASE, list(names), _Case._fields))
    return {(row.article_id, row.comment_id): row for row in rows}


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


def _history(connection: Connection, ids: set[UUID]) -> dict[UUID, dict[str, int]]:
    """Of each reader: comments, those that were refused, bans. Counted up to `HISTORY`."""
    b = bans.c
    found = {id: {"comments": 0, "rejected": 0, "bans": 0} for id in ids}
    for id, status, number in _statuses(connection, sorted(ids)):
        found[id]["comments"] += number
        found[id]["rejected"] += number if status in (REJECTED, SPAM) else 0
    banned = select(b.reader_id, func.count()).where(b.reader_id.in_(ids), b.kind != "warning")
    for id, number in connection.execute(banned.group_by(b.reader_id)):
        found[id]["bans"] = number
    return found


def _statuses(connection: Connection, ids: Sequence[UUID]) -> Iterator[tuple[UUID, str, int]]:
    """Reader, status, how many comments."""
    if not ids:
        return
    if connection.dialect.name == "postgresql":
        for id, status, number in connection.exec_driver_sql(OF_READERS, (list(ids), HISTORY)):
            yield id, status, number
        return
    words = " UNION ALL ".join([OF_READER] * len(ids))
    given = [value for id in ids for value in (id.bytes, HISTORY)]
    for id, status, number in connection.exec_driver_sql(words, tuple(given)):
        yield UUID(bytes=id), status, number


OF_READERS = """
SELECT p.id, case_of.status, count(*) FROM unnest(%s::uuid[]) AS p (id) CROSS JOIN LATERAL (
    SELECT status FROM cases WHERE reader_id = p.id LIMIT %s
) AS case_of GROUP BY p.id, case_of.status"""
OF_READER = """
SELECT * FROM (
    SELECT reader_id, status, count(*) FROM (SELECT reader_id, status FROM cases WHERE reader_id = ? LIMIT ?)
    GROUP BY reader_id, status
)"""
"""SQLite has no LATERAL."""


def _hits(connection: Connection, names: Collection[Name]) -> dict[Name, list[dict[str, Any]]]:
    """Why rules and policies have held or refused the texts: newest first."""
    columns = (
        *_OF_CASE, "id", "rule_id", "version", "reason", "action", "shadow", "revision", "found", "score"
    )  # fmt: skip
    hits = bulk.fetch(connection, rule_hits, _OF_CASE, list(names), columns)
    versions = sorted({(hit[3], hit[4]) for hit in hits if hit[3] is not None and hit[4] is not None})
    of_rule = ("rule_id", "version")
    named = {
        (rule, version): name
        for rule, version, name in bulk.fetch(
            connection, rule_versions, of_rule, versions, (*of_rule, "name")
        )
    }
    told: dict[Name, list[dict[str, Any]]] = defaultdict(list)
    for a, id, _, rule, version, reason, action, shadow, revision, found, score in sorted(
        hits, key=itemgetter(2), reverse=True
    ):
        if len(told[a, id]) < MAX_HITS:
            of = {"id": str(rule), "name": named.get((rule, version)), "version": version}
            told[a, id].append(
                {
                    "rule": None if rule is None else of, "reason": reason, "action": action,
                    "shadow": bool(shadow), "revision": revision, "found": found, "score": score,
                }
            )  # fmt: skip
    return told


def _reports(connection: Connection, names: Collection[Name]) -> dict[Name, dict[str, int]]:
    """Reason → how many reports wait."""
    keys = [(article_id, id, "open") for article_id, id in names]
    told: dict[Name, dict[str, int]] = defaultdict(dict)
    for article_id, id, _, reason, number in bulk.count(
        connection, reports, (*_OF_CASE, "state"), keys, "reason"
    ):
        told[article_id, id][reason] = number
    return told


def _staff(connection: Connection, ids: set[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    return {
        row.id: row.name
        for row in connection.execute(select(staff.c.id, staff.c.name).where(staff.c.id.in_(ids)))
    }
