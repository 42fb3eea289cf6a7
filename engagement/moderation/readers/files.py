"""What the staff knows of a reader: profile, standing, counts, what they wrote, bans, notes, statements."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, insert, select

from engagement import clock
from engagement.comments.counting import MOVED
from engagement.db.engine import Database
from engagement.db.tables import (
    articles,
    bans,
    bars,
    comments,
    reader_notes,
    reader_standing,
    readers,
    reports,
    statements,
)
from engagement.errors import Invalid, NotFound
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.readers import standing
from engagement.moderation.readers.bans import GONE, hold, tell
from engagement.readers.bars import ERASED
from engagement.staff.members import Member
from engagement.staff.roles import READERS, RESTRICT
from engagement.text import clean_text

NEWEST = 50
"""Rows of each kind that are told."""
NOTE_LENGTH = 2_000
"""Characters."""


class ReaderFiles:
    """What the staff reads and writes of a reader."""

    def __init__(self, database: Database, log: ModerationLog) -> None:
        self._database = database
        self._log = log

    def of(self, member: Member, site: str, reader_id: UUID) -> dict[str, Any]:
        """All of it, newest first. Raises `Forbidden`, `NotFound`, `Unavailable`."""
        member.require(READERS, site)
        with self._database.read() as connection:
            reader = _reader(connection, site, reader_id)
            erased = select(bars.c.since).where(bars.c.reader_id == reader_id, bars.c.kind == ERASED)
            since = connection.scalar(erased)
            return {
                "id": str(reader.id),
                "name": reader.name,
                "created_at": clock.rfc3339(reader.created_at),
                "erased_at": since and clock.rfc3339(since),
                "signs_on": reader.issuer_id is not None,
                "standing": _standing(connection, reader_id),
                "counts": _counts(connection, reader_id),
                "comments": [_comment(row) for row in connection.execute(_newest_comments(reader_id))],
                "bans": [tell(row) for row in connection.execute(_newest(bans, reader_id))],
                "notes": [_note(row) for row in connection.execute(_newest(reader_notes, reader_id))],
                "statements": [_statement(row) for row in connection.execute(_newest(statements, reader_id))],
            }

    def note(self, member: Member, site: str, reader_id: UUID, text: str) -> dict[str, Any]:
        """Leave a note for others of the staff. Raises `Forbidden`, `Invalid`, `NotFound`, `Unavailable`."""
        member.require(RESTRICT, site)
        try:
            text = clean_text(text, max_length=NOTE_LENGTH)
        except ValueError as error:
            raise Invalid(errors={"text": [str(error)]}) from error
        id = clock.new_id()
        with self._database.write() as connection:
            hold(connection, site, reader_id)  # of who is erased nothing more is written down
            connection.execute(
                insert(reader_notes).values(
                    id=id, site=site, reader_id=reader_id, text=text, created_by=member.id,
                    created_at=clock.now(),
                )
            )  # fmt: skip
            made = connection.execute(select(reader_notes).where(reader_notes.c.id == id)).one()
            subject = {"reader": reader_id, "note": id}
            self._log.append(
                connection, action="reader.noted", actor=member.actor, subject=subject, site=site
            )
        return _note(made)

    def trust(self, member: Member, site: str, reader_id: UUID, trust: str) -> dict[str, Any]:
        """Say how far a reader is trusted. Raises `Forbidden`, `NotFound`, `Unavailable`."""
        member.require(RESTRICT, site)
        with self._database.write() as connection:
            _reader(connection, site, reader_id)
            standing.trust(connection, site, reader_id, trust)
            told = _standing(connection, reader_id)
            subject = {"reader": reader_id, "trust": trust}
            self._log.append(
                connection, action="reader.trusted", actor=member.actor, subject=subject, site=site
            )
        return told


def _reader(connection: Connection, site: str, reader_id: UUID) -> Any:
    statement = select(readers).where(readers.c.id == reader_id, readers.c.site == site)
    found = connection.execute(statement).one_or_none()
    if found is None:
        raise NotFound(GONE)
    return found


def _newest(table: Any, reader_id: UUID) -> Select[Any]:
    return select(table).where(table.c.reader_id == reader_id).order_by(table.c.id.desc()).limit(NEWEST)


def _newest_comments(reader_id: UUID) -> Select[Any]:
    c, a = comments.c, articles.c
    return (
        select(c.id, a.external_id, a.title, c.status, c.held_for, c.body_html, c.revision, c.created_at)
        .join(articles, a.id == c.article_id)
        .where(c.reader_id == reader_id, c.status != MOVED)
        .order_by(c.id.desc())
        .limit(NEWEST)
    )


def _standing(connection: Connection, reader_id: UUID) -> dict[str, Any]:
    statement = select(reader_standing).where(reader_standing.c.reader_id == reader_id)
    row = connection.execute(statement).one_or_none()
    return {
        "trust": row.trust if row else standing.USUAL,
        "reports_right": row.reports_right if row else 0,
        "reports_wrong": row.reports_wrong if row else 0,
        "report_weight": standing.weight_of(connection, reader_id),
    }


def _counts(connection: Connection, reader_id: UUID) -> dict[str, Any]:
    c = comments.c
    by_status = select(c.status, func.count()).where(c.reader_id == reader_id, c.status != MOVED)
    sent = select(func.count()).select_from(reports).where(reports.c.reader_id == reader_id)
    counted = {status: number for status, number in connection.execute(by_status.group_by(c.status))}
    return {"comments": counted, "reports": connection.scalar(sent) or 0}


def _comment(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id), "article": row.external_id, "article_title": row.title, "status": row.status,
        "held_for": row.held_for, "body_html": row.body_html, "revision": row.revision,
        "created_at": clock.rfc3339(row.created_at),
    }  # fmt: skip


def _note(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id), "text": row.text, "created_by": row.created_by and str(row.created_by),
        "created_at": clock.rfc3339(row.created_at),
    }  # fmt: skip


def _statement(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id), "restriction": row.restriction, "reason": row.reason,
        "comment_id": row.comment_id and str(row.comment_id), "ban_id": row.ban_id and str(row.ban_id),
        "created_at": clock.rfc3339(row.created_at),
        "withdrawn_at": row.withdrawn_at and clock.rfc3339(row.withdrawn_at),
    }  # fmt: skip
