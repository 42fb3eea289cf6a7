"""Carries comments from one article to another as rows, and back.

Each page is one transaction: a comment is shown on one of the articles, never on both or none, and what that
adds to the counts of each is told with it. A row that is carried away stays behind as `moved`, without text;
one that is carried back leaves a stone where replies to it stay. Votes are on ballots, which follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from engagement import clock
from engagement.comments import emptying, ranking
from engagement.comments.counting import DELETED, MOVED, STONES, moved
from engagement.db import bulk, jobs
from engagement.db.events import tell_all
from engagement.db.jobs import LEADING, OPENING, Job
from engagement.db.tables import (
    articles,
    bars,
    cases,
    comment_revisions,
    comments,
    decisions,
    readers,
    reports,
    rule_hits,
    statements,
)
from engagement.hot import commands
from engagement.readers.bars import ERASED
from engagement.worker.jobs.pair import Pair
from engagement.worker.jobs.stores import Stores

PAGE = 100
"""Comments of one transaction."""
EVENT = "comment.moved"
TEXT = ("body", "body_html", "renderer", "revision", "edited_at", "network")
STATE = ("status", "held_for", "pinned", "featured", "replies_closed")
"""What goes over as it is, beside the columns that tell where a comment stands."""
NOTHING = {
    "body": "", "body_html": "", "network": "", "held_for": None,
    "pinned": False, "featured": False, "replies_closed": False,
}  # fmt: skip
"""What is left of a comment that has gone."""
COMMENT = ("article_id", "id")
ALONG = (cases, decisions, rule_hits, reports, statements)
"""What moderation knows of comments goes with them."""


class Carrying:
    """Carries the comments over. `progress`: `carried`, those whose ballots are to look anew; `after`."""

    then = LEADING

    def __init__(self, stores: Stores) -> None:
        self._hot = stores.hot
        self._database = stores.database
        self._pages = stores.pages

    def __call__(self, job: Job) -> bool:
        """See `Step`."""
        with self._database.read() as connection:
            pair = Pair.of(connection, job)
        carried = [UUID(hex=id) for id in job.progress.get("carried", [])]
        if carried:
            ballots = [side.votes(id) for side in pair.sides for id in carried]
            self._hot.execute_many([commands.change_policy(ballot) for ballot in ballots])
            self._hot.execute_many([commands.drop_parts(*side.key) for side in pair.sides])
        fence = {"fence": job.progress.get("fence", 0)}
        after = job.progress.get("after")
        with self._database.write() as connection:
            jobs.lock(connection, job)
            ids = self._next(connection, pair, UUID(hex=after) if after else None)
            if not ids:
                jobs.move(connection, job, state=self.then, progress=fence)
                return True
            _hold_readers(connection, pair.merged.id, ids)
            keys = sorted((side.id, id) for side in pair.sides for id in ids)
            bulk.lock(connection, comments, COMMENT, keys)
            self._carry(connection, pair, ids)
            _empty_erased(connection, self._goal(pair), ids)
            jobs.move(
                connection, job, progress={**fence, "carried": [id.hex for id in ids], "after": ids[-1].hex}
            )
        return True

    def _next(self, connection: Connection, pair: Pair, after: UUID | None) -> Sequence[UUID]:
        return _page(connection, pair.merged.id, comments.c.status != MOVED, after)

    def _goal(self, pair: Pair) -> UUID:
        return pair.into.id

    def _carry(self, connection: Connection, pair: Pair, ids: Sequence[UUID]) -> None:
        there = {row.id: row for row in _rows(connection, pair.into.id, ids)}
        told, new = [], []
        for row in _rows(connection, pair.merged.id, ids):
            before = there.get(row.id)
            values = _placed(row, pair.merged.id, pair.into.id)
            # The stone of a thread stands up by itself, as soon as a reply is shown.
            values["shown"] = bool(before is not None and before.shown) if row.status in STONES else row.shown
            was = ("", False) if before is None else (before.status, bool(before.shown))
            event = moved(was, (row.status, bool(values["shown"])), EVENT)
            told.append((pair.into.id, row.id, event.name, event.counted, event.listed))
            event = moved((row.status, bool(row.shown)), (MOVED, False), EVENT)
            told.append((pair.merged.id, row.id, event.name, event.counted, event.listed))
            if before is None:
                new.append(values | _no_votes(row))
            else:
                _change(connection, pair.into.id, row.id, values)
        if new:
            connection.execute(insert(comments), new)
        _take_along(connection, pair.merged.id, pair.into.id, ids)
        at = (comments.c.article_id == pair.merged.id, comments.c.id.in_(ids))
        connection.execute(update(comments).where(*at).values(status=MOVED, shown=False, **NOTHING))
        tell_all(connection, told)


class CarryingBack(Carrying):
    """Carries back what a merge has carried over, as it is by now."""

    then = OPENING

    def _next(self, connection: Connection, pair: Pair, after: UUID | None) -> Sequence[UUID]:
        return _page(connection, pair.merged.id, comments.c.status == MOVED, after)

    def _goal(self, pair: Pair) -> UUID:
        return pair.merged.id

    def _carry(self, connection: Connection, pair: Pair, ids: Sequence[UUID]) -> None:
        rows = [r for r in _rows(connection, pair.into.id, ids) if r.came_from == pair.merged.id]
        _take_along(connection, pair.into.id, pair.merged.id, [row.id for row in rows])
        columns = (*TEXT, *STATE)
        told, back = [], []
        for row in rows:
            # The stone of a thread stands up by itself, as soon as a reply is shown.
            shown = bool(row.shown) and row.status not in STONES
            back.append((pair.merged.id, row.id, *(getattr(row, name) for name in columns), shown))
            event = moved((MOVED, False), (row.status, shown), EVENT)
            told.append((pair.merged.id, row.id, event.name, event.counted, event.listed))
        bulk.change(connection, comments, COMMENT, back, replace=(*columns, "shown"))
        told += _leave_stones(connection, pair.into.id, [row for row in rows if row.status != DELETED])
        tell_all(connection, told)


def _leave_stones(
    connection: Connection, article_id: UUID, rows: Sequence[Row[Any]]
) -> list[tuple[UUID, UUID, str, int, int]]:
    """What is left of these comments: a stone where a reply is shown. Answers what that adds to counts."""
    c = comments.c
    ids = [row.id for row in rows]
    answered = select(c.parent_id).where(c.article_id == article_id, c.parent_id.in_(ids), c.shown)
    stands = set(connection.scalars(answered.distinct()))
    left = {row.id: bool(row.shown) and row.id in stands for row in rows}
    at = (c.article_id == article_id, c.id.in_(ids))
    connection.execute(update(comments).where(*at).values(status=DELETED, revision=c.revision + 1, **NOTHING))
    shown = [(article_id, id, so) for id, so in left.items()]
    bulk.change(connection, comments, COMMENT, shown, replace=("shown",))
    events = ((row, moved((row.status, bool(row.shown)), (DELETED, left[row.id]), EVENT)) for row in rows)
    return [(article_id, row.id, event.name, event.counted, event.listed) for row, event in events]


def _page(connection: Connection, article_id: UUID, which: Any, after: UUID | None) -> Sequence[UUID]:
    statement = select(comments.c.id).where(comments.c.article_id == article_id, which)
    if after is not None:
        statement = statement.where(comments.c.id > after)
    return connection.scalars(statement.order_by(comments.c.id).limit(PAGE)).all()


def _rows(connection: Connection, article_id: UUID, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    c = comments.c
    statement = select(comments).where(c.article_id == article_id, c.id.in_(ids)).order_by(c.id)
    return connection.execute(statement).all()


def _placed(row: Row[Any], here: UUID, there: UUID) -> dict[str, Any]:
    """The columns of a comment that go over. That of a thread names its article as what it is below."""
    place = there if row.place_id == here else row.place_id
    parent = there if row.parent_id == here else row.parent_id
    same = {name: getattr(row, name) for name in ("id", "depth", "reader_id", "created_at", *TEXT, *STATE)}
    return same | {"article_id": there, "parent_id": parent, "place_id": place, "came_from": here}


def _no_votes(row: Row[Any]) -> dict[str, Any]:
    """Of a comment whose ballot is empty."""
    keys = zip(ranking.VOTE_KEYS, ranking.sort_keys(0, 0, row.created_at, clock.now()), strict=True)
    return {"up": 0, "down": 0, "reply_count": 0, **dict(keys)}


def _change(connection: Connection, article_id: UUID, id: UUID, values: dict[str, Any]) -> None:
    at = (comments.c.article_id == article_id, comments.c.id == id)
    connection.execute(update(comments).where(*at).values(**values))


def _take_along(connection: Connection, here: UUID, there: UUID, ids: Sequence[UUID]) -> None:
    """Earlier texts, and what moderation knows."""
    for table in (comment_revisions, *ALONG):
        t = table.c
        of_these = (t.article_id == here, t.comment_id.in_(ids))
        connection.execute(update(table).where(*of_these).values(article_id=there))
    section = select(articles.c.section).where(articles.c.id == there).scalar_subquery()
    moved_there = (cases.c.article_id == there, cases.c.comment_id.in_(ids))
    connection.execute(update(cases).where(*moved_there).values(section=section))


def _hold_readers(connection: Connection, article_id: UUID, ids: Sequence[UUID]) -> None:
    """An erasure of one of the authors begins before this, or finds what is written here."""
    c = comments.c
    authors = select(c.reader_id).where(c.article_id == article_id, c.id.in_(ids))
    held = select(readers.c.id).where(readers.c.id.in_(authors)).order_by(readers.c.id)
    connection.execute(held.with_for_update(read=True))


def _empty_erased(connection: Connection, article_id: UUID, ids: Sequence[UUID]) -> None:
    """What a reader wrote who is being erased: the erasure may be past this place already."""
    c = comments.c
    erased = select(bars.c.reader_id).where(bars.c.kind == ERASED)
    found = select(c.id).where(
        c.article_id == article_id, c.id.in_(ids), c.reader_id.in_(erased), c.body != ""
    )
    of_erased = connection.scalars(found).all()
    for row in emptying.lock(connection, article_id, of_erased) if of_erased else []:
        emptying.empty(connection, row)
