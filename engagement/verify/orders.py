"""What comments are sorted by, against the pure functions: read in pages, in the order of the primary key."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from engagement import clock
from engagement.comments.ranking import VOTE_KEYS, sort_keys
from engagement.comments.refreshed import is_done
from engagement.db.engine import Database
from engagement.db.tables import articles, comments
from engagement.hot.keys import VOTE
from engagement.verify.counting import On, past
from engagement.verify.differences import Difference

KEYS = VOTE_KEYS[1:]
"""All but the score, which is counted in SQL."""
PAGE = 2_000
"""Comments that are read at once."""


def differences(database: Database, on: On) -> Iterator[list[Difference]]:
    """The comments on these articles whose sort keys don't follow from their votes, some at once.

    None as long as workers go over the comments after a new release: they do the same.
    """
    after: tuple[UUID, UUID] | None = None
    while True:
        with database.read() as connection:
            if not is_done(connection):
                return
            rows = _page(connection, on, after)
        found = [difference for row in rows for difference in _looked_at(row)]
        if found:
            yield found
        if len(rows) < PAGE:
            return
        after = rows[-1].article_id, rows[-1].id


def _page(connection: Connection, on: On, after: tuple[UUID, UUID] | None) -> list[Any]:
    c = comments.c
    columns = (c.article_id, c.id, c.up, c.down, c.created_at, *(c[name] for name in KEYS))
    statement = (
        select(*columns, articles.c.site, articles.c.external_id)
        .join(articles, articles.c.id == c.article_id)
        .where(on(c.article_id), past(after, c.article_id, c.id))
        .order_by(c.article_id, c.id)
        .limit(PAGE)
    )
    return list(connection.execute(statement))


def _looked_at(row: Any) -> Iterator[Difference]:
    wanted = list(sort_keys(row.up, row.down, row.created_at, clock.now())[1:])
    stored = [getattr(row, name) for name in KEYS]
    if all(isclose(a, b, rel_tol=1e-9, abs_tol=1e-6) for a, b in zip(wanted, stored, strict=True)):
        return
    key = (row.article_id, VOTE, row.id)
    yield Difference("order", row.site, row.external_id, str(row.id), wanted, stored, key=key)
