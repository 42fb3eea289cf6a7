"""Pages after the first, in an order that moves while it is read: each comment exactly once.

The second page fixes the order of the walk as a list of ids (`hot.walks`). What the first page has shown is
left out, wherever it stands by now; what the list lacks follows at its end, newest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from engagement import clock
from engagement.comments import listing
from engagement.comments.paging import Cursor, tail
from engagement.comments.ranking import ORDERS
from engagement.db.engine import Database
from engagement.db.packed import packed_ids
from engagement.errors import Expired
from engagement.hot.walks import LONGEST, Walk, Walks, half
from engagement.sites.service import Article

LATE = 60_000
"""Milliseconds that a comment's transaction may take at most: so much later its id may come to be seen."""
Step = tuple[UUID, Cursor]
"""A comment, and where to go on after it."""


class Walking:
    """Walks through what is shown in a place of an article."""

    def __init__(self, database: Database, walks: Walks) -> None:
        self._database = database
        self._walks = walks

    def page(
        self, article: Article, place: UUID, cursor: Cursor, limit: int
    ) -> tuple[list[UUID], Cursor | None]:
        """The ids of the next page, and where to go on. Raises `Expired`, `Unavailable`."""
        taken: list[Step] = []
        for step in self._steps(article, place, cursor, limit + 1):
            taken.append(step)
            if len(taken) > limit:
                break
        ids = [id for id, _ in taken[:limit]]
        return ids, taken[limit - 1][1] if len(taken) > limit else None

    def _steps(self, article: Article, place: UUID, cursor: Cursor, wanted: int) -> Iterator[Step]:
        shown = cursor.tails
        at, count = cursor.at, wanted + len(shown)
        walk = self._begin(article, place, cursor, count) if not cursor.walk else None
        if walk is None:
            walk = self._walks.read(article.site, article.external_id, cursor.walk, at, count)
        if walk is None:
            raise Expired("This list was left for too long. Begin again from the first page.")
        for id in walk.ids:
            at += 1
            if tail(id) not in shown:
                yield id, Cursor(cursor.sort, walk=walk.name, at=at, shown=cursor.shown)
        if len(walk.ids) == count:
            return
        yield from self._rest(article, place, cursor, walk, at)

    def _rest(self, article: Article, place: UUID, cursor: Cursor, walk: Walk, at: int) -> Iterator[Step]:
        """What the list lacks: what came after it was made, and where it was cut, what is past its end."""
        listed = self._walks.halves(article.site, article.external_id, walk.name)
        if listed is None:
            raise Expired("This list was left for too long. Begin again from the first page.")
        shown = cursor.tails
        since = _first_id(walk.made_at - LATE) if walk.whole else None
        with self._database.read() as connection:
            for found in listing.rest(connection, article.id, place, cursor.after, since):
                passed = {half(id) for id in found}.intersection(listed)
                for id in found:
                    if half(id) not in passed and tail(id) not in shown:
                        yield id, Cursor(cursor.sort, after=id, walk=walk.name, at=at, shown=cursor.shown)

    def _begin(self, article: Article, place: UUID, cursor: Cursor, count: int) -> Walk | None:
        """A list that was made a moment ago, or a new one."""
        at = article.site, article.external_id
        name = self._walks.newest(*at, place, cursor.sort)
        found = self._walks.read(*at, name, 0, count) if name else None
        if found is not None:
            return found
        made_at = int(clock.now().timestamp() * 1_000)
        with self._database.read() as connection:
            statement = listing.listed(article.id, place, ORDERS[cursor.sort]).limit(LONGEST + 1)
            ids = packed_ids(connection, statement)
        name = self._walks.keep(*at, place, cursor.sort, made_at, ids)
        return self._walks.read(*at, name, 0, count)


def _first_id(ms: int) -> UUID:
    """Before every UUIDv7 of that millisecond."""
    return UUID(bytes=ms.to_bytes(6, "big") + bytes(10))
