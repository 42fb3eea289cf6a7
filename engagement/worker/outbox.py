"""From events to counts: what happened to comments moves counts, makes cases and drops rendered pages.

`outbox` is what releases before 0.3 write.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    FromClause,
    Row,
    Select,
    Table,
    any_,
    delete,
    func,
    literal,
    select,
)

from engagement.comments.counting import POSTED, STONES, moved
from engagement.comments.ranked import rank
from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.events import tell
from engagement.db.tables import article_counts, articles, comments, events, outbox, place_of
from engagement.errors import RedisUnavailable
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import VOTE, Ballot
from engagement.hot.pages import Pages
from engagement.moderation.queue import cases

Name = tuple[UUID, UUID]
"""A comment: its article, itself."""
COMMENT = ("article_id", "id")
COUNTED = Counter("engagement_outbox_rows_total", "Outbox rows turned into counts")
ROWS = 500
"""Of one transaction at most."""
VOTES = 0.5
"""Seconds between two drops of pages for votes alone: a page that many vote on shall live for a while."""


class Outbox:
    """Turns rows into counts. Counting and deleting a row are one transaction."""

    def __init__(self, database: Database, hot: Hot, pages: Pages) -> None:
        self._database = database
        self._hot = hot
        self._pages = pages
        self._to_drop: set[tuple[str, str]] = set()
        self._to_close: set[Ballot] = set()
        self._voted: set[tuple[str, str]] = set()
        self._voted_dropped_at = 0.0

    def deliver(self) -> int:
        """One round: how many rows it took. Raises `DatabaseUnavailable`; nothing is half done then."""
        with self._database.read() as connection:
            told, told_before = connection.execute(_FIRST).one()
        taken = 0
        if told is not None or told_before is not None:
            taken = self._count(told_before is not None)
        if self._voted and time.monotonic() - self._voted_dropped_at > VOTES:
            self._to_drop |= self._voted
            self._voted.clear()
            self._voted_dropped_at = time.monotonic()
        if self._to_drop and self._pages.drop(sorted(self._to_drop)):
            self._to_drop.clear()
        self._change_policies()
        return taken

    def _change_policies(self) -> None:
        """Whether a comment takes votes follows from its state: views that were built before go."""
        with suppress(RedisUnavailable):
            self._hot.execute_many([commands.change_policy(ballot) for ballot in self._to_close])
            self._to_close.clear()

    def voted(self, articles: set[tuple[str, str]]) -> None:
        """Votes on comments of these (site, article) have moved: their pages are to be dropped soon."""
        self._voted |= articles

    def _count(self, some_before: bool) -> int:
        """`some_before`: are there rows of releases before 0.3?"""
        with self._database.write() as connection:
            before = _BEFORE.take(connection) if some_before else []
            rank(connection, _unranked(connection, before))
            rows = _EVENTS.take(connection)
            counts = _Counts()
            for row in (*rows, *before):
                counts.add(row)
            counts.store(connection)
            cases.follow(
                connection, {(row.article_id, row.comment_id, row.event) for row in (*rows, *before)}
            )
        named = {row.article_id: (row.site, row.external_id) for row in (*rows, *before)}
        self._to_drop |= set(named.values())
        self._to_close |= {
            Ballot(*named[row.article_id], VOTE, str(row.comment_id))
            for row in rows
            if row.counted and row.event != POSTED.name
        }
        taken = len(rows) + len(before)
        COUNTED.inc(taken)
        return taken


class _Queue:
    """A table of rows to count: takes the first that nobody else has; they are gone at the commit."""

    def __init__(self, table: Table, *told: Any) -> None:
        """`told`: what each says to add, `counted` and `listed`."""
        row = (table.c.article_id, table.c.comment_id, table.c.event, *told)
        first = select(table.c.id).order_by(table.c.id).limit(ROWS).with_for_update(skip_locked=True)
        one_of = any_(func.array(first.scalar_subquery(), type_=ARRAY(BigInteger)))
        taken = delete(table).where(table.c.id == one_of).returning(*row).cte("taken")
        self._at_once = _with_comments(taken, *taken.c)
        self._look = _with_comments(table, *row).where(table.c.id.in_(first))
        self._delete = delete(table).where(table.c.id.in_(first))

    def take(self, connection: Connection) -> Sequence[Row[Any]]:
        """With their articles, and where their comments are listed."""
        if connection.dialect.name == "postgresql":
            return connection.execute(self._at_once).all()
        rows = connection.execute(self._look).all()
        connection.execute(self._delete)
        return rows


def _with_comments(told: FromClause, *columns: Any) -> Select[Any]:
    c = told.c
    return (
        select(
            *columns, comments.c.parent_id, place_of(comments).label("place_id"),
            articles.c.site, articles.c.external_id,
        )
        .join(comments, (comments.c.article_id == c.article_id) & (comments.c.id == c.comment_id))
        .join(articles, articles.c.id == c.article_id)
    )  # fmt: skip


_EVENTS = _Queue(events, events.c.counted, events.c.listed)
_BEFORE = _Queue(outbox, *(literal(POSTED.counted).label(name) for name in ("counted", "listed")))
_FIRST = select(*(select(func.min(table.c.id)).scalar_subquery() for table in (events, outbox)))


def _unranked(connection: Connection, rows: Sequence[Row[Any]]) -> dict[Name, tuple[int, int]]:
    """The votes of comments that the release before has posted: it knows fewer orders."""
    keys = [(row.article_id, row.comment_id) for row in rows]
    found = bulk.fetch(connection, comments, COMMENT, keys, (*COMMENT, "up", "down"))
    return {(a, id): (up, down) for a, id, up, down in found}


class _Counts:
    """What some rows add to counts, and whose replies they are."""

    def __init__(self) -> None:
        self.total, self._threads = Tally[UUID](), Tally[UUID]()
        self._replies, self._parents = Tally[Name](), set[Name]()

    def add(self, row: Row[Any]) -> None:
        self.total[row.article_id] += row.counted
        if row.place_id == row.article_id:
            self._threads[row.article_id] += row.listed
        else:
            self._replies[row.article_id, row.place_id] += row.listed
        if row.listed and row.parent_id != row.article_id:
            self._parents.add((row.article_id, row.parent_id))
        if row.listed < 0:  # replies to it may be shown
            self._parents.add((row.article_id, row.comment_id))

    def store(self, connection: Connection) -> None:
        """Articles, then comments by id: the one lock order."""
        rows = [(a, n, self._threads[a]) for a, n in sorted(self.total.items())]
        added = ("comments", "threads")
        bulk.put(connection, article_counts, ("article_id", *added), rows, add=added)
        bulk.lock(connection, comments, COMMENT, sorted({*self._replies, *self._parents}))
        replies = [(*place, by) for place, by in sorted(self._replies.items()) if by]
        bulk.change(connection, comments, COMMENT, replies, add=("reply_count",))
        _set_stones(connection, sorted(self._parents))


def _set_stones(connection: Connection, parents: Sequence[Name]) -> None:
    """What is a stone is shown as long as a reply to it is. Its own place is told next time."""
    found = bulk.fetch(connection, comments, COMMENT, parents, (*COMMENT, "status", "shown"))
    reply = comments.c
    for a, id, status, shown in sorted(row for row in found if row[2] in STONES):
        answers = (reply.article_id == a, reply.parent_id == id, reply.shown)
        stands = connection.scalar(select(1).where(*answers).limit(1)) is not None
        if stands != bool(shown):
            bulk.change(connection, comments, COMMENT, [(a, id, stands)], replace=("shown",))
            event = moved((status, bool(shown)), (status, stands), "comment.stone")
            tell(connection, a, id, event.name, counted=event.counted, listed=event.listed)
