"""SQL against itself: tallies, sort keys and comment counts, counted again by SQL in spans of articles.

Only what differs leaves SQL, so memory is bounded whatever is stored. A span's figures are read in one
snapshot: what commits together on a live system is compared together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, select, true

from engagement.db.ballots import Key
from engagement.db.engine import Database
from engagement.db.tables import article_counts, articles, tallies
from engagement.hot.keys import MOOD
from engagement.verify import counting, orders
from engagement.verify.differences import Difference, Totals

ARTICLES = 500
"""Of one span at most."""
WEIGHT = 200_000
"""Choices and comments of one span, about; an article that has more is a span of its own."""
AT_ONCE = 500
"""Differences that are held at once."""


@dataclass(frozen=True, slots=True)
class Span:
    """Articles by their internal ids: those after `after`, up to and with `upto`; None is no bound."""

    after: UUID | None
    upto: UUID | None

    def holds(self, column: Any) -> ColumnElement[bool]:
        """The condition that the article in `column` is in the span."""
        bounds: list[ColumnElement[bool]] = [true()]
        if self.after is not None:
            bounds.append(column > self.after)
        if self.upto is not None:
            bounds.append(column <= self.upto)
        return and_(*bounds)


def spans(database: Database) -> Iterator[Span]:
    """All there is, also what belongs to no article, in spans of about the same weight."""
    after: UUID | None = None
    while True:
        with database.read() as connection:
            upto = _end(connection, after)
        yield Span(after, upto)
        if upto is None:
            return
        after = upto


def _end(connection: Connection, after: UUID | None) -> UUID | None:
    """Where the span that begins after `after` ends; None: with the last article and all that lies behind."""
    chosen = (
        select(func.coalesce(func.sum(tallies.c.count), 0))
        .where(tallies.c.article_id == articles.c.id)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(articles.c.id, chosen, func.coalesce(article_counts.c.comments, 0))
        .outerjoin(article_counts, article_counts.c.article_id == articles.c.id)
        .where(Span(after, None).holds(articles.c.id))
        .order_by(articles.c.id)
        .limit(ARTICLES)
    ).all()
    weight = 0
    end: UUID | None = None
    for end, choices, comments in rows:
        weight += int(choices) + int(comments)
        if weight >= WEIGHT:
            return end
    return end if len(rows) == ARTICLES else None


def differences(database: Database, span: Span, totals: Totals | None = None) -> Iterator[list[Difference]]:
    """What differs in the span, a bounded number at once, with no transaction open between them.

    Adds what it looked at to `totals`.
    """
    with database.read() as connection:
        found = _comment_counts(connection, span, totals)
    if found:
        yield found
    after: Key | None = None
    more = True
    while more:
        with database.read() as connection:
            found, after = _ballots(connection, span, after, totals)
        more, totals = after is not None, None
        if found:
            yield found
    yield from orders.differences(database, span.holds)
    parent: tuple[UUID, UUID] | None = None
    more = True
    while more:
        with database.read() as connection:
            found, parent = _replies(connection, span, parent)
        more = parent is not None
        if found:
            yield found


def _ballots(
    connection: Connection, span: Span, after: Key | None, totals: Totals | None
) -> tuple[list[Difference], Key | None]:
    """The differences of some ballots after `after`, and where to go on."""
    rows = connection.execute(counting.ballots(span.holds, after, AT_ONCE)).all()
    if totals is not None:
        totals.ballots += int(rows[0].ballots)
        totals.choices += int(rows[0].choices or 0)
    off = [row for row in rows if row.article_id is not None]
    keys: list[Key] = [(row.article_id, row.kind, row.subject_id) for row in off]
    counted = counting.counted_choices(connection, keys)
    stored = counting.stored_tallies(connection, keys)
    found = []
    for row, key in zip(off, keys, strict=True):
        subject = "" if row.kind == MOOD else str(row.subject_id)
        name = (row.site or "", row.external_id or str(row.article_id), subject)
        if row.tally_off:
            found.append(Difference("tally", *name, counted[key], stored[key], key=key))
        if row.votes_off:
            votes = [int(row.up), int(row.down), int(row.score)]
            found.append(Difference("votes", *name, counting.sort_keys(counted[key]), votes, key=key))
        if row.orphan:
            found.append(Difference("orphan", *name, counted[key], stored[key], key=key))
    return found, keys[-1] if len(keys) == AT_ONCE else None


def _comment_counts(connection: Connection, span: Span, totals: Totals | None) -> list[Difference]:
    found = []
    for row in connection.execute(counting.comment_counts(span.holds)):
        if totals is not None:
            totals.comments += int(row.comments)
        for what, counted, stored in (
            ("comments", row.comments, row.stored_comments),
            ("threads", row.threads, row.stored_threads),
        ):
            if counted != stored:
                key = (row.article_id, "", row.article_id)
                found.append(
                    Difference(what, row.site, row.external_id, "", int(counted), int(stored), key=key)
                )
    return found


def _replies(
    connection: Connection, span: Span, after: tuple[UUID, UUID] | None
) -> tuple[list[Difference], tuple[UUID, UUID] | None]:
    """The differences of some comments after `after` (article, comment), and where to go on."""
    rows = connection.execute(counting.replies(span.holds, after).limit(AT_ONCE)).all()
    found = [
        Difference(
            "replies", row.site, row.external_id, str(row.id), int(row.counted), int(row.stored),
            key=(row.article_id, "", row.id),
        )
        for row in rows
    ]  # fmt: skip
    return found, (rows[-1].article_id, rows[-1].id) if len(rows) == AT_ONCE else None
