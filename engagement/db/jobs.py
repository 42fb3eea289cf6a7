"""Jobs in SQL: what is to be done for a reader or an article, step by step, by any number of workers at once.

Nobody holds a job. Who has done a step moves the job on from the version that it has seen; of two that did
the same step, one comes too late and has changed nothing by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, exists, func, insert, select, update

from engagement import clock
from engagement.db.tables import jobs

DONE = "done"
"""The state of a job that is over."""
ERASE, EMPTYING = "erase", "emptying"
"""The kind of job that erases a reader, and the state that it begins in."""

MERGE = "merge"
"""The kind of job that merges an article into another one. Its `reader_id` is the id of that article."""
CLOSING, CARRYING, LEADING, MOVING, ENDING = "closing", "carrying", "leading", "moving", "ending"
MERGED = "merged"
"""The states of a merge, in their order; `MERGED` rests, and can be undone."""
RETURNING, CARRYING_BACK, OPENING = "returning", "carrying-back", "opening"
MOVING_BACK, GIVING_BACK, FORGETTING = "moving-back", "giving-back", "forgetting"
"""The states of its undoing, in their order; then it is done."""

BAN = "ban"
"""The kind of job that takes what a banned reader chose and reported, and gives it back."""
TAKING, TAKING_REPORTS, KEPT = "taking", "taking-reports", "kept"
GIVING_REPORTS, GIVING, LIFTING = "giving-reports", "giving", "lifting"
"""The states of it, in their order; `KEPT` rests, or ends with the ban."""


class Overtaken(Exception):
    """Somebody else has moved the job on meanwhile; what this transaction did is not to be committed."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it was read. `version` grows with each move; `faults`: how often in a row it failed."""

    id: UUID
    kind: str
    site: str
    reader_id: UUID
    state: str
    version: int
    progress: Mapping[str, Any]
    created_at: datetime
    changed_at: datetime
    next_at: datetime | None
    faults: int
    error: str | None

    @property
    def running(self) -> bool:
        """Is there something left to do?"""
        return self.next_at is not None


def enqueue(connection: Connection, kind: str, site: str, reader_id: UUID, state: str) -> UUID:
    """The job of this kind for the reader that is not over yet, else a new one in its first `state`.

    It is looked at next, also if it has failed. The caller holds the reader's row.
    """
    now = clock.now()
    mine = (jobs.c.reader_id == reader_id, jobs.c.kind == kind, jobs.c.next_at.is_not(None))
    there: UUID | None = connection.scalar(select(jobs.c.id).where(*mine))
    if there is not None:
        connection.execute(update(jobs).where(jobs.c.id == there).values(next_at=now))
        return there
    id = clock.new_id()
    connection.execute(
        insert(jobs).values(
            id=id, kind=kind, site=site, reader_id=reader_id, state=state, version=0, progress={},
            created_at=now, changed_at=now, next_at=now, faults=0,
        )
    )  # fmt: skip
    return id


def supersede(connection: Connection, reader_id: UUID, by: UUID) -> None:
    """End every other job of the reader: what it has under way finds itself overtaken."""
    connection.execute(
        update(jobs)
        .where(jobs.c.reader_id == reader_id, jobs.c.id != by, jobs.c.state != DONE)
        .values(state=DONE, version=jobs.c.version + 1, changed_at=clock.now(), next_at=None)
    )


def hold_last(connection: Connection, kind: str, reader_id: UUID) -> Job | None:
    """The reader's job of this kind that isn't done, held until the end of the transaction."""
    mine = (jobs.c.reader_id == reader_id, jobs.c.kind == kind, jobs.c.state != DONE)
    statement = select(jobs).where(*mine).order_by(jobs.c.id.desc()).limit(1).with_for_update()
    row = connection.execute(statement).one_or_none()
    return None if row is None else _job(row)


def read(connection: Connection, id: UUID) -> Job | None:
    """The job as it is now."""
    row = connection.execute(select(jobs).where(jobs.c.id == id)).one_or_none()
    return None if row is None else _job(row)


def runnable(connection: Connection, kinds: Collection[str], limit: int) -> list[Job]:
    """Jobs to be looked at now, those that waited longest first; of a reader's jobs the oldest alone.

    Two at once would take each other's bar away.
    """
    other = jobs.alias()
    earlier = exists().where(
        other.c.reader_id == jobs.c.reader_id, other.c.next_at.is_not(None), other.c.id < jobs.c.id
    )
    rows = connection.execute(
        select(jobs)
        .where(jobs.c.next_at <= clock.now(), jobs.c.kind.in_(kinds), ~earlier)
        .order_by(jobs.c.next_at, jobs.c.id)
        .limit(limit)
    )
    return [_job(row) for row in rows]


def unfinished(connection: Connection) -> list[Job]:
    """Every job that has something left to do, the oldest first."""
    rows = connection.execute(select(jobs).where(jobs.c.next_at.is_not(None)).order_by(jobs.c.id))
    return [_job(row) for row in rows]


def count(connection: Connection) -> tuple[int, int]:
    """How many jobs have something left to do, and how many of those failed the last time."""
    failing = func.count().filter(jobs.c.faults > 0)
    total, failed = connection.execute(select(func.count(), failing).where(jobs.c.next_at.is_not(None))).one()
    return total, failed


def lock(connection: Connection, job: Job) -> None:
    """Hold the job's row until the end of the transaction. Raises `Overtaken`."""
    version = connection.scalar(select(jobs.c.version).where(jobs.c.id == job.id).with_for_update())
    if version != job.version:
        raise Overtaken


def move(
    connection: Connection,
    job: Job,
    *,
    state: str | None = None,
    progress: Mapping[str, Any] | None = None,
    pause: float = 0.0,
    rest: bool = False,
) -> None:
    """Move the job on, and hold its row until the end of the transaction. Raises `Overtaken`.

    `pause` seconds before the next step; `rest`: there is no next step until somebody moves it again.
    """
    now = clock.now()
    changes = {
        "state": state or job.state,
        "progress": job.progress if progress is None else progress,
        "changed_at": now,
        "next_at": None if rest else now + timedelta(seconds=pause),
        "faults": 0,
        "error": None,
    }
    changed = connection.execute(
        update(jobs)
        .where(jobs.c.id == job.id, jobs.c.version == job.version)
        .values(version=job.version + 1, **changes)
    )
    if not changed.rowcount:
        raise Overtaken


def defer(connection: Connection, job: Job, pause: float, why: str | None = None) -> None:
    """Nothing can be done for now: look again in `pause` seconds. `why` is for who asks meanwhile."""
    connection.execute(
        update(jobs)
        .where(jobs.c.id == job.id, jobs.c.version == job.version)
        .values(next_at=clock.now() + timedelta(seconds=pause), error=why)
    )


def fault(connection: Connection, job: Job, error: str, pause: float) -> None:
    """A step failed: note why, and look again in `pause` seconds."""
    again = clock.now() + timedelta(seconds=pause)
    connection.execute(
        update(jobs)
        .where(jobs.c.id == job.id, jobs.c.version == job.version)
        .values(next_at=again, error=error, faults=job.faults + 1)
    )


def _job(row: Row[Any]) -> Job:
    return Job(**row._asdict())
