"""Moves choices from one article to another: taken there, given here, each through `choose` behind a fence.

The ballots that are emptied are closed, so once SQL has all of their ledgers, its rows are what there is to
move, and when it has none left they are empty. A choice is given before it is taken; a step that is played
again gives nothing twice (`hot.moving`). A fence that was lost is put up again, as another one: what was
settled under it is forgotten, and is given only where nothing is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, literal, select, tuple_, update

from engagement.db import bulk, jobs
from engagement.db.ballots import read_cursors, sql_key
from engagement.db.jobs import ENDING, FORGETTING, GIVING_BACK, Job
from engagement.db.tables import choices, comments, merged_moods
from engagement.hot import commands, walk
from engagement.hot.keys import MOOD, VOTE, Ballot, shard_of
from engagement.hot.moving import FenceLostError, Step, moving
from engagement.worker.jobs.pair import Fences, Pair, Side, name_of
from engagement.worker.jobs.stores import Stores
from engagement.worker.jobs.taking import held

PAGE = 300
"""Choices of one step."""
AGAIN = 0.5
"""Seconds before another pass: one is enough, unless Redis lost what was played, or a reader is barred."""


class _Behind:
    """A step that goes on only behind its fence."""

    def __init__(self, stores: Stores) -> None:
        self._hot = stores.hot
        self._database = stores.database
        self._fences = Fences(stores.hot, stores.database)

    def __call__(self, job: Job) -> bool:
        """See `Step`. `progress`: `fence`, its number; `lost`: it is to be put up again."""
        with self._database.read() as connection:
            pair = Pair.of(connection, job)
        if job.progress.get("lost"):
            with self._fences.up(job, pair):
                return self._move(job, lost=False)
        try:
            return self._go_on(job, pair)
        except FenceLostError:
            return self._move(
                job, fence=job.progress.get("fence", 0) + 1, lost=True, passing=False, after=None
            )

    def _go_on(self, job: Job, pair: Pair) -> bool:
        raise NotImplementedError

    def _move(self, job: Job, *, pause: float = 0.0, **changes: Any) -> bool:
        with self._database.write() as connection:
            jobs.move(connection, job, progress={**job.progress, **changes}, pause=pause)
        return True

    def _play(self, job: Job, steps: Sequence[Step]) -> list[bool | None]:
        return self._hot.play(moving(steps, name_of(job), held(self._hot))) if steps else []


class MovingOver(_Behind):
    """Moves every choice of the article that is merged. Over when it has none left, stored or not.

    `progress`: `passes` over the choices that have begun; `passing`: is the last one under way? `after`: the
    last choice that was played in it.
    """

    then = ENDING

    def _go_on(self, job: Job, pair: Pair) -> bool:
        here, _ = self._sides(pair)
        progress = job.progress
        if progress.get("passing"):
            return self._pass(job, pair)
        if not self._is_stored(pair, here):
            return False
        with self._database.read() as connection:
            left = bool(self._page(connection, pair, None, 1))
        if left:
            passes = progress.get("passes", 0)
            return self._move(
                job, passes=passes + 1, passing=True, after=None, pause=AGAIN if passes else 0.0
            )
        with self._database.write() as connection:
            jobs.move(connection, job, state=self.then, progress={"fence": progress.get("fence", 0)})
        return True

    def _pass(self, job: Job, pair: Pair) -> bool:
        """The next page: moods are noted, then all are given and taken, then it is noted what was given."""
        here, there = self._sides(pair)
        self._find_out(job, there)
        with self._database.write() as connection:
            jobs.lock(connection, job)
            found = self._page(connection, pair, job.progress.get("after"), PAGE)
            moods = [(job.id, row.reader_id, row.choice) for row in found if row.kind == MOOD]
            bulk.put(connection, merged_moods, ("job_id", "reader_id", "choice"), moods)
        if job.progress.get("passes", 1) > 1:  # SQL lacks nothing, and has these: what a view says is wrong
            emptied = {here.ballot(row.kind, row.subject_id) for row in found}
            self._hot.execute_many([commands.forget_view(ballot) for ballot in emptied])
        gives = [
            Step(
                there.ballot(row.kind, row.subject_id), row.reader_id.bytes, row.choice, row.network, only=""
            )
            for row in found
        ]
        given = list(zip(found, self._play(job, gives), strict=True))
        takes = [
            Step(here.ballot(row.kind, row.subject_id), row.reader_id.bytes, "")
            for row, done in given
            if done is not None  # who is barred is another job's, for now
        ]
        self._play(job, takes)
        last = found[-1] if len(found) == PAGE else None
        after = [last.kind, last.subject_id.hex, last.reader_id.hex] if last else None
        with self._database.write() as connection:
            _note(connection, job, {row.reader_id: done for row, done in given if row.kind == MOOD})
            progress = {**job.progress, "passing": last is not None, "after": after}
            jobs.move(connection, job, progress=progress)
        return True

    def _find_out(self, job: Job, there: Side) -> None:
        """What became of moods that were noted by a worker which ended then: SQL may have them no more."""
        m = merged_moods.c
        noted = select(m.reader_id, m.choice).where(m.job_id == job.id, m.given.is_(None)).limit(PAGE)
        with self._database.read() as connection:
            found = connection.execute(noted).all()
        if found:
            ballot = there.ballot(MOOD, there.id)
            steps = [Step(ballot, row.reader_id.bytes, row.choice, only="") for row in found]
            given = dict(zip((row.reader_id for row in found), self._play(job, steps), strict=True))
            with self._database.write() as connection:
                _note(connection, job, given)

    def _sides(self, pair: Pair) -> tuple[Side, Side]:
        """From which article to which one."""
        return pair.merged, pair.into

    def _page(
        self, connection: Connection, pair: Pair, after: Sequence[str] | None, limit: int
    ) -> Sequence[Row[Any]]:
        """Choices after one of them (kind, subject, reader)."""
        c = choices.c
        statement = self._choices(pair).order_by(c.kind, c.subject_id, c.reader_id).limit(limit)
        if after is not None:
            kind, subject, reader = after
            at = (
                literal(kind),
                literal(UUID(subject), c.subject_id.type),
                literal(UUID(reader), c.reader_id.type),
            )
            statement = statement.where(tuple_(c.kind, c.subject_id, c.reader_id) > tuple_(*at))
        return connection.execute(statement).all()

    def _choices(self, pair: Pair) -> Select[Any]:
        c = choices.c
        return select(c.kind, c.subject_id, c.reader_id, c.choice, c.network).where(
            c.article_id == pair.merged.id
        )

    def _is_stored(self, pair: Pair, here: Side) -> bool:
        """Does SQL have every entry of the ballots that are emptied? They are closed, so this is for good."""
        shard = shard_of(*here.key)
        for _, names in walk.due(self._hot, shard, shard + 1):
            due = [b for b in map(Ballot.parse, names) if (b.site, b.article) == here.key]
            with self._database.read() as connection:
                keys = {ballot: sql_key(here.id, ballot) for ballot in self._emptied(connection, pair, due)}
                cursors = read_cursors(connection, list(keys.values()))
            asked = [commands.entries(ballot, cursors[key], 1) for ballot, key in keys.items()]
            if any(self._hot.execute_many(asked)):
                return False
        return True

    def _emptied(self, connection: Connection, pair: Pair, due: Sequence[Ballot]) -> Sequence[Ballot]:
        return due


class MovingBack(MovingOver):
    """Moves the votes on comments that have come back, whoever cast them when."""

    then = GIVING_BACK

    def _find_out(self, job: Job, there: Side) -> None:
        """Votes are not noted: they follow their comment."""

    def _sides(self, pair: Pair) -> tuple[Side, Side]:
        return pair.into, pair.merged

    def _choices(self, pair: Pair) -> Select[Any]:
        c, there = choices.c, comments.c
        return (
            select(c.kind, c.subject_id, c.reader_id, c.choice, c.network)
            .join(comments, (there.article_id == c.article_id) & (there.id == c.subject_id))
            .where(c.article_id == pair.into.id, c.kind == VOTE, there.came_from == pair.merged.id)
        )

    def _emptied(self, connection: Connection, pair: Pair, due: Sequence[Ballot]) -> Sequence[Ballot]:
        subjects = {UUID(ballot.subject): ballot for ballot in due if ballot.kind == VOTE}
        c = comments.c
        came = select(c.id).where(
            c.article_id == pair.into.id, c.id.in_(list(subjects)), c.came_from == pair.merged.id
        )
        return [subjects[id] for id in connection.scalars(came)]


class GivingBack(_Behind):
    """Gives the moods back that were taken, and takes them where they were given and nobody changed them.

    `progress`: `after`, the last reader.
    """

    def _go_on(self, job: Job, pair: Pair) -> bool:
        after, m = job.progress.get("after"), merged_moods.c
        statement = select(merged_moods).where(m.job_id == job.id).order_by(m.reader_id).limit(PAGE)
        if after is not None:
            statement = statement.where(m.reader_id > UUID(after))
        with self._database.read() as connection:
            found = connection.execute(statement).all()
        here, there = (side.ballot(MOOD, side.id) for side in (pair.into, pair.merged))
        takes = [Step(here, r.reader_id.bytes, "", only=r.choice) for r in found if r.given]
        self._play(job, takes)
        self._play(job, [Step(there, row.reader_id.bytes, row.choice, only="") for row in found])
        if len(found) == PAGE:
            return self._move(job, after=found[-1].reader_id.hex)
        with self._database.write() as connection:
            jobs.move(connection, job, state=FORGETTING, progress={"fence": job.progress.get("fence", 0)})
        return True


def _note(connection: Connection, job: Job, given: dict[UUID, bool | None]) -> None:
    """What was given stays so, whatever is found when a step is played again."""
    m = merged_moods.c
    for so in (True, False):
        readers = [reader for reader, done in given.items() if done is so]
        mine = [m.job_id == job.id, m.reader_id.in_(readers)]
        if readers:
            once = mine if so else [*mine, m.given.is_(None)]
            connection.execute(update(merged_moods).where(*once).values(given=so))
