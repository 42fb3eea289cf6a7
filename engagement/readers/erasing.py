"""Erasing a reader: the reader is gone for everybody at once, and a job does the rest."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from engagement import clock
from engagement.db import jobs
from engagement.db.engine import Database
from engagement.db.jobs import EMPTYING, ERASE
from engagement.db.tables import readers
from engagement.errors import NotFound, Unauthorized
from engagement.readers.bars import ERASED, GONE, Bars, put_bar

WILL = {
    "taken": "Your reactions and votes are taken back.",
    "kept": "Your reactions and votes go on counting, with nothing that leads from them to you.",
}
"""By the setting `erase_choices`."""


class Erasures:
    """What readers ask for themselves."""

    def __init__(self, database: Database, bars: Bars, choices: str) -> None:
        """`choices`: the setting `erase_choices`."""
        self._database = database
        self._bars = bars
        self._choices = choices

    def begin(self, site: str, reader_id: UUID) -> dict[str, Any]:
        """Erase the reader, and tell what will happen. Raises `Unauthorized`, `Unavailable`."""
        try:
            job = erase(self._database, reader_id, site)
        except NotFound:
            raise Unauthorized(GONE) from None
        self._bars.learn(reader_id)
        return {
            "reader_id": str(reader_id),
            "job_id": str(job),
            "begun_at": clock.rfc3339(clock.now()),
            "choices": self._choices,
            "will": [
                "Your token is good for nothing any more.",
                "Your name is forgotten, and all that you wrote.",
                "Where others have replied to it, a note holds its place.",
                WILL[self._choices],
            ],
        }


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
