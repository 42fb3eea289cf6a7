"""Reports as rows: how one is made and replaced, taken with a ban and given back, and settled by a decision.

Who changes a report that waits holds its comment's row; its weight stands in the comment's case meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from engagement import clock
from engagement.comments import emptying
from engagement.comments.counting import APPROVED, PENDING
from engagement.db import bulk
from engagement.db.tables import cases as case_rows
from engagement.db.tables import reports
from engagement.moderation.queue import cases
from engagement.moderation.readers import standing

OPEN, RIGHT, WRONG, TAKEN = "open", "right", "wrong", "taken"
"""States of a report: it waits for a decision; a moderator agreed or did not; a ban has taken it."""


def put(
    connection: Connection, site: str, comment: Row[Any], reader_id: UUID, reason: str, note: str | None,
    weight: float,
) -> tuple[bool, Row[Any] | None]:  # fmt: skip
    """Report a comment that is locked. Answers whether it is the reader's first report of it, and the case.

    A second one takes the place of the first: what was decided on that stays decided.
    """
    at = _at(comment.article_id, comment.id, reader_id)
    before = connection.execute(select(reports.c.state, reports.c.weight).where(*at)).one_or_none()
    if before is None:
        connection.execute(
            insert(reports).values(
                article_id=comment.article_id, comment_id=comment.id, reader_id=reader_id, site=site,
                reason=reason, note=note, weight=weight, state=OPEN, created_at=clock.now(),
            )
        )  # fmt: skip
        return True, cases.add_report(connection, comment.article_id, comment.id, weight)
    connection.execute(update(reports).where(*at).values(reason=reason, note=note))
    return False, None


def settle_all(connection: Connection, decided: Mapping[tuple[UUID, UUID], bool]) -> None:
    """A moderator has decided on comments that are locked: article and comment → were its reports right?

    It counts for the readers who sent them, on what they report from now on; in one order of readers.
    """
    columns = ("article_id", "comment_id", "reader_id", "site", "state")
    found = bulk.fetch(connection, reports, columns[:2], list(decided), columns)
    waiting = sorted((reader, site, a, c) for a, c, reader, site, state in found if state == OPEN)
    now = clock.now()
    rows = [(a, c, r, RIGHT if decided[a, c] else WRONG, now) for r, _, a, c in waiting]
    bulk.change(connection, reports, columns[:3], rows, replace=("state", "decided_at"))
    for (reader, site), theirs in groupby(waiting, key=itemgetter(0, 1)):
        right = [decided[a, c] for _, _, a, c in theirs]
        standing.reported(connection, site, reader, right=sum(right), wrong=len(right) - sum(right))


def reopen(connection: Connection, article_id: UUID, comment_id: UUID, since: datetime) -> None:
    """The decision on a comment that is locked, made at `since`, is undone: what it settled waits again."""
    r = reports.c
    settled = (
        r.article_id == article_id, r.comment_id == comment_id,
        r.state.in_((RIGHT, WRONG)), r.decided_at >= since,
    )  # fmt: skip
    found = connection.execute(select(reports).where(*settled).order_by(r.reader_id)).all()
    if found:
        connection.execute(update(reports).where(*settled).values(state=OPEN, decided_at=None))
    for row in found:
        right = row.state == RIGHT
        standing.reported(connection, row.site, row.reader_id, right=-int(right), wrong=-int(not right))
        cases.add_report(connection, article_id, comment_id, row.weight)


def take(connection: Connection, article_id: UUID, comment_id: UUID, reader_id: UUID) -> None:
    """A ban takes a report that waits. Twice is once."""
    emptying.lock(connection, article_id, [comment_id])
    found = _report(connection, article_id, comment_id, reader_id)
    if found is not None and found.state == OPEN:
        connection.execute(update(reports).where(*_at(article_id, comment_id, reader_id)).values(state=TAKEN))
        cases.add_report(connection, article_id, comment_id, -found.weight, -1)


def give_back(connection: Connection, article_id: UUID, comment_id: UUID, reader_id: UUID) -> None:
    """A report that a ban has taken waits again; where a moderator has decided meanwhile, that settles it."""
    locked = emptying.lock(connection, article_id, [comment_id])
    found = _report(connection, article_id, comment_id, reader_id)
    if found is None or found.state != TAKEN:
        return
    c = case_rows.c
    mine = (c.article_id == article_id, c.comment_id == comment_id)
    seen = connection.scalar(select(c.seen).where(*mine))
    status = locked[0].status if locked else ""
    at, now = _at(article_id, comment_id, reader_id), clock.now()
    if status in (APPROVED, PENDING) and not seen:
        connection.execute(update(reports).where(*at).values(state=OPEN))
        cases.add_report(connection, article_id, comment_id, found.weight)
        return
    right = status != APPROVED
    connection.execute(update(reports).where(*at).values(state=RIGHT if right else WRONG, decided_at=now))
    standing.reported(connection, found.site, reader_id, right=int(right), wrong=int(not right))


def _at(article_id: UUID, comment_id: UUID, reader_id: UUID) -> tuple[Any, ...]:
    r = reports.c
    return r.article_id == article_id, r.comment_id == comment_id, r.reader_id == reader_id


def _report(connection: Connection, article_id: UUID, comment_id: UUID, reader_id: UUID) -> Row[Any] | None:
    statement = select(reports).where(*_at(article_id, comment_id, reader_id))
    return connection.execute(statement).one_or_none()
