"""Reads the moderation log, page by page, the newest entries first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import moderation_log, staff
from engagement.moderation.log.service import head_of

PAGE, MAX_PAGE = 50, 200


class Entries:
    """Over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, site: str, limit: int, before: int | None) -> dict[str, Any]:
        """Entries of a site with numbers less than `before`, the whole log's head, and `next_cursor`."""
        e = moderation_log.c
        statement = (
            select(moderation_log, staff.c.name)
            .outerjoin(staff, staff.c.id == e.actor_id)
            .where(e.site == site)
            .order_by(e.number.desc())
            .limit(limit + 1)
        )
        if before is not None:
            statement = statement.where(e.number < before)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
            head = head_of(connection)
        shown = rows[:limit]
        return {
            "items": [
                {
                    "number": row.number,
                    "at": clock.rfc3339(row.at),
                    "actor": {
                        "kind": row.actor_kind, "id": row.actor_id and str(row.actor_id), "name": row.name
                    },
                    "action": row.action,
                    "subject": row.subject,
                    "mac": row.mac,
                }
                for row in shown
            ],
            "next_cursor": str(shown[-1].number) if len(rows) > limit else None,
            "head": str(head),
        }  # fmt: skip
