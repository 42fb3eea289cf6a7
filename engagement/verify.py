"""Counts again: stored choices against stored tallies, views in Redis and comment counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, case, func, select

from engagement.db.ballots import Key, on_ballot, read_cursors
from engagement.db.engine import Database
from engagement.db.tables import article_counts, articles, choices, comments, outbox, tallies
from engagement.hot import commands
from engagement.hot.answers import Behind
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot

Counts = dict[str, int]
LEDGER = 100_000
"""Ledger entries of one ballot that are read at once."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two figures that should be one. `what`: tally, view, cursor, votes, comments, threads or replies."""

    what: str
    site: str
    article: str
    subject: str
    counted: Any
    stored: Any

    def line(self) -> str:
        """For a person."""
        where = f"{self.site} {self.article}" + (f" {self.subject}" if self.subject else "")
        return f"{self.what} of {where}: counted {self.counted}, stored {self.stored}"


@dataclass(slots=True)
class Report:
    """What was looked at, and what differs."""

    ballots: int
    choices: int
    comments: int
    differences: list[Difference]

    def body(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self)


def verify(database: Database, hot: Hot) -> Report:
    """Recount everything. Safe on a live system: what is compared is read in one snapshot.

    Raises `Unavailable` if a store is down.
    """
    report = Report(0, 0, 0, [])
    with database.read() as connection:
        ids = connection.execute(select(articles.c.id, articles.c.site, articles.c.external_id)).all()
    for article_id, site, name in ids:
        with database.read() as connection:
            counted, stored = _of_choices(connection, article_id), _of_tallies(connection, article_id)
            report.ballots += len(counted.keys() | stored.keys())
            report.choices += sum(sum(counts.values()) for counts in counted.values())
            for key in sorted(counted.keys() | stored.keys()):
                if counted.get(key, {}) != stored.get(key, {}):
                    subject = "" if key[1] == MOOD else str(key[2])
                    report.differences.append(
                        Difference("tally", site, name, subject, counted.get(key, {}), stored.get(key, {}))
                    )
            report.differences += _sort_keys(connection, article_id, site, name, counted)
            number, differences = _comment_counts(connection, article_id, site, name)
            report.comments += number
            report.differences += differences
        for key in counted.keys() | stored.keys():
            ballot = Ballot(site, name, key[1], "" if key[1] == MOOD else str(key[2]))
            report.differences += _view(database, hot, ballot, key)
    return report


def _of_choices(connection: Connection, article_id: UUID) -> dict[Key, Counts]:
    rows = connection.execute(
        select(choices.c.kind, choices.c.subject_id, choices.c.choice, func.count())
        .where(choices.c.article_id == article_id)
        .group_by(choices.c.kind, choices.c.subject_id, choices.c.choice)
    )
    return _grouped(article_id, iter(rows))


def _of_tallies(connection: Connection, article_id: UUID) -> dict[Key, Counts]:
    rows = connection.execute(
        select(tallies.c.kind, tallies.c.subject_id, tallies.c.choice, tallies.c.count).where(
            tallies.c.article_id == article_id, tallies.c.count != 0
        )
    )
    return _grouped(article_id, iter(rows))


def _grouped(article_id: UUID, rows: Iterator[Any]) -> dict[Key, Counts]:
    found: dict[Key, Counts] = defaultdict(dict)
    for kind, subject_id, choice, count in rows:
        found[article_id, kind, subject_id][choice] = count
    return dict(found)


def _sort_keys(
    connection: Connection, article_id: UUID, site: str, name: str, counted: dict[Key, Counts]
) -> Iterator[Difference]:
    c = comments.c
    rows = connection.execute(select(c.id, c.up, c.down, c.score).where(c.article_id == article_id))
    for id, up, down, score in rows:
        votes = counted.get((article_id, VOTE, id), {})
        ups, downs = votes.get("up", 0), votes.get("down", 0)
        if (up, down, score) != (ups, downs, ups - downs):
            yield Difference("votes", site, name, str(id), [ups, downs, ups - downs], [up, down, score])


def _comment_counts(
    connection: Connection, article_id: UUID, site: str, name: str
) -> tuple[int, list[Difference]]:
    """What stands in the outbox is not in the counts yet."""
    c = comments.c
    counted = select(c.id, c.parent_id).where(
        c.article_id == article_id,
        c.id.not_in(select(outbox.c.comment_id).where(outbox.c.article_id == article_id)),
    )
    sub = counted.subquery()
    number, roots = connection.execute(
        select(
            func.count(), func.coalesce(func.sum(case((sub.c.parent_id == article_id, 1), else_=0)), 0)
        ).select_from(sub)
    ).one()
    stored = connection.execute(
        select(article_counts.c.comments, article_counts.c.threads).where(
            article_counts.c.article_id == article_id
        )
    ).one_or_none()
    stored_number, stored_roots = stored or (0, 0)
    differences = []
    if number != stored_number:
        differences.append(Difference("comments", site, name, "", number, stored_number))
    if roots != stored_roots:
        differences.append(Difference("threads", site, name, "", roots, stored_roots))
    replies: dict[UUID, int] = dict(
        connection.execute(select(sub.c.parent_id, func.count()).group_by(sub.c.parent_id)).all()
    )
    for id, count in connection.execute(select(c.id, c.reply_count).where(c.article_id == article_id)):
        if replies.get(id, 0) != count:
            differences.append(Difference("replies", site, name, str(id), replies.get(id, 0), count))
    return number, differences


def _view(database: Database, hot: Hot, ballot: Ballot, key: Key) -> list[Difference]:
    """The view in Redis against the stored tally at its cursor and the ledger after it.

    The ledger and the view are read at one moment, so a live system gives no false alarm; a flush that
    trims between the two reads only makes it read again.
    """
    for _ in range(5):
        with database.read() as connection:
            cursor = read_cursors(connection, [key])[key]
            rows = connection.execute(
                select(tallies.c.choice, tallies.c.count).where(on_ballot(tallies, key), tallies.c.count != 0)
            )
            expected: Counts = {choice: count for choice, count in rows}
        found = hot.execute(commands.audit(ballot, cursor, LEDGER))
        if not isinstance(found, Behind):
            break
    else:  # not a flush that trims meanwhile: SQL itself went back
        floor = hot.execute(commands.floor(ballot))
        return [Difference("cursor", ballot.site, ballot.article, ballot.subject, floor, cursor)]
    if found is None or len(found.entries) == LEDGER:
        return []  # no view that could differ, or too much is under way to tell
    for entry in found.entries:
        for choice, by in ((entry.old, -1), (entry.new, 1)):
            if choice:
                expected[choice] = expected.get(choice, 0) + by
    expected = {choice: count for choice, count in expected.items() if count}
    if found.counts == expected:
        return []
    return [Difference("view", ballot.site, ballot.article, ballot.subject, expected, found.counts)]
