"""Takes a reader's choices, every one, and gives them back: each is played through `choose`, under a bar.

While the bar is in, the reader's choices can be changed by the job alone. So once SQL has what was written
before it, SQL's rows are what there is to take. A bar that was lost (Redis went back, or was emptied) is
put in again, and what was known under it counts no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from engagement.db import bulk, jobs
from engagement.db.jobs import DONE, Job
from engagement.db.tables import BALLOT, choices, job_choices, merged_moods
from engagement.hot import bars, commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, SHARDS, Ballot
from engagement.hot.playing import Move, playing
from engagement.worker.jobs.chosen import PAGE, Ahead, ballot_of, name_of, page_of
from engagement.worker.jobs.stores import Stores
from engagement.worker.jobs.written import Written

PART = 100
"""Choices that are played in one round trip."""
WHILE = 0.1
"""Seconds after which a step plays no further part: the flush has its turn."""
NOTES = 5_000
"""Of choices that were given back: forgotten in one transaction, which keeps others waiting on SQLite."""
AGAIN = 0.5
"""Seconds before another pass over the choices: one is enough, unless Redis has lost what was played."""
TAKING, GIVING, LIFTING, KEPT = jobs.TAKING, jobs.GIVING, jobs.LIFTING, jobs.KEPT


class BarLostError(Exception):
    """The bar is over, gone, or another's: the reader may have chosen since."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. `bar`: which bar it is by now; `shard`: up to it SQL has what was written before.

    `passes`: how many passes over the choices have begun; `passing`: is the last one under way; `after`: the
    last choice that was played in it.
    """

    bar: int = 0
    barred: bool = False
    shard: int = 0
    passes: int = 0
    passing: bool = False
    after: Sequence[str] | None = None

    @classmethod
    def of(cls, job: Job) -> Progress:
        """As the job has it."""
        return cls(**job.progress)

    def lost(self) -> Progress:
        """From the beginning, under another bar."""
        return Progress(bar=self.bar + 1)


def held(hot: Hot) -> int:
    """Entries that a shard may hold before jobs wait: as much room again is left to readers."""
    return hot.limits.held // 2


class UnderBar:
    """A step that begins with a bar, and goes on only while it holds."""

    def __init__(self, stores: Stores) -> None:
        self._hot = stores.hot
        self._database = stores.database

    def __call__(self, job: Job) -> bool:
        """See `Step`."""
        progress = Progress.of(job)
        reader, owner = job.reader_id.bytes, f"{job.id.hex}:{progress.bar}"
        if not progress.barred:
            bars.bar(self._hot, reader, owner)
            return self._move(job, replace(progress, barred=True))
        if not bars.hold(self._hot, reader, owner):
            return self._move(job, progress.lost())
        try:
            return self._go_on(job, progress, owner)
        except BarLostError:
            return self._move(job, progress.lost())

    def _go_on(self, job: Job, progress: Progress, owner: str) -> bool:
        raise NotImplementedError

    def _move(self, job: Job, progress: Progress) -> bool:
        with self._database.write() as connection:
            jobs.move(connection, job, progress=asdict(progress))
        return True

    def _play(self, owner: str, moves: Sequence[Move], until: float) -> int:
        """Play the first of the moves, one part at least; none begins after `until`. Answers how many."""
        for start in range(0, len(moves), PART):
            if start and time.monotonic() > until:
                return start
            part = moves[start : start + PART]
            if not all(self._hot.play(playing(part, owner, held(self._hot)))):
                raise BarLostError
        return len(moves)


class Taking(UnderBar):
    """Takes every choice of the reader. Over when SQL has none left, and lacks no entry of the reader."""

    def __init__(self, stores: Stores, then: Callable[[Connection, Job], None], *, keeps: bool) -> None:
        """`then` moves the job on; `keeps`: note what is taken, before it is."""
        super().__init__(stores)
        self._written = Written(stores)
        self._ahead = Ahead()
        self._then = then
        self._keeps = keeps

    def _go_on(self, job: Job, progress: Progress, owner: str) -> bool:
        if progress.shard < SHARDS:
            shard, waits = self._written.up_to(owner, job.site, job.reader_id.bytes, progress.shard)
            if waits and shard == progress.shard:
                return False
            return self._move(job, replace(progress, shard=shard))
        if progress.passing:
            return self._take(job, progress, owner)
        with self._database.write() as connection:
            if page_of(connection, choices, choices.c.reader_id == job.reader_id, None, 1):
                passing = replace(progress, passing=True, passes=progress.passes + 1, after=None)
                jobs.move(connection, job, progress=asdict(passing), pause=AGAIN if progress.passes else 0.0)
            else:
                self._then(connection, job)
        return True

    def _take(self, job: Job, progress: Progress, owner: str) -> bool:
        """The next pages, while there is time. A pass that is over is followed by another look."""
        until = time.monotonic() + WHILE
        while True:
            found, played = self._take_page(job, progress, owner, until)
            if played == len(found) < PAGE:
                return self._move(job, replace(progress, passing=False, shard=0, after=None))
            progress = replace(progress, after=name_of(found[played - 1]))
            self._ahead.went_on(job, played)
            if time.monotonic() > until:
                return self._move(job, progress)

    def _take_page(self, job: Job, progress: Progress, owner: str, until: float) -> tuple[Sequence[Any], int]:
        """One page: noted, committed, played. Answers it, and how many of it were played."""
        with self._database.write() if self._keeps else self._database.read() as connection:
            if self._keeps:
                jobs.lock(connection, job)
            found = self._ahead.page(connection, job, progress.after)
            if self._keeps:
                _note(connection, job, found)
        self._look_anew(progress, found)
        moves = [Move(ballot_of(row), job.reader_id.bytes) for row in found]
        return found, self._play(owner, moves, until)

    def _look_anew(self, progress: Progress, found: Sequence[Any]) -> None:
        """After the first pass SQL lacks nothing, and has these: what a view says of them is wrong."""
        if progress.passes > 1:
            self._hot.execute_many([commands.forget_view(ballot_of(row)) for row in found])


class Giving(UnderBar):
    """Gives back what was taken, where nothing is chosen now."""

    def _go_on(self, job: Job, progress: Progress, owner: str) -> bool:
        until = time.monotonic() + WHILE
        given: list[tuple[Any, Goal]] = []
        over = False
        while not over and (not given or time.monotonic() < until):
            with self._database.read() as connection:
                mine = job_choices.c.job_id == job.id
                found = page_of(connection, job_choices, mine, progress.after, PAGE)
                goals = self._goals(connection, found)
            if goals is None:
                break
            moves = [
                Move(goal.ballot, job.reader_id.bytes, row.choice, row.network)
                for row, goal in zip(found, goals, strict=True)
            ]
            played = self._play(owner, moves, until)
            given += zip(found[:played], goals[:played], strict=True)
            over = played == len(found) < PAGE
            if played:
                progress = replace(progress, after=name_of(found[played - 1]))
        if not given and not over:
            return False
        with self._database.write() as connection:
            _note_moods(connection, job, given)
            if over:
                jobs.move(connection, job, state=LIFTING)
            else:
                jobs.move(connection, job, progress=asdict(progress))
        return True

    def _goals(self, connection: Connection, found: Sequence[Any]) -> Sequence[Goal] | None:
        """Where each of these choices belongs now; None while that can't be told."""
        return [Goal(ballot_of(row)) for row in found]


