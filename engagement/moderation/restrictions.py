"""What moderation forgets: of a reader who is erased, of networks whose bans are over. Ids and codes stay."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, delete, exists, or_, update

from engagement import clock
from engagement.db.tables import (
    appeals,
    bans,
    bars,
    comments,
    decisions,
    reader_notes,
    reader_standing,
    reports,
    statements,
)
from engagement.readers.bars import NETWORK, NETWORK_ALL, OVERLAP


def forget(connection: Connection, reader_id: UUID) -> None:
    """Texts by and about a reader: facts, appeals, answers, notes. A ban of a network names nobody then."""
    for table in (reader_notes, reader_standing):
        connection.execute(delete(table).where(table.c.reader_id == reader_id))
    texts = (
        update(statements).where(statements.c.reader_id == reader_id).values(facts=""),
        update(appeals).where(appeals.c.reader_id == reader_id).values(text="", answer=None),
        update(reports).where(reports.c.reader_id == reader_id).values(note=None),
        update(bans).where(bans.c.reader_id == reader_id).values(note=None),
        update(bans).where(bans.c.reader_id == reader_id, bans.c.network.is_not(None)).values(reader_id=None),
    )
    for statement in texts:
        connection.execute(statement)
    theirs = exists().where(
        comments.c.article_id == decisions.c.article_id, comments.c.id == decisions.c.comment_id,
        comments.c.reader_id == reader_id,
    )  # fmt: skip
    connection.execute(update(decisions).where(decisions.c.note.is_not(None), theirs).values(note=None))


def forget_networks(connection: Connection) -> None:
    """The hashes of networks whose bans are over, once every process has learned that."""
    b, before = bans.c, clock.now() - OVERLAP
    over = or_(b.lifted_at < before, b.until < before)
    connection.execute(update(bans).where(b.network.is_not(None), over).values(network=None))
    mine = (bars.c.kind.in_((NETWORK, NETWORK_ALL)), bars.c.until < before)
    connection.execute(delete(bars).where(*mine))
