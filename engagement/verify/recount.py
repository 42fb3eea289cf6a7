"""One article, counted again for whoever doubts it: stored choices, the ledger apart, and what is shown.

Nothing is changed. Of each ballot SQL is read in one snapshot and Redis after it; where they differ they are
looked at again, a little later each time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from engagement.db import bulk
from engagement.db.articles import article_ids
from engagement.db.engine import Database
from engagement.db.tables import comments, shards
from engagement.errors import NotFound
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot, shard_of
from engagement.verify import views
from engagement.verify.counting import Counts, counted_choices, sort_keys

NOT_COUNTED = "the stored tally is not the number of stored choices"
NOT_SORTED = "what the comment is sorted by is not its number of stored votes"
NOT_SHOWN = "the view in Redis is not the stored choices and the ledger together"
BEHIND = "Redis has trimmed what SQL does not have: SQL went back"


def plus(counts: Counts, more: Counts) -> Counts:
    """Both together, zeros left out."""
    together = {choice: counts.get(choice, 0) + more.get(choice, 0) for choice in counts | more}
    return {choice: count for choice, count in sorted(together.items()) if count}


@dataclass(frozen=True, slots=True)
class Tally:
    """One ballot: `choices` are SQL's rows counted, `ledger` what `entries` after the `cursor` add to them.

    `view` is what Redis shows (None: nothing, it is built when somebody asks), `stored` the stored tally,
    `sorted_by` up, down and score of a comment.
    """

    ballot: Ballot
    cursor: str
    choices: Counts
    ledger: Counts
    entries: int
    view: Counts | None
    stored: Counts
    sorted_by: list[int] | None = None
    behind: bool = False

    @property
    def together(self) -> Counts:
        """What is right now."""
        return plus(self.choices, self.ledger)

    @property
    def faults(self) -> list[str]:
        """What does not agree."""
        if self.behind:
            return [BEHIND]
        found = []
        if self.stored != self.choices:
            found.append(NOT_COUNTED)
        if self.sorted_by is not None and self.sorted_by != sort_keys(self.choices):
            found.append(NOT_SORTED)
        if self.view is not None and self.view != self.together:
            found.append(NOT_SHOWN)
        return found

    def body(self) -> dict[str, Any]:
        """For a program."""
        told = {
            "cursor": self.cursor, "choices": self.choices, "ledger": self.ledger, "entries": self.entries,
            "together": self.together, "view": self.view, "stored": self.stored, "faults": self.faults,
        }  # fmt: skip
        if self.ballot.kind == VOTE:
            told |= {"comment": self.ballot.subject, "sorted_by": self.sorted_by}
        return told


@dataclass(slots=True)
class Votes:
    """The ballots of an article's comments, added up."""

    comments: int = 0
    views: int = 0
    entries: int = 0
    off: int = 0
    choices: Counts = field(default_factory=dict)
    ledger: Counts = field(default_factory=dict)
    stored: Counts = field(default_factory=dict)
    sorted_by: list[int] = field(default_factory=lambda: [0, 0, 0])

    def add(self, tally: Tally) -> None:
        """One more comment."""
        self.comments += 1
        self.views += tally.view is not None
        self.entries += tally.entries
        self.off += bool(tally.faults)
        self.choices = plus(self.choices, tally.choices)
        self.ledger = plus(self.ledger, tally.ledger)
        self.stored = plus(self.stored, tally.stored)
        self.sorted_by = [a + b for a, b in zip(self.sorted_by, tally.sorted_by or [0, 0, 0], strict=True)]

    def body(self) -> dict[str, Any]:
        """For a program."""
        return {
            "comments": self.comments, "views": self.views, "choices": self.choices, "ledger": self.ledger,
            "entries": self.entries, "together": plus(self.choices, self.ledger), "stored": self.stored,
            "sorted_by": self.sorted_by, "off": self.off,
        }  # fmt: skip


class Recount:
    """An article's tallies. Raises `NotFound` if there is no such article, and `Unavailable`.

    `agrees` is of all that was looked at so far.
    """

    def __init__(self, database: Database, hot: Hot, site: str, article: str) -> None:
        self._database = database
        self._hot = hot
        self.site = site
        self.article = article
        self.agrees = True
        self.shard = shard_of(site, article)
        with database.read() as connection:
            found = article_ids(connection, [(site, article)])
            if not found:
                raise NotFound("There is no such article.")
            self.article_id = found[site, article]
            self.generation = connection.scalar(
                select(shards.c.generation).where(shards.c.shard == self.shard)
            )

    def moods(self) -> Tally:
        """Of the article itself."""
        (tally,) = self._tallies([Ballot(self.site, self.article, MOOD)])
        return tally

    def votes(self) -> Iterator[Tally]:
        """Of each of its comments, the oldest first."""
        after = UUID(int=0)
        while True:
            with self._database.read() as connection:
                ids = connection.scalars(
                    select(comments.c.id)
                    .where(comments.c.article_id == self.article_id, comments.c.id > after)
                    .order_by(comments.c.id)
                    .limit(views.AT_ONCE)
                ).all()
            if not ids:
                return
            yield from self._tallies([Ballot(self.site, self.article, VOTE, str(id)) for id in ids])
            after = ids[-1]

    def _tallies(self, ballots: Sequence[Ballot]) -> list[Tally]:
        found = {tally.ballot: tally for tally in self._look(ballots)}
        for pause in views.LOOKS:
            off = [ballot for ballot, tally in found.items() if tally.faults]
            if not off:
                break
            time.sleep(pause)
            found |= {tally.ballot: tally for tally in self._look(off)}
        self.agrees &= not any(tally.faults for tally in found.values())
        return [found[ballot] for ballot in ballots]

    def _look(self, ballots: Sequence[Ballot]) -> list[Tally]:
        with self._database.read() as connection:
            held = views.in_sql(connection, ballots)
            keys = [one.key for one in held.values() if one.key]
            counted = counted_choices(connection, keys)
            name = ("article_id", "id")
            rows = bulk.fetch(
                connection, comments, name, [(key[0], key[2]) for key in keys if key[1] == VOTE],
                (*name, "up", "down", "score"),
            )  # fmt: skip
        at = {(a, VOTE, id): votes for a, id, *votes in rows}
        return [
            Tally(
                ballot=seen.ballot,
                cursor=seen.cursor,
                choices=counted[seen.key] if seen.key else {},
                ledger=dict(sorted(seen.audit.moved.items())),
                entries=seen.audit.entries,
                view=seen.audit.counts,
                stored=seen.stored,
                sorted_by=at.get(seen.key) if seen.key else None,
                behind=seen.behind,
            )
            for seen in views.then_in_redis(self._hot, held)
        ]
