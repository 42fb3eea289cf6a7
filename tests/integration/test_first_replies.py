"""The first replies below many comments, found at once: the same as one finds place by place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from uuid import UUID

import pytest

from engagement import clock
from engagement.comments.replies import INLINE, Below, first_replies, shown_of
from engagement.db import bulk
from engagement.db.articles import article_ids, insert_articles
from engagement.db.engine import Database
from engagement.db.tables import comments
from tests.filling import COLUMNS, add_reader

NESTING = 3


class Grove:
    """An article with comments that answer each other at random, some of them not shown."""

    def __init__(self, database: Database, seed: int, many: int = 150) -> None:
        random, author, now = Random(seed), add_reader(database), clock.now()
        with database.write() as connection:
            insert_articles(connection, [("demo", "grove")])
            (self.article,) = article_ids(connection, [("demo", "grove")]).values()
        self.places: dict[UUID, list[UUID]] = defaultdict(list)
        above = {self.article: (-1, self.article)}
        rows = []
        ids = [clock.new_id() for _ in range(many)]
        for id in ids:
            parent = random.choice([self.article, *above])
            depth, listed_in = above[parent]
            place = listed_in if depth >= NESTING else parent
            above[id] = depth + 1, place
            shown = random.random() < 0.85
            if shown:
                self.places[place].append(id)
            status = "approved" if shown else "pending"
            rows.append(
                (self.article, id, parent, depth + 1, author, status, shown, "a", "a", 1,
                 1, now, "", 0, 0, 0, False, False, 0, 0.0, 0.0, 0.0, None if place == parent else place)
            )  # fmt: skip
        random.shuffle(rows)
        with database.write() as connection:
            bulk.put(connection, comments, (*COLUMNS, "place_id"), rows)

    def below(self, ids: Sequence[UUID]) -> Below:
        """What is to be found, place by place."""
        found: Below = {}
        for many in INLINE:
            found |= {id: self.places[id][: many + 1] for id in ids if self.places.get(id)}
            ids = [reply for id in ids for reply in self.places.get(id, [])[:many]]
        return found


@pytest.mark.parametrize("seed", range(8))
def test_they_are_those_that_each_place_has(database: Database, seed: int) -> None:
    grove = Grove(database, seed)
    roots = grove.places[grove.article]
    with database.read() as connection:
        for ids in (roots, roots[::-1], roots[:1], roots[3:40:2], grove.places[roots[0]], []):
            found = first_replies(connection, grove.article, ids)
            assert {place: replies for place, replies in found.items() if replies} == grove.below(ids)
            assert all(shown_of(found, [id]) == shown_of(grove.below([id]), [id]) for id in ids)


def test_none_are_told_deeper_than_lists_go(database: Database) -> None:
    author, now = add_reader(database), clock.now()
    with database.write() as connection:
        insert_articles(connection, [("demo", "well")])
        (article,) = article_ids(connection, [("demo", "well")]).values()
        chain = [article, *(clock.new_id() for _ in range(8))]
        rows = [
            (article, id, parent, 0, author, "approved", True, "a", "a", 1,
             1, now, "", 0, 0, 0, False, False, 0, 0.0, 0.0, 0.0)
            for parent, id in pairwise(chain)
        ]  # fmt: skip
        bulk.put(connection, comments, COLUMNS, rows)
    with database.read() as connection:
        found = first_replies(connection, article, [chain[1]])
    assert {place: replies for place, replies in found.items() if replies} == {
        place: [reply] for place, reply in pairwise(chain[1 : 2 + len(INLINE)])
    }