@dataclass(frozen=True, slots=True)
class Goal:
    """The ballot on which a choice belongs, and the jobs of the merges that have brought it there."""

    ballot: Ballot
    merges: Sequence[UUID] = ()


def _note_moods(connection: Connection, job: Job, given: Sequence[tuple[Any, Goal]]) -> None:
    """So that an undoing of a merge takes the mood back to where it was."""
    moved = [
        (merge, job.reader_id, row.choice, True)
        for row, goal in given
        if row.kind == MOOD
        for merge in goal.merges
    ]
    columns = ("job_id", "reader_id", "choice", "given")
    bulk.put(connection, merged_moods, columns, moved, replace=("choice", "given"))


class Lifting:
    """Ends a job that gave back: from here on nothing is played, so the reader may choose again."""

    def __init__(self, stores: Stores) -> None:
        self._hot = stores.hot
        self._database = stores.database

    def __call__(self, job: Job) -> bool:
        """See `Step`."""
        bars.lift(self._hot, job.reader_id.bytes, f"{job.id.hex}:{Progress.of(job).bar}")
        by = ("job_id", *BALLOT)
        some = select(*(job_choices.c[name] for name in by)).where(job_choices.c.job_id == job.id)
        with self._database.write() as connection:
            notes = [tuple(row) for row in connection.execute(some.limit(NOTES))]
            bulk.remove(connection, job_choices, by, notes)
            if len(notes) == NOTES:
                jobs.move(connection, job)
            else:
                jobs.move(connection, job, state=DONE, rest=True)
        return True


def keep(connection: Connection, job: Job) -> None:
    """What follows taking where it is to be given back some day: the job rests."""
    jobs.move(connection, job, state=KEPT, rest=True)


def give_back(connection: Connection, job: Job) -> None:
    """Let a job that has taken, or still takes, give back. Raises `Overtaken`."""
    jobs.move(connection, job, state=GIVING, progress=asdict(Progress.of(job).lost()))


def _note(connection: Connection, job: Job, found: Sequence[Any]) -> None:
    columns = ("job_id", *BALLOT, "reader_id", "choice", "network")
    rows = [
        (job.id, row.article_id, row.kind, row.subject_id, job.reader_id, row.choice, row.network)
        for row in found
    ]
    bulk.put(connection, job_choices, columns, rows, replace=("choice", "network"))
