"""What a process remembers of names: what it costs, and what it goes on with."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from engagement import clock
from engagement.db import names
from engagement.db.articles import article_ids, insert_articles
from engagement.db.engine import Database
from engagement.db.tables import article_aliases
from engagement.settings import Settings
from engagement.sites.names import Names
from tests.jobs_world import CrashingDatabase
from tests.stores import SqlStore


class Reads:
    """A process's memory of names, the reads of SQL that it costs, and its clock."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        self.now = 0.0
        self.names = Names(CrashingDatabase(database, self._tick), lambda: self.now)

    def _tick(self) -> None:
        self.count += 1

    def of(self, *asked: str) -> int:
        """How many reads it costs to ask."""
        before = self.count
        self.names.resolve("demo", asked)
        return self.count - before


@pytest.fixture
def reads(database: Database) -> Reads:
    return Reads(database)


def put_alias(database: Database, article: str, other: str) -> None:
    with database.write() as connection:
        insert_articles(connection, [("demo", article)])
        id = article_ids(connection, [("demo", article)])["demo", article]
        row = {"site": "demo", "external_id": other, "article_id": id, "created_at": clock.now()}
        connection.execute(insert(article_aliases).values(**row))
        names.changed(connection)


def test_fifty_names_are_read_at_once_and_then_cost_nothing(database: Database, reads: Reads) -> None:
    put_alias(database, "story", "other")
    fifty = ["other", *(f"a{n}" for n in range(49))]
    reads.of()  # is anything new?
    assert reads.of(*fifty) == 1
    assert [reads.of(*fifty) for _ in range(3)] == [0, 0, 0]
    assert reads.names.resolve("demo", ["other", "a1"]) == {"other": "story", "a1": "a1"}
    assert reads.names.resolve("known", ["other"]) == {"other": "other"}


def test_once_a_second_one_small_read_tells_whether_anything_changed(
    database: Database, reads: Reads
) -> None:
    assert reads.of("other") == 2
    for _ in range(3):
        reads.now += 1.0
        assert [reads.of("other"), reads.of("other")] == [1, 0]
    put_alias(database, "story", "other")
    assert reads.names.resolve("demo", ["other"]) == {"other": "other"}
    reads.now += 1.0
    assert reads.names.resolve("demo", ["other"]) == {"other": "story"}


def test_without_sql_what_stood_for_an_article_goes_on_doing_so_even_if_it_was_forgotten(
    database: Database, reads: Reads, settings: Settings, sql_store: SqlStore
) -> None:
    put_alias(database, "story", "other")
    assert reads.names.resolve("demo", ["other"]) == {"other": "story"}
    put_alias(database, "story", "more")
    reads.now += 1.0
    reads.of()  # everything is forgotten
    sql_store.take_away(settings.database_url)
    assert reads.names.resolve("demo", ["other", "a"]) == {"other": "story", "a": "a"}


def test_what_is_of_another_time_than_what_is_known_is_told_and_not_kept(
    database: Database, reads: Reads
) -> None:
    """SQL was read before a change that another thread knows of, or after one that none has noticed."""
    assert reads.of("other") == 2
    put_alias(database, "story", "other")
    assert reads.names.resolve("demo", ["more", "other"]) == {"more": "more", "other": "other"}
    put_alias(database, "story", "more")
    assert [reads.of("new"), reads.of("new")] == [1, 1]
    reads.now += 1.0
    assert reads.names.resolve("demo", ["more", "other"]) == {"more": "story", "other": "story"}
    assert [reads.of("new"), reads.of("new")] == [1, 0]
