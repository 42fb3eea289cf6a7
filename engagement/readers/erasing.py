"""Erasing a reader: the reader is gone for everybody at once, and a job does the rest."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from engagement.db import jobs
from engagement.db.engine import Database
from engagement.db.jobs import EMPTYING, ERASE
from engagement.db.tables import readers
from engagement.errors import NotFound
from engagement.readers.bars import ERASED, put_bar


def erase(database: Database, reader_id: UUID, site: str | None = None) -> UUID:
    """Bar the reader for good, and answer the id of the job that erases them, be it under way already.

    `site`: only a reader of this site. Other jobs of the reader end. Raises `NotFound`, `Unavailable`.
    """
    with database.write() as connection:
        # Exclusively, so that what a request is writing for the reader is there when the job begins.
        found = connection.scalar(select(readers.c.site).where(readers.c.id == reader_id).with_for_update())
        if found is None or site not in (None, found):
            raise NotFound("There is no such reader.")
        put_bar(connection, reader_id, found, ERASED)
        job = jobs.enqueue(connection, ERASE, found, reader_id, EMPTYING)
        jobs.supersede(connection, reader_id, by=job)
        return job
