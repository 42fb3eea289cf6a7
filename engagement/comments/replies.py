"""Finds the first replies of many comments at once, level below level, each place by its index."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from engagement.db.packed import array
from engagement.db.prepared import Prepared

INLINE = (3, 2, 1, 0)
"""How many first replies stand in a list, by their level below it; what is deeper comes by cursor."""
Below = dict[UUID, list[UUID]]
"""Place → the ids of its first replies, one more than are shown."""


def first_replies(connection: Connection, article_id: UUID, ids: Sequence[UUID]) -> Below:
    """Of these comments, of their first replies, and so on, as deep as `INLINE` goes.

    None of them stands below another.
    """
    if connection.dialect.name == "postgresql":
        return _at_once(connection, article_id, ids)
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


def _at_once(connection: Connection, article_id: UUID, ids: Sequence[UUID]) -> Below:
    below: Below = {}
    for place, id in BELOW.all(connection, {"article": article_id, "ids": array(ids)}):
        below.setdefault(place, []).append(id)
    return below


def _oldest(connection: Connection, article_id: UUID, places: Sequence[UUID], each: int) -> Below:
    """The oldest replies in each place."""
    found: Below = {place: [] for place in places}
    words = " UNION ALL ".join([IN_PLACE] * len(places))
    given = [value for place in places for value in (place.bytes, article_id.bytes, place.bytes, each)]
    for place, id in connection.exec_driver_sql(words, tuple(given)).all():
        found[UUID(bytes=place)].append(UUID(bytes=id))
    return found


# The numbers are in its words so that the planner knows how few they are.
BELOW = Prepared(
    text(f"""
WITH RECURSIVE below (place, id, level, nth) AS (
    SELECT NULL::uuid, asked.id, 0, 0::bigint FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    UNION ALL
    SELECT below.id, reply.id, below.level + 1, reply.nth FROM below CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY id) AS nth FROM comments
        WHERE article_id = :article AND coalesce(place_id, parent_id) = below.id AND shown
        ORDER BY id LIMIT {max(INLINE) + 1}
    ) AS reply
    WHERE below.nth <= (ARRAY{[0, *INLINE]})[below.level + 1]
        AND reply.nth <= (ARRAY{[*INLINE]})[below.level + 1] + 1
)
SELECT place, id FROM below WHERE level > 0 ORDER BY nth""")
)
IN_PLACE = """
SELECT * FROM (
    SELECT ?, id FROM comments
    WHERE article_id = ? AND coalesce(place_id, parent_id) = ? AND shown = 1 ORDER BY id LIMIT ?
)"""
"""SQLite has no LATERAL."""
