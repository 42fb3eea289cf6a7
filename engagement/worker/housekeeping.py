"""What is kept for a while only."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import idempotency_keys

IDEMPOTENCY = timedelta(days=1)
"""How long the same comment may be sent again with its key."""


def tidy(database: Database) -> None:
    """Delete what is past its time. Raises `DatabaseUnavailable`."""
    with database.write() as connection:
        connection.execute(
            delete(idempotency_keys).where(idempotency_keys.c.created_at < clock.now() - IDEMPOTENCY)
        )
