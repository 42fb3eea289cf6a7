"""Choices as jobs go through them: pages in the order of their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy import ColumnElement, Connection, Table, literal, select, tuple_

from engagement.db import bulk
from engagement.db.jobs import Job
from engagement.db.tables import BALLOT, articles, choices
from engagement.hot.keys import MOOD, Ballot

PAGE, FAR = 200, 5_000
"""Choices of a page, and those that are read ahead."""
JOBS = 4
"""Of which choices are kept ahead."""
CHOICE = (*BALLOT, "choice", "network")
"""What a row of a page begins with."""


@dataclass(slots=True)
class _Read:
    """The rows after the name `after`; `all`: no others follow."""

    after: tuple[str, ...] | None
    rows: Sequence[Any]
    all: bool


class Ahead:
    """A reader's choices, read far ahead: where a reader's rows stand apart, each look reads all of them.

    What was read ahead names what to look at, and no more: each page is compared with SQL as it is now.
    """

    def __init__(self) -> None:
        self._read: LRUCache[UUID, _Read] = LRUCache(JOBS)

    def page(self, connection: Connection, job: Job, after: Sequence[str] | None) -> Sequence[Any]:
        """The next page after the choice with this name; less than `PAGE` at the end alone."""
        at = tuple(after) if after is not None else None
        read = self._read.pop(job.id, None)
        if read is not None and read.after == at and (read.all or len(read.rows) >= PAGE):
            page = read.rows[:PAGE]
            mine = [(*row[:3], job.reader_id) for row in page]
            now = bulk.fetch(connection, choices, (*BALLOT, "reader_id"), mine, CHOICE)
            if sorted(now) == sorted(tuple(row[: len(CHOICE)]) for row in page):
                self._read[job.id] = read
                return page
        rows = page_of(connection, choices, choices.c.reader_id == job.reader_id, at, FAR)
        self._read[job.id] = _Read(at, rows, len(rows) < FAR)
        return rows[:PAGE]

    def went_on(self, job: Job, played: int) -> None:
        """So many of the last page are behind."""
        read = self._read.get(job.id)
        if read is not None:
            read.after, read.rows = name_of(read.rows[played - 1]), read.rows[played:]


def page_of(
    connection: Connection, table: Table, mine: ColumnElement[bool], after: Sequence[str] | None, limit: int
) -> Sequence[Any]:
    """Choices with the names of their articles, in the order of their keys."""
    key = [table.c[name] for name in BALLOT]
    statement = (
        select(*key, table.c.choice, table.c.network, articles.c.site, articles.c.external_id)
        .join(articles, articles.c.id == table.c.article_id)
        .where(mine)
        .order_by(*key)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(after_key(key, after))
    return connection.execute(statement).all()


def after_key(key: Sequence[ColumnElement[Any]], after: Sequence[str]) -> ColumnElement[bool]:
    """The condition for ballots after the one with this name (`name_of`)."""
    at = (UUID(after[0]), after[1], UUID(after[2]))
    values = (literal(value, column.type) for value, column in zip(at, key, strict=True))
    return tuple_(*key) > tuple_(*values)


def ballot_of(row: Any) -> Ballot:
    """Of a row of `page_of`."""
    subject = "" if row.kind == MOOD else str(row.subject_id)
    return Ballot(row.site, row.external_id, row.kind, subject)


def name_of(row: Any) -> tuple[str, str, str]:
    """The key of a row of `page_of`, to go on after it."""
    return row.article_id.hex, row.kind, row.subject_id.hex
