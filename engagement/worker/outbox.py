"""From the outbox to counts: what happened to comments moves counts and drops rendered pages."""

from __future__ import annotations

import time
from collections import Counter as Tally
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import Connection, delete, select

from engagement.comments.counting import EFFECTS
from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.tables import article_counts, articles, comments, outbox
from engagement.hot.pages import Pages

COUNTED = Counter("engagement_outbox_rows_total", "Outbox rows turned into counts")
ROWS = 500
"""Of one transaction at most."""
VOTES = 0.5
"""Seconds between two drops of pages for votes alone: a page that many vote on shall live for a while."""


class Outbox:
    """Turns outbox rows into counts. Counting and deleting a row are one transaction."""

    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages
        self._to_drop: set[tuple[str, str]] = set()
        self._voted: set[tuple[str, str]] = set()
        self._voted_dropped_at = 0.0

    def deliver(self) -> int:
        """One round: how many rows it took. Raises `DatabaseUnavailable`; nothing is half done then."""
        with self._database.read() as connection:
            waiting = connection.scalar(select(outbox.c.id).limit(1)) is not None
        taken = self._count() if waiting else 0
        if self._voted and time.monotonic() - self._voted_dropped_at > VOTES:
            self._to_drop |= self._voted
            self._voted.clear()
            self._voted_dropped_at = time.monotonic()
        if self._to_drop and self._pages.drop(sorted(self._to_drop)):
            self._to_drop.clear()
        return taken

    def voted(self, articles: set[tuple[str, str]]) -> None:
        """Votes on comments of these (site, article) have moved: their pages are to be dropped soon."""
        self._voted |= articles

    def _count(self) -> int:
        with self._database.write() as connection:
            rows = connection.execute(
                select(outbox.c.id, outbox.c.article_id, outbox.c.event, comments.c.parent_id)
                .join(
                    comments,
                    (comments.c.article_id == outbox.c.article_id) & (comments.c.id == outbox.c.comment_id),
                )
                .order_by(outbox.c.id)
                .limit(ROWS)
                .with_for_update(skip_locked=True, of=outbox)
            ).all()
            total, threads, replies = Tally[UUID](), Tally[UUID](), Tally[tuple[UUID, UUID]]()
            for row in rows:
                by = EFFECTS.get(row.event, 0)
                total[row.article_id] += by
                if row.parent_id == row.article_id:
                    threads[row.article_id] += by
                else:
                    replies[row.article_id, row.parent_id] += by
            _add(connection, total, threads, replies)
            connection.execute(delete(outbox).where(outbox.c.id.in_([row.id for row in rows])))
            names = connection.execute(
                select(articles.c.site, articles.c.external_id).where(articles.c.id.in_(list(total)))
            )
            self._to_drop |= {(site, article) for site, article in names}
        COUNTED.inc(len(rows))
        return len(rows)


def _add(
    connection: Connection, total: Tally[UUID], threads: Tally[UUID], replies: Tally[tuple[UUID, UUID]]
) -> None:
    """Articles, then comments by id: the one lock order."""
    rows = [(a, n, threads[a]) for a, n in sorted(total.items())]
    added = ("comments", "threads")
    bulk.put(connection, article_counts, ("article_id", *added), rows, add=added)
    parents = sorted(replies)
    bulk.lock(connection, comments, ("article_id", "id"), parents)
    bulk.change(
        connection, comments, ("article_id", "id"),
        [(*parent, replies[parent]) for parent in parents], add=("reply_count",),
    )  # fmt: skip
