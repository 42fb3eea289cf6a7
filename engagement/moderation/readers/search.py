"""Finds readers for the staff: by how a name begins, or by an id."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, func, select

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import bans, cases, readers
from engagement.moderation.queue.service import readers_named
from engagement.staff.members import Member
from engagement.staff.roles import READERS

FOUND: Final = 50
COUNTED: Final = 1_000
"""Comments that are counted at most."""


class ReaderSearch:
    """Over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, member: Member, site: str, text: str) -> list[dict[str, Any]]:
        """At most `FOUND` readers of the site, by their names. Raises `Forbidden`, `DatabaseUnavailable`."""
        member.require(READERS, site)
        r, b = readers.c, bans.c
        with self._database.read() as connection:
            try:
                ids = [UUID(text)]
            except ValueError:
                ids = list(readers_named(connection, site, text, FOUND))
            found = connection.execute(
                select(readers).where(r.id.in_(ids), r.site == site).order_by(r.name, r.id)
            ).all()
            standing = (b.lifted_at.is_(None), (b.until.is_(None)) | (b.until > clock.now()))
            banned = set(connection.scalars(select(b.reader_id).where(b.reader_id.in_(ids), *standing)))
            return [
                {
                    "id": str(row.id),
                    "name": row.name,
                    "created_at": clock.rfc3339(row.created_at),
                    "comments": _count(connection, row.id),
                    "banned": row.id in banned,
                }
                for row in found
            ]


def _count(connection: Connection, reader_id: UUID) -> int:
    """The reader's comments, up to `COUNTED` and one."""
    mine = select(cases.c.comment_id).where(cases.c.reader_id == reader_id).limit(COUNTED + 1).subquery()
    return connection.scalar(select(func.count()).select_from(mine)) or 0
