"""After a new release: comments are rendered and ranked again, where this release does it otherwise.

A walk over all comments, some at a time, by any number of workers; where it is stands in `meta`. What the
release before writes meanwhile is ranked when it is counted, and rendered when the walk comes by.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from sqlalchemy import literal, select, tuple_

from engagement.comments import refreshed
from engagement.comments.ranked import COMMENT, rank
from engagement.comments.refreshed import DONE, KEY, VERSION, Place
from engagement.comments.rendering import RENDERER_VERSION, render
from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.tables import articles, comments, meta
from engagement.hot.pages import Pages

PAGE = 200
"""Comments of one step."""
LOOK, PACE = 60.0, 0.05
"""Seconds between two looks whether there is something to do, and between two steps while there is."""


class Refreshing:
    """Steps of the walk."""

    def __init__(self, database: Database, pages: Pages, version: str = VERSION) -> None:
        self._database = database
        self._pages = pages
        self._version = version
        self._at = time.monotonic()

    def work(self) -> None:
        """A step, if it is time for one. Raises `DatabaseUnavailable`."""
        if time.monotonic() >= self._at:
            self._at = time.monotonic() + (PACE if self.step() else LOOK)

    def step(self) -> bool:
        """Render and rank the next comments; False: there are none left, or somebody else was faster."""
        with self._database.read() as connection:
            told = refreshed.told(connection)
            after = refreshed.place_of_walk(told, self._version)
            if after == DONE:
                return False
            assert not isinstance(after, str)
            rows = connection.execute(_next(after)).all()
        rendered = {row.id: render(row.body) for row in rows if row.renderer != RENDERER_VERSION and row.body}
        last = rows[-1] if len(rows) == PAGE else None
        now = refreshed.tell((last.article_id.hex, last.id.hex) if last else DONE, self._version)
        with self._database.write() as connection:
            bulk.put(connection, meta, ("key", "value"), [(KEY, "")])
            found = connection.scalar(select(meta.c.value).where(meta.c.key == KEY).with_for_update())
            if found != (told or ""):
                return True
            bulk.change(connection, meta, ("key",), [(KEY, now)], replace=("value",))
            bulk.lock(connection, comments, COMMENT, [(row.article_id, row.id) for row in rows])
            bulk.change(
                connection, comments, (*COMMENT, "revision"),
                [
                    (row.article_id, row.id, row.revision, rendered[row.id], RENDERER_VERSION)
                    for row in rows if row.id in rendered
                ],
                replace=("body_html", "renderer"),
            )  # fmt: skip
            keys = [(row.article_id, row.id) for row in rows]
            votes = bulk.fetch(connection, comments, COMMENT, keys, (*COMMENT, "up", "down"))
            rank(connection, {(a, id): (up, down) for a, id, up, down in votes})
        self._pages.drop(sorted({(row.site, row.external_id) for row in rows if row.id in rendered}))
        return last is not None


def _next(after: Place) -> Any:
    c = comments.c
    statement = (
        select(c.article_id, c.id, c.revision, c.renderer, c.body, articles.c.site, articles.c.external_id)
        .join(articles, articles.c.id == c.article_id)
        .order_by(c.article_id, c.id)
        .limit(PAGE)
    )
    if after is not None:
        at = (
            literal(UUID(value), column.type)
            for value, column in zip(after, (c.article_id, c.id), strict=True)
        )
        statement = statement.where(tuple_(c.article_id, c.id) > tuple_(*at))
    return statement
