"""Counts again what differs, under the locks and in the lock order of the flush and of the outbox.

What is written is counted once the lock is held, so a repair on a live system never writes a figure that
has grown old. Redis is told after the commit: views and pages are dropped there, and built anew from SQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Connection

from engagement.comments.ranked import COMMENT, rank
from engagement.db import bulk
from engagement.db.ballots import Key, lock_cursors
from engagement.db.engine import Database
from engagement.db.tables import BALLOT, article_counts, comments, tallies
from engagement.hot import commands
from engagement.hot.commands import Command
from engagement.hot.connection import Hot
from engagement.hot.keys import VOTE, Ballot
from engagement.hot.protocol import healing
from engagement.verify import counting, orders, views
from engagement.verify.differences import Difference

log = structlog.get_logger()
AT_ONCE = 50
"""Ballots or comments whose rows are locked at once."""
VOTES = ("up", "down", "score")
COUNTS = ("comments", "threads")

T = TypeVar("T")
Figures = dict[tuple[str, Key], tuple[Any, Any]]
"""What was counted again under the lock (what, of which key): how it was, how it is now."""


def in_sql(database: Database, hot: Hot, found: Sequence[Difference]) -> None:
    """Repair what `verify.stored` found, and note it there. Raises `Unavailable`; what is done stays done.

    Rows of what is not there any more are left to a person.
    """
    of_ballots: dict[Key, list[Difference]] = defaultdict(list)
    of_articles: dict[UUID, list[Difference]] = defaultdict(list)
    for difference in found:
        difference.repaired = False
        if difference.key and difference.what in ("tally", "votes", "order"):
            of_ballots[difference.key].append(difference)
        elif difference.key and difference.what in ("comments", "threads", "replies"):
            of_articles[difference.key[0]].append(difference)
    for keys in _parts(sorted(of_ballots)):
        with database.write() as connection:
            figures = _recount_ballots(connection, keys)
        _note(hot, figures, [difference for key in keys for difference in of_ballots[key]])
    for article_id, differences in sorted(of_articles.items()):
        for part in _parts(differences):
            with database.write() as connection:
                figures = _recount_comments(connection, article_id, part)
            _note(hot, figures, part)


def in_redis(database: Database, hot: Hot, found: Sequence[Difference]) -> int:
    """Repair what `verify.views` found, and note it there; answers how many a second look finds.

    What Redis holds of something that SQL doesn't know is put on the workers' list: they bring it back, or
    put it aside.
    """
    ballots = []
    for difference in found:
        ballot = difference.ballot
        assert ballot is not None
        ballots.append(ballot)
        if difference.what == "cursor":
            hot.play(healing(ballot))
        if difference.what in ("idle", "unknown"):
            hot.execute(commands.make_due(ballot))
        if difference.what in ("view", "unknown"):
            hot.execute(commands.forget_view(ballot))
        hot.execute(commands.drop_parts(ballot.site, ballot.article))
    left = {(difference.what, difference.ballot) for difference in views.look(database, hot, ballots)}
    for difference in found:
        difference.repaired = (difference.what, difference.ballot) not in left
        difference.after = AFTER[difference.what] if difference.repaired else None
        _log(difference.what, difference, difference.stored, difference.after)
    return len(left)


AFTER = {
    "cursor": "at the floor", "idle": "on the workers' list",
    "view": "dropped", "unknown": "dropped",
}  # fmt: skip
"""What a repair in Redis leaves."""


def _recount_ballots(connection: Connection, keys: Sequence[Key]) -> Figures:
    """Tallies from choices, and what comments are sorted by; cursors are locked first, as the flush does."""
    lock_cursors(connection, list(keys), wait=True)
    counted = counting.counted_choices(connection, keys)
    stored = counting.stored_tallies(connection, keys)
    rows = [
        (*key, choice, counted[key].get(choice, 0))
        for key in keys
        for choice in sorted(counted[key] | stored[key])
        if counted[key].get(choice) != stored[key].get(choice)
    ]
    bulk.put(connection, tallies, (*BALLOT, "choice", "count"), rows, replace=("count",))
    figures: Figures = {("tally", key): (stored[key], counted[key]) for key in keys}
    on = [(a, s) for a, kind, s in keys if kind == VOTE]
    bulk.lock(connection, comments, COMMENT, on)
    before = _sorted_by(connection, on)
    rank(connection, {(a, s): _votes(counted[a, VOTE, s]) for a, s in before})
    for (a, s), after in _sorted_by(connection, on).items():
        was = before[a, s]
        figures["votes", (a, VOTE, s)] = was[:3], after[:3]
        if was[:3] == after[:3]:
            figures["order", (a, VOTE, s)] = was[3:], after[3:]
    return figures


def _sorted_by(connection: Connection, on: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], list[Any]]:
    """Up, down and score of these comments, then the other sort keys."""
    columns = (*COMMENT, *VOTES, *orders.KEYS)
    return {(a, s): found for a, s, *found in bulk.fetch(connection, comments, COMMENT, on, columns)}


def _votes(counted: counting.Counts) -> tuple[int, int]:
    return counted.get("up", 0), counted.get("down", 0)


def _recount_comments(connection: Connection, article_id: UUID, part: Sequence[Difference]) -> Figures:
    """An article's counts and the replies to some of its comments, while the outbox delivers nothing to it.

    The outbox changes them after it has changed the article's counts, whose row is locked here first.
    """
    bulk.put(connection, article_counts, ("article_id", *COUNTS), [(article_id, 0, 0)])
    bulk.lock(connection, article_counts, ("article_id",), [(article_id,)])

    def on(column: Any) -> Any:
        return column == article_id

    figures: Figures = {}
    if any(difference.what in COUNTS for difference in part):
        row = connection.execute(counting.comment_counts(on)).one()
        now = (int(row.comments), int(row.threads))
        bulk.change(connection, article_counts, ("article_id",), [(article_id, *now)], replace=COUNTS)
        before = (int(row.stored_comments), int(row.stored_threads))
        for what, was, is_now in zip(COUNTS, before, now, strict=True):
            figures[what, (article_id, "", article_id)] = was, is_now
    ids = sorted({d.key[2] for d in part if d.key and d.what == "replies"})
    return figures | _recount_replies(connection, article_id, ids, on) if ids else figures


def _recount_replies(connection: Connection, article_id: UUID, ids: list[UUID], on: counting.On) -> Figures:
    name = ("article_id", "id")
    there = bulk.lock(connection, comments, name, [(article_id, id) for id in ids])
    off = {row.id: row for row in connection.execute(counting.replies(on, ids=ids))}
    changed = [(a, id, int(off[id].counted)) for a, id in sorted(there) if id in off]
    bulk.change(connection, comments, name, changed, replace=("reply_count",))
    figures: Figures = {}
    for a, id, count in bulk.fetch(connection, comments, name, there, (*name, "reply_count")):
        figures["replies", (a, "", id)] = int(off[id].stored) if id in off else count, count
    return figures


def _note(hot: Hot, figures: Figures, differences: Sequence[Difference]) -> None:
    """After the commit: write down what was done, and drop what Redis has of it.

    A tally's view goes with its policy: no snapshot taken before builds another.
    """
    names = {difference.key: difference for difference in differences}
    drops: dict[tuple[str, ...], Command[int]] = {}
    for (what, key), (before, after) in figures.items():
        one = names.get(key, differences[0])
        if before == after:
            continue
        _log(what, one, before, after)
        if one.site:
            drops[one.site, one.article] = commands.drop_parts(one.site, one.article)
        if one.site and what == "tally":
            ballot = Ballot(one.site, one.article, key[1], one.subject)
            drops[one.site, one.article, ballot.name] = commands.change_policy(ballot)
    hot.execute_many(list(drops.values()))
    for difference in differences:
        figure = figures.get((difference.what, difference.key)) if difference.key else None
        if figure is not None:
            difference.repaired, difference.after = True, figure[1]


def _log(what: str, one: Difference, before: Any, after: Any) -> None:
    subject = one.subject if what not in COUNTS else ""
    log.warning(
        "a figure is repaired", what=what, site=one.site, article=one.article, subject=subject,
        before=before, after=after,
    )  # fmt: skip


def _parts(found: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(found), AT_ONCE):
        yield found[start : start + AT_ONCE]
