"""What is left once a decision was made: statements, counts, the log."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from engagement.db.engine import Database
from engagement.db.tables import statements
from engagement.hot.connection import Hot
from engagement.moderation.log.service import ModerationLog
from engagement.settings import Settings
from engagement.verify import Totals, differences
from engagement.worker.loop import Worker


def standing(database: Database, comment: str) -> list[tuple[str, str]]:
    """Restriction and reason of the statements that stand."""
    s = statements.c
    with database.read() as connection:
        found = select(s.restriction, s.reason).where(s.comment_id == UUID(comment), s.withdrawn_at.is_(None))
        return [(row.restriction, row.reason) for row in connection.execute(found)]


def drain(worker: Worker) -> None:
    while worker.round().pending:
        pass


def assert_right(database: Database, hot: Hot, worker: Worker, settings: Settings) -> None:
    """What is counted is what is there, and the log is whole."""
    drain(worker)
    assert list(differences(database, hot, Totals())) == []
    with database.read() as connection:
        assert list(ModerationLog(settings.secret_key).verify(connection)) == []
