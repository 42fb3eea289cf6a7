"""Makes the cases of comments from before there were cases, step by step, once for a database.

No moderator has decided on them, but nobody is to be asked about years of comments either: those that are
approved count as seen.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, literal, select, tuple_, update

from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.tables import comments, events, meta
from engagement.moderation.queue import cases

PLACE, DONE = "cases_made_up_to", "done"
"""The row of `meta` that tells how far it has come: `article:comment`, then `done`."""
STEP = 500
"""Comments of one step."""


class Backfill:
    """Any number of workers may do it at once: of two at one place, one waits for the other."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._done = False

    def step(self) -> bool:
        """Some more comments; False if there are none left. Raises `DatabaseUnavailable`."""
        if self._done:
            return False
        with self._database.write() as connection:
            at = _hold(connection)
            if at != DONE:
                names = _next(connection, at)
                cases.ensure(connection, set(names) - _told(connection), seen=True)
                at = ":".join(id.hex for id in names[-1]) if len(names) == STEP else DONE
                connection.execute(update(meta).where(meta.c.key == PLACE).values(value=at))
        self._done = at == DONE
        return not self._done


def _hold(connection: Connection) -> str:
    bulk.put(connection, meta, ("key", "value"), [(PLACE, "")])
    place = select(meta.c.value).where(meta.c.key == PLACE).with_for_update()
    return str(connection.scalars(place).one())


def _told(connection: Connection) -> set[cases.Name]:
    """Comments that an event is about to make the cases of."""
    rows = connection.execute(select(events.c.article_id, events.c.comment_id).limit(STEP))
    return {(row.article_id, row.comment_id) for row in rows}


def _next(connection: Connection, at: str) -> list[cases.Name]:
    c = comments.c
    key = (c.article_id, c.id)
    statement = select(*key).order_by(*key).limit(STEP)
    if at:
        after = (literal(UUID(hex=id), column.type) for id, column in zip(at.split(":"), key, strict=True))
        statement = statement.where(tuple_(*key) > tuple_(*after))
    return [(row.article_id, row.id) for row in connection.execute(statement)]
