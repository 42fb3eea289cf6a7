"""Claims keep two moderators off the same comment: for a short while, renewed while one is on it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, or_, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import cases
from engagement.errors import Claimed
from engagement.moderation.queue import finding
from engagement.moderation.queue.context import tell_case
from engagement.staff.members import Member

LASTS = timedelta(minutes=2)
"""How long a claim lasts that is not renewed."""


class Claims:
    """Of comments, by members of the staff."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, site: str, comment_id: UUID, member: Member) -> datetime:
        """Claim a comment, or renew one's own; answers until when. Raises `Claimed`, `NotFound`."""
        now = clock.now()
        until = now + LASTS
        c = cases.c
        free = or_(c.claimed_by.is_(None), c.claimed_by == member.id, c.claimed_until <= now)
        with self._database.write() as connection:
            article_id = finding.article_of(connection, site, comment_id)
            mine = (c.article_id == article_id, c.comment_id == comment_id)
            claim = update(cases).where(*mine, free).values(claimed_by=member.id, claimed_until=until)
            if connection.execute(claim).rowcount:
                return until
            present = tell_case(connection, site, (article_id, comment_id), member)
        raise Claimed("Somebody else is on this comment.", present)

    def release(self, site: str, comment_id: UUID, member: Member) -> None:
        """Take one's claim back, if there is one. Raises `NotFound`."""
        c = cases.c
        with self._database.write() as connection:
            article_id = finding.article_of(connection, site, comment_id)
            mine = (c.article_id == article_id, c.comment_id == comment_id, c.claimed_by == member.id)
            connection.execute(update(cases).where(*mine).values(claimed_by=None, claimed_until=None))


def by_another(case: Row[Any], member_id: UUID | None) -> bool:
    """Is somebody else on it now?"""
    return (
        case.claimed_by is not None
        and case.claimed_by != member_id
        and case.claimed_until is not None
        and case.claimed_until > clock.now()
    )
