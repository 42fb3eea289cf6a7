"""One-time links into the console, for who holds the machine: good for ten minutes, and once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from engagement import clock
from engagement.console.sessions import digest, random
from engagement.db.engine import Database
from engagement.db.tables import staff_links
from engagement.errors import Expired

GOOD_FOR: Final = timedelta(minutes=10)
KEPT: Final = timedelta(days=1)
GONE: Final = "This link was used before, or is older than 10 minutes. Ask for a new one."


class Links:
    """Makes and takes links, over SQL. Every method raises `DatabaseUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, member_id: UUID) -> str:
        """What the link to be sent to this member holds."""
        text, now = random(), clock.now()
        row = {"digest": digest(text), "staff_id": member_id, "created_at": now, "expires_at": now + GOOD_FOR}
        with self._database.write() as connection:
            connection.execute(delete(staff_links).where(staff_links.c.created_at < now - KEPT))
            connection.execute(insert(staff_links).values(**row))
        return text

    def is_good(self, text: str) -> bool:
        """May it still be used? Asking doesn't use it: previews of links in mails and chats do that."""
        link, now = staff_links.c, clock.now()
        unused = select(link.digest).where(
            link.digest == digest(text), link.used_at.is_(None), link.expires_at > now
        )
        with self._database.read() as connection:
            return connection.scalar(unused) is not None

    def use(self, text: str) -> UUID:
        """The member whom it was made for. Of two who use it at once, one does. Raises `Expired`."""
        link, now = staff_links.c, clock.now()
        with self._database.write() as connection:
            # The condition is looked at again by who waited for the row: the second finds it used.
            used: UUID | None = connection.execute(
                update(staff_links)
                .where(link.digest == digest(text), link.used_at.is_(None), link.expires_at > now)
                .values(used_at=now)
                .returning(link.staff_id)
            ).scalar_one_or_none()
        if used is None:
            raise Expired(GONE)
        return used
