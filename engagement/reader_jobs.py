"""What `engagement reader erase` and `engagement jobs` do: list jobs, and wait for one, or do it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from uuid import UUID

from sqlalchemy import func, select

from engagement import clock
from engagement.db import jobs
from engagement.db.engine import Database
from engagement.db.jobs import Job
from engagement.db.tables import bars, choices, comments, readers
from engagement.errors import NotFound, RedisUnavailable, StartError
from engagement.readers.bars import ERASED
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.worker.loop import Worker

PATIENCE = 2.0
"""Seconds without a step after which the command works itself: any number of workers may do a job at once."""
TICK = 0.1
"""Seconds between two looks."""
DOING = {
    "emptying": "what they wrote goes",
    "taking": "what they chose is taken back",
    "handing": "what they chose is given over to nobody",
    "confirming": "who had chosen it is forgotten",
    "sweeping": "what Redis remembers of them goes",
}
"""The states of an erasure."""


def describe(database: Database, reader_id: UUID, site: str | None) -> str:
    """Who a reader is, for the person who is about to erase them. Raises `NotFound`, `Unavailable`."""
    with database.read() as connection:
        found = connection.execute(
            select(readers.c.site, readers.c.name).where(readers.c.id == reader_id)
        ).one_or_none()
        if found is None or site not in (None, found.site):
            raise NotFound("There is no such reader.")
        written, chosen = (
            connection.scalar(select(func.count()).where(table.c.reader_id == reader_id))
            for table in (comments, choices)
        )
    who = f"{found.name!r}" if found.name else "without a name"
    return f"{who}, of {found.site} (comments: {written}, stored reactions and votes: {chosen})"


def finish(settings: Settings, database: Database, id: UUID, say: Callable[[str], None]) -> None:
    """Wait until the job is done, and `say` how far it is.

    Raises `StartError` if a step fails; it is tried again by the workers. Raises `Unavailable`.
    """
    job = _read(database, id)
    moved_at, said, worker = time.monotonic(), "", None
    while job.running:
        if job.state != said:
            said = job.state
            say(f"{said}: {DOING.get(said, said)}")
        if job.faults:
            raise StartError(f"a step failed, and will be tried again: {job.error}")
        if worker is None and time.monotonic() - moved_at > PATIENCE:
            worker = Worker(settings)
        if worker is None or not _round(worker):
            time.sleep(TICK)
        before, job = job, _read(database, id)
        if job.version != before.version:
            moved_at = time.monotonic()
    if worker is not None:
        worker.drain()


def listed(database: Database) -> Iterator[str]:
    """A line for every job that isn't over: id, kind, site, reader, state, since when, and what keeps it."""
    with database.read() as connection:
        found = jobs.unfinished(connection)
    for job in found:
        since = clock.rfc3339(job.created_at)
        line = f"{job.id}  {job.kind}  {job.site}  {job.reader_id}  {job.state}  since {since}"
        if job.faults:
            line += f"  failed {job.faults} times: {job.error}"
        elif job.error:
            line += f"  waits: {job.error}"
        yield line


def erased(database: Database) -> Iterator[str]:
    """A line for every reader who was erased: reader, site, since when. Raises `Unavailable`."""
    b = bars.c
    with database.read() as connection:
        rows = connection.execute(
            select(b.reader_id, b.site, b.since).where(b.kind == ERASED).order_by(b.number)
        ).all()
    for row in rows:
        yield f"{row.reader_id} {row.site} {clock.rfc3339(row.since)}"


def erase_again(database: Database, lines: Iterable[str]) -> Iterator[UUID | str]:
    """Erase the readers of these lines (`erased`) whom the database knows as if they had not been.

    Answers the job of each, and a word on each of the others. Raises `StartError`, before anything is done,
    for what is no such line. Raises `Unavailable`.
    """
    named = [_parse(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    for reader_id, site in named:
        with database.read() as connection:
            barred = connection.scalar(
                select(bars.c.number).where(bars.c.reader_id == reader_id, bars.c.kind == ERASED)
            )
        if barred is not None:
            yield f"{reader_id} is erased"
            continue
        try:
            yield erase(database, reader_id, site)
        except NotFound:
            yield f"{reader_id} is not there"


def _parse(number: int, line: str) -> tuple[UUID, str]:
    try:
        reader_id, site, *_ = line.split()
        return UUID(reader_id), site
    except ValueError:
        raise StartError(f"line {number} does not name a reader and a site") from None


def _round(worker: Worker) -> bool:
    """Is there more to do at once?"""
    with suppress(RedisUnavailable):  # it comes back
        return worker.round().pending
    return False


def _read(database: Database, id: UUID) -> Job:
    with database.read() as connection:
        job = jobs.read(connection, id)
    if job is None:
        raise StartError("the job is gone: the database went back to before it began; give the command again")
    return job
