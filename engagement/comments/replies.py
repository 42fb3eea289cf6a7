"""Finds the first replies of many comments at once, level below level, each place by its index."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

INLINE = (3, 2, 1, 0)
"""How many first replies stand in a list, by their level below it; what is deeper comes by cursor."""
Below = dict[UUID, list[UUID]]
"""Place → the ids of its first replies, one more than are shown."""


def first_replies(connection: Connection, article_id: UUID, ids: Sequence[UUID]) -> Below:
    """Of these comments, of their first replies, and so on, as deep as `INLINE` goes."""
    below: Below = {}
    for shown in INLINE:
        if not ids:
            break
        found = _oldest(connection, article_id, ids, shown + 1)
        below |= found
        ids = [id for place in ids for id in found[place][:shown]]
    return below


def shown_of(below: Below, ids: Sequence[UUID]) -> list[UUID]:
    """The replies below these comments that are shown."""
    shown: list[UUID] = []
    for many in INLINE:
        ids = [reply for id in ids for reply in below.get(id, [])[:many]]
        shown += ids
    return shown


def _oldest(connection: Connection, article_id: UUID, places: Sequence[UUID], each: int) -> Below:
    """The oldest replies in each place."""
    found: Below = {place: [] for place in places}
    if connection.dialect.name == "postgresql":
        for place, id in connection.exec_driver_sql(BY_PLACE, (list(places), article_id, each)).all():
            found[place].append(id)
        return found
    words = " UNION ALL ".join([IN_PLACE] * len(places))
    given = [value for place in places for value in (place.bytes, article_id.bytes, place.bytes, each)]
    for place, id in connection.exec_driver_sql(words, tuple(given)).all():
        found[UUID(bytes=place)].append(UUID(bytes=id))
    return found


BY_PLACE = """
SELECT p.id, reply.id FROM unnest(%s::uuid[]) AS p (id) CROSS JOIN LATERAL (
    SELECT id FROM comments
    WHERE article_id = %s AND coalesce(place_id, parent_id) = p.id AND shown ORDER BY id LIMIT %s
) AS reply"""
IN_PLACE = """
SELECT * FROM (
    SELECT ?, id FROM comments
    WHERE article_id = ? AND coalesce(place_id, parent_id) = ? AND shown = 1 ORDER BY id LIMIT ?
)"""
"""SQLite has no LATERAL."""
