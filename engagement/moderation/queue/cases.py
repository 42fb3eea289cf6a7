"""Cases: what moderation knows of each comment, one row for each, without anything that a reader wrote.

Made in the transaction that holds or refuses a comment; of what is let through a worker makes it, from the
event that tells the comment. Who changes a case holds the comment's row, or changes nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select, update

from engagement import clock
from engagement.comments.counting import DELETED, MOVED, PENDING
from engagement.db import bulk
from engagement.db.tables import articles, cases, comments

Name = tuple[UUID, UUID]
"""A comment: its article, itself."""
CASE = ("article_id", "comment_id")
COMMENT = ("article_id", "id")
WEIGHT, SCORE = 2.0, 3.0
"""What a report adds to a case's priority, of who is right as often as not, and a scorer's certainty."""


def priority(weight: float, score: float | None, reach: int) -> float:
    """How pressing a case is: reports, a scorer's word, and how many have met the comment. Never negative.

    `weight` of the reports that wait, `score` 0 to 1, `reach`: votes and replies; ten times as many add 1.
    """
    return WEIGHT * max(weight, 0.0) + SCORE * (score or 0.0) + math.log10(1 + max(reach, 0))


def open_case(
    connection: Connection,
    *,
    site: str,
    section: str | None,
    article_id: UUID,
    comment_id: UUID,
    reader_id: UUID,
    status: str,
    revision: int,
    reason: str | None = None,
    rule_id: UUID | None = None,
    score: float | None = None,
) -> None:
    """A comment, or a new text of it, was stored with this status: its case waits for a moderator anew."""
    now, created = clock.now(), comments.c
    row = {
        "article_id": article_id, "comment_id": comment_id, "site": site, "section": section,
        "reader_id": reader_id, "status": status, "revision": revision, "seen": False,
        "reports": 0, "weight": 0.0, "score": score, "priority": priority(0.0, score, 0),
        "reason": reason, "rule_id": rule_id, "queued_at": now, "claimed_by": None, "claimed_until": None,
        "created_at": connection.scalar(
            select(created.created_at).where(created.article_id == article_id, created.id == comment_id)
        ) or now,
    }  # fmt: skip
    anew = (
        "section", "status", "revision", "seen", "score", "reason", "rule_id", "queued_at",
        "claimed_by", "claimed_until",
    )  # fmt: skip
    bulk.put(connection, cases, tuple(row), [tuple(row.values())], replace=anew)
    if revision > 1:
        _rank(connection, article_id, comment_id)


def ensure(connection: Connection, names: Collection[Name], *, seen: bool = False) -> None:
    """Make the cases of these comments that aren't there: as the comments stand now.

    `seen`: as if a moderator had looked at those that are approved.
    """
    bulk.run(connection, comments, COMMENT, sorted(names), _MADE_SEEN if seen else _MADE)


def follow(connection: Connection, told: Collection[tuple[UUID, UUID, str]]) -> None:
    """Events of comments (article, comment, name) came: make their cases, and let them follow what changed.

    Once or twice is the same. What holds, refuses or decides has changed its case itself.
    """
    ensure(connection, {(article_id, id) for article_id, id, _ in told})
    changed = sorted({(a, id) for a, id, name in told if name in ("comment.edited", "comment.deleted")})
    columns = (*COMMENT, "status", "revision", "edited_at")
    c = cases.c
    for a, id, status, revision, edited in sorted(
        bulk.fetch(connection, comments, COMMENT, changed, columns), key=lambda row: row[:2]
    ):
        mine = update(cases).where(c.article_id == a, c.comment_id == id)
        if status == DELETED:
            connection.execute(mine.values(status=DELETED, revision=revision, **NOTHING_LEFT))
        elif status != MOVED:
            anew = {"revision": revision, "seen": False, "queued_at": edited or clock.now()}
            connection.execute(mine.where(c.revision < revision).values(anew))


def change(connection: Connection, article_id: UUID, comment_id: UUID, values: dict[str, Any]) -> None:
    """Set columns of a case."""
    c = cases.c
    mine = (c.article_id == article_id, c.comment_id == comment_id)
    connection.execute(update(cases).where(*mine).values(values))


def add_report(
    connection: Connection, article_id: UUID, comment_id: UUID, weight: float, count: int = 1
) -> Row[Any]:
    """One more report that waits for a decision; answers the case with it.

    A report that is replaced: `count` 0 and the difference of weights; one that is taken back: both negative.
    """
    ensure(connection, [(article_id, comment_id)])
    c = cases.c
    connection.execute(
        update(cases)
        .where(c.article_id == article_id, c.comment_id == comment_id)
        .values(reports=c.reports + count, weight=c.weight + weight)
    )
    return _rank(connection, article_id, comment_id)


def settle_reports(connection: Connection, article_id: UUID, comment_id: UUID) -> None:
    """No report of the comment waits any more."""
    c = cases.c
    mine = (c.article_id == article_id, c.comment_id == comment_id, c.reports != 0)
    if connection.execute(update(cases).where(*mine).values(reports=0, weight=0.0)).rowcount:
        _rank(connection, article_id, comment_id)


NOTHING_LEFT: dict[str, Any] = {
    "reports": 0, "weight": 0.0, "priority": 0.0, "reason": None, "claimed_by": None, "claimed_until": None,
}  # fmt: skip
"""Of the case of a comment that is taken back."""
_REACH = "t.up + t.down + t.reply_count"
_NEW = {
    "article_id": "t.article_id",
    "comment_id": "t.id",
    "site": "a.site",
    "section": "a.section",
    "reader_id": "t.reader_id",
    "status": "t.status",
    "revision": "t.revision",
    "seen": "false",
    "reports": "0",
    "weight": "0.0",
    # As `priority` has it, without reports and score.
    "priority": f"CASE WHEN {_REACH} > 0 THEN log(CAST(1 + {_REACH} AS DOUBLE PRECISION)) ELSE 0.0 END",
    "reason": "t.held_for",
    "created_at": "t.created_at",
    "queued_at": "coalesce(t.edited_at, t.created_at)",
}


def _made_of(row: dict[str, str]) -> str:
    """Of every new comment, so in one statement: nothing of them is brought here."""
    return (
        f"INSERT INTO {cases.name} ({', '.join(row)}) SELECT {', '.join(row.values())} "
        f"FROM <k> JOIN {comments.name} t USING ({', '.join(COMMENT)}) "
        f"JOIN {articles.name} a ON a.id = t.article_id "
        f"WHERE t.status NOT IN ('{DELETED}', '{MOVED}') ORDER BY t.article_id, t.id "
        f"ON CONFLICT ({', '.join(CASE)}) DO NOTHING"
    )


_MADE = _made_of(_NEW)
_MADE_SEEN = _made_of(_NEW | {"seen": f"t.status <> '{PENDING}'"})


def _rank(connection: Connection, article_id: UUID, comment_id: UUID) -> Row[Any]:
    """Set the case's priority by what is so now; answers the case."""
    c, of = cases.c, comments.c
    mine = (c.article_id == article_id, c.comment_id == comment_id)
    reach = select(of.up + of.down + of.reply_count).where(of.article_id == article_id, of.id == comment_id)
    met = connection.scalar(reach) or 0
    row = connection.execute(select(c.weight, c.score).where(*mine)).one()
    change(connection, article_id, comment_id, {"priority": priority(row.weight, row.score, met)})
    return connection.execute(select(cases).where(*mine)).one()
