"""Bans on every site: of whoever comes with the same subject of the same issuer, now or later.

Readers are of one site each. Who bans and who makes a reader both hold the rows of the same person, in the
order of their ids: so either the ban finds the new reader, or the new reader finds the ban.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, func, or_, select

from engagement import clock
from engagement.db.tables import bans, issuers, readers
from engagement.moderation.statements.statements import WARNING


def same_person(connection: Connection, reader_id: UUID, *, share: bool = False) -> list[Row[Any]]:
    """The reader and those of other sites who are the same person, held; of somebody anonymous, themself."""
    statement = _same_person(reader_id).order_by(readers.c.id).with_for_update(read=share, of=readers)
    connection.execute(statement)
    return list(connection.execute(statement))  # a look anew: who was made while the rows were waited for


def standing(connection: Connection, reader_id: UUID) -> list[Row[Any]]:
    """The bans of the person on every site that are in force, each once; a warning is told once."""
    ids = [row.id for row in same_person(connection, reader_id, share=True)]
    b = bans.c
    roots = select(func.coalesce(b.of_ban, b.id)).where(b.reader_id.in_(ids), b.site.is_(None))
    stands = (b.lifted_at.is_(None), or_(b.until.is_(None), b.until > clock.now()))
    statement = select(bans).where(b.id.in_(roots), b.kind != WARNING, *stands).order_by(b.id)
    return list(connection.execute(statement))


def _same_person(reader_id: UUID) -> Select[Any]:
    r, i = readers.c, issuers.c
    subject = select(r.subject).where(r.id == reader_id).scalar_subquery()
    issuer = (
        select(i.issuer)
        .where(i.id == select(r.issuer_id).where(r.id == reader_id).scalar_subquery())
        .scalar_subquery()
    )
    same = select(i.id).where(i.issuer == issuer)
    return select(readers).where(or_(r.id == reader_id, (r.subject == subject) & r.issuer_id.in_(same)))
