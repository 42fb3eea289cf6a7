"""A ban that takes what the reader chose and reported: which job does it, and until when, by what SQL has.

One job for each reader, whatever number of bans take: it takes while one of them stands, then gives back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select

from engagement import clock
from engagement.db import jobs
from engagement.db.jobs import BAN, GIVING, GIVING_REPORTS, TAKING, TAKING_REPORTS, Job
from engagement.db.tables import bans


def standing(reader_id: UUID) -> Select[Any]:
    """The bans of the reader that are in force."""
    b = bans.c
    return select(bans).where(
        b.reader_id == reader_id, b.lifted_at.is_(None), b.until.is_(None) | (b.until > clock.now())
    )


def taken_until(connection: Connection, reader_id: UUID) -> tuple[bool, datetime | None]:
    """Does a ban take what the reader chose, and until when? None: until it is lifted."""
    found = connection.execute(standing(reader_id).where(bans.c.takes_choices)).all()
    ends = [row.until for row in found]
    return bool(found), None if None in ends else max(ends, default=None)


def take(connection: Connection, site: str, reader_id: UUID) -> UUID:
    """Let a job take it all, from anew if one has taken before; answers its id. The reader's row is held."""
    job = jobs.hold_last(connection, BAN, reader_id)
    if job is None:
        return jobs.enqueue(connection, BAN, site, reader_id, TAKING)
    if job.state not in (TAKING, TAKING_REPORTS):
        jobs.move(connection, job, state=TAKING, progress=anew(job))
    return job.id


def give_back(connection: Connection, reader_id: UUID) -> None:
    """Let the job give back, unless another ban still takes. The reader's row is held."""
    job = jobs.hold_last(connection, BAN, reader_id)
    if job is None or job.state in (GIVING_REPORTS, GIVING) or taken_until(connection, reader_id)[0]:
        return
    if job.state != jobs.LIFTING:
        jobs.move(connection, job, state=GIVING_REPORTS, progress=anew(job))


def anew(job: Job) -> dict[str, Any]:
    """From the beginning, under another bar."""
    return {"bar": job.progress.get("bar", 0) + 1}
