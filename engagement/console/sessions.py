"""Who is signed in to the console: a random cookie, of which SQL has the digest, so that it can be ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import issuers, staff, staff_sessions
from engagement.staff.members import Member

RANDOM: Final = 32
"""Bytes of a cookie."""
NOTED: Final = timedelta(minutes=1)
"""How exactly it is known when somebody was last there; no request writes more often."""


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in. `digest` names it, and is no secret that opens it."""

    digest: str
    member: Member


def digest(text: str) -> str:
    """What is stored of a cookie or a link. They are as random as a key, so that no slow hash is needed."""
    return sha256(text.encode()).hexdigest()


def random() -> str:
    """The text of a new cookie or link."""
    return secrets.token_urlsafe(RANDOM)


class Sessions:
    """Begins, finds and ends sessions, over SQL. Every method raises `DatabaseUnavailable`."""

    def __init__(self, database: Database, idle: int, max_age: int) -> None:
        """Seconds: how long somebody may do nothing, and how long a session lasts at most."""
        self._database = database
        self._idle = timedelta(seconds=idle)
        self._max_age = timedelta(seconds=max_age)

    @property
    def max_age(self) -> int:
        """Seconds."""
        return int(self._max_age.total_seconds())

    def begin(self, member_id: UUID) -> str:
        """Sign this member in; answers the text of the cookie."""
        with self._database.write() as connection:
            return begin(connection, member_id, self._max_age)

    def find(self, cookie: str, *, passive: bool = False) -> Session | None:
        """The session of a cookie, unless it was ended, is too old or was left alone for too long.

        What the member may is as SQL has it now; whom an issuer vouched for that is disabled may nothing.
        `passive`: finding it is no sign that somebody is there.
        """
        s, now = staff_sessions.c, clock.now()
        statement = (
            select(s.seen_at, staff)
            .join_from(staff_sessions, staff, staff.c.id == s.staff_id)
            .outerjoin(issuers, issuers.c.id == staff.c.issuer_id)
            .where(s.digest == digest(cookie), issuers.c.disabled_at.is_(None))
            .where(s.created_at > now - self._max_age, s.seen_at > now - self._idle)
        )
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            return None
        if not passive:
            self._note(digest(cookie), row.id, row.seen_at, now)
        return Session(digest(cookie), Member(row.id, row.site, row.role, row.name))

    def end(self, session: Session) -> None:
        """Sign out."""
        with self._database.write() as connection:
            connection.execute(delete(staff_sessions).where(staff_sessions.c.digest == session.digest))

    def end_all(self, member_id: UUID) -> int:
        """Sign this member out everywhere; answers in how many places they were signed in."""
        with self._database.write() as connection:
            ended = connection.execute(delete(staff_sessions).where(staff_sessions.c.staff_id == member_id))
            return ended.rowcount

    def _note(self, digest: str, member_id: UUID, seen_at: datetime, now: datetime) -> None:
        # Well before the idle time is over, however short it is.
        if now - seen_at < min(NOTED, self._idle / 4):
            return
        with self._database.write() as connection:
            # Ended meanwhile, it stays so: there is no row to note it on.
            s = staff_sessions.c
            connection.execute(update(staff_sessions).where(s.digest == digest).values(seen_at=now))
            connection.execute(update(staff).where(staff.c.id == member_id).values(last_seen_at=now))


def begin(connection: Connection, member_id: UUID, max_age: timedelta) -> str:
    """As `Sessions.begin`, in a transaction that is open; sessions that are past their time go."""
    now, text = clock.now(), random()
    connection.execute(delete(staff_sessions).where(staff_sessions.c.created_at < now - max_age))
    connection.execute(
        insert(staff_sessions).values(digest=digest(text), staff_id=member_id, created_at=now, seen_at=now)
    )
    connection.execute(update(staff).where(staff.c.id == member_id).values(last_seen_at=now))
    return text
