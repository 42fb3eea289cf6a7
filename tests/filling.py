"""Fills an article with comments, faster than readers could: rows as the service would have written them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from engagement import clock
from engagement.comments import ranking
from engagement.db import bulk
from engagement.db.articles import article_ids, insert_articles
from engagement.db.engine import Database
from engagement.db.tables import BALLOT, article_counts, choices, comments, readers, tallies
from engagement.hot.keys import VOTE

COLUMNS = (
    "article_id", "id", "parent_id", "depth", "reader_id", "status", "shown", "body", "body_html",
    "renderer", "revision", "created_at", "network", "up", "down", "reply_count", "pinned", "featured",
    *ranking.VOTE_KEYS,
)  # fmt: skip


def add_reader(database: Database, site: str = "demo", name: str | None = None) -> UUID:
    """A reader of the site."""
    id = clock.new_id()
    with database.write() as connection:
        connection.execute(insert(readers).values(id=id, site=site, name=name, created_at=clock.now()))
    return id


def fill(
    database: Database, site: str, article: str, many: int, *, replies: float = 0.0, seed: int = 0
) -> Sequence[UUID]:
    """Add `many` comments with votes that no reader gave; answers the ids of the threads.

    `replies`: the share of them that answer another one.
    """
    random, now, author = Random(seed), clock.now(), add_reader(database, site)
    roots: list[UUID] = []
    answered: dict[UUID, int] = {}
    rows: list[list[Any]] = []
    with database.write() as connection:
        insert_articles(connection, [(site, article)])
        (article_id,) = article_ids(connection, [(site, article)]).values()
    for n in range(many):
        id, created_at = clock.new_id(), now - timedelta(seconds=many - n)
        reply = bool(roots) and random.random() < replies
        parent = random.choice(roots[-500:]) if reply else article_id
        if reply:
            answered[parent] = answered.get(parent, 0) + 1
        else:
            roots.append(id)
        up, down = int(random.paretovariate(0.8)) - 1, int(random.paretovariate(1.2)) - 1
        keys = ranking.sort_keys(up, down, created_at, now)
        rows.append(
            [article_id, id, parent, int(reply), author, "approved", True, f"text {n}", f"<p>text {n}</p>", 1,
             1, created_at, "", up, down, 0, False, False, *keys]
        )  # fmt: skip
    for row in rows:
        row[COLUMNS.index("reply_count")] = answered.get(row[1], 0)
    for start in range(0, many, 5_000):
        with database.write() as connection:
            bulk.put(connection, comments, COLUMNS, [tuple(row) for row in rows[start : start + 5_000]])
    with database.write() as connection:
        added = ("comments", "threads")
        counts = [(article_id, many, len(roots))]
        bulk.put(connection, article_counts, ("article_id", *added), counts, add=added)
    return roots


def fill_voted(
    database: Database, site: str, article: str, many: int, chosen: Mapping[UUID, str]
) -> Sequence[UUID]:
    """Add `many` comments on each of which these readers have voted so; answers their ids."""
    ids = list(fill(database, site, article, many))
    now, up, down = clock.now(), *(list(chosen.values()).count(way) for way in ("up", "down"))
    columns = (*BALLOT, "reader_id", "choice", "chosen_at", "network")
    for start in range(0, many, 5_000):
        part = ids[start : start + 5_000]
        with database.write() as connection:
            c = comments.c
            rows = connection.execute(
                select(c.article_id, c.id, c.created_at).where(c.id >= part[0], c.id <= part[-1])
            ).all()
            keys = [(a, id, up, down, *ranking.sort_keys(up, down, at, now)) for a, id, at in rows]
            replace = ("up", "down", *ranking.VOTE_KEYS)
            bulk.change(connection, comments, ("article_id", "id"), keys, replace=replace)
            votes = [(a, VOTE, id, r, way, now, "net") for a, id, _ in rows for r, way in chosen.items()]
            bulk.put(connection, choices, columns, votes)
            counts = [(a, VOTE, id, w, n) for a, id, _ in rows for w, n in (("up", up), ("down", down)) if n]
            bulk.put(connection, tallies, (*BALLOT, "choice", "count"), counts)
    return ids
