"""What names of articles stand for: aliases that a publisher has set, and articles that were merged.

A number in `meta` grows with every change, in its transaction: who remembers names asks for it alone.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, select

from engagement.db import bulk
from engagement.db.tables import article_aliases, articles, merges, meta

KEY = "names"
"""Of the number in the table `meta`."""
ALIAS, MERGE = "alias", "merge"
"""Why an article takes nothing itself (`articles.closed_by`)."""
LONGEST = 100
"""Merges that follow one another."""


def version(connection: Connection) -> str:
    """Another one after every change of what a name stands for."""
    return connection.scalar(select(meta.c.value).where(meta.c.key == KEY)) or "0"


def changed(connection: Connection) -> None:
    """In the transaction of a change, as late as can be: those that change names wait for each other here."""
    bulk.put(connection, meta, ("key", "value"), [(KEY, "0")])
    bulk.lock(connection, meta, ("key",), [(KEY,)])
    bulk.change(connection, meta, ("key",), [(KEY, str(int(version(connection)) + 1))], replace=("value",))


def stand_for(connection: Connection, site: str, names: Collection[str]) -> dict[str, str]:
    """Those of the names that stand for another article → the publisher's id of that article."""
    a, m, s = articles.c, merges.c, article_aliases.c
    aliases = select(s.external_id, s.article_id).where(s.site == site, s.external_id.in_(names))
    merged = (
        select(a.external_id, m.into_id)
        .join_from(articles, merges, m.article_id == a.id)
        .where(a.site == site, a.external_id.in_(names), m.leads)
    )
    rows = connection.execute(aliases.union_all(merged)).all()
    if not rows:
        return {}
    ends = follow(connection, {id for _, id in rows})
    named = connection.execute(select(a.id, a.external_id).where(a.id.in_(set(ends.values())))).all()
    ids = {id: name for id, name in named}
    return {name: ids[ends[id]] for name, id in rows}


def follow(connection: Connection, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Where merges lead from each of these articles: to itself, if it was not merged."""
    ends = {id: id for id in ids}
    m = merges.c
    for _ in range(LONGEST):
        found = select(m.article_id, m.into_id).where(m.article_id.in_(set(ends.values())), m.leads)
        on = {article_id: into_id for article_id, into_id in connection.execute(found)}
        if not on:
            break
        ends = {id: on.get(end, end) for id, end in ends.items()}
    return ends
