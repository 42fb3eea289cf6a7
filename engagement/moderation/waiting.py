"""How many appeals wait for somebody, as cheaply as a page that asks every few seconds needs it."""

from __future__ import annotations

from sqlalchemy import func, select

from engagement.db.engine import Database
from engagement.db.tables import appeals
from engagement.moderation.queue.service import COUNTED
from engagement.moderation.statements.statements import OPEN


class Waiting:
    """Over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def appeals(self, site: str) -> int:
        """Of the site; `COUNTED` + 1 stands for more than that. Raises `DatabaseUnavailable`."""
        a = appeals.c
        some = select(a.id).where(a.site == site, a.state == OPEN).limit(COUNTED + 1).subquery()
        with self._database.read() as connection:
            return connection.scalar(select(func.count()).select_from(some)) or 0
