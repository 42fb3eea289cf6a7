"""Writes what comments are sorted by, with the votes that it follows from: always both."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection

from engagement import clock
from engagement.comments import ranking
from engagement.db import bulk
from engagement.db.tables import comments

Name = tuple[UUID, UUID]
"""A comment: its article, itself."""
COMMENT = ("article_id", "id")
COLUMNS = ("up", "down", *ranking.VOTE_KEYS)


def rank(connection: Connection, votes: Mapping[Name, tuple[int, int]]) -> None:
    """Write these votes (up, down) and all that follows from them; comments are locked by their ids."""
    bulk.lock(connection, comments, COMMENT, sorted(votes))
    now = clock.now()
    found = bulk.fetch(connection, comments, COMMENT, list(votes), (*COMMENT, "created_at"))
    rows = [
        (a, id, *votes[a, id], *ranking.sort_keys(*votes[a, id], created_at, now))
        for a, id, created_at in sorted(found)
    ]
    bulk.change(connection, comments, COMMENT, rows, replace=COLUMNS)
