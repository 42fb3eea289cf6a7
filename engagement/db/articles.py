"""Articles by the names that their publishers give them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection, and_, or_, select

from engagement import clock
from engagement.db import bulk
from engagement.db.tables import articles

Name = tuple[str, str]
"""(site, the publisher's id)."""


def article_ids(connection: Connection, names: Iterable[Name]) -> dict[Name, UUID]:
    """Name → internal id, for those that SQL knows."""
    by_site: dict[str, list[str]] = defaultdict(list)
    for site, article in names:
        by_site[site].append(article)
    wanted = or_(
        *(and_(articles.c.site == site, articles.c.external_id.in_(ids)) for site, ids in by_site.items())
    )
    rows = connection.execute(select(articles.c.site, articles.c.external_id, articles.c.id).where(wanted))
    return {(site, article): id for site, article, id in rows}


def insert_articles(connection: Connection, names: Iterable[Name]) -> int:
    """Make those that aren't there, open; answers how many."""
    now = clock.now()
    rows = [
        (clock.new_id(), site, article, article if article.startswith("https://") else None, True, True, now)
        for site, article in sorted(names)
    ]
    columns = ("id", "site", "external_id", "url", "comments_open", "reactions_open", "created_at")
    return bulk.put(connection, articles, columns, rows, conflict=("site", "external_id"))
