"""What is read in an order is read from that order's index."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Select

from engagement import clock
from engagement.comments.insertion import AT_ONCE, AT_ONCE_WAITING, HOLD, HOLD_WAITING
from engagement.comments.listing import listed
from engagement.comments.newest import newest_of_site
from engagement.comments.ranking import ORDERS
from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.tables import bars, comments, idempotency_keys, readers
from engagement.moderation.queue.service import After, Search, _from, _statement
from engagement.readers.bars import ERASED

INDEXES = {
    "best": "by_best",
    "newest": "by_age",
    "oldest": "by_age",
    "top": "by_score",
    "discussed": "by_replies",
    "controversial": "by_controversy",
    "hot": "by_heat",
}


def plan(database: Database, statement: Select[Any]) -> str:
    """How the store would read it."""
    compiled = statement.compile(database.engine)
    given = tuple(
        value.bytes if isinstance(value, UUID) and database.engine.dialect.name == "sqlite" else value
        for value in (compiled.params[name] for name in compiled.positiontup or ())
    )
    with database.read() as connection:
        if database.engine.dialect.name == "sqlite":
            return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", given).all())
        for costly in ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
            connection.exec_driver_sql(f"SET LOCAL {costly} = off")  # as if the table were large
        return str(connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params).all())


@pytest.mark.sqlite_only("PostgreSQL goes by what a table holds")
@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_comments_is_read_from_its_index(database: Database, order: str) -> None:
    c = comments.c
    at = clock.new_id()
    statement = listed(at, at, ORDERS[order]).limit(20)
    read = plan(database, statement)
    assert f"ix_comments_{INDEXES[order]}" in read
    assert "TEMP B-TREE" not in read
    pinned = plan(database, statement.where(c.pinned)) if order == "newest" else "ix_comments_pinned"
    assert "ix_comments_pinned" in pinned


def test_the_newest_comments_of_a_site_are_read_from_the_end_of_an_index(database: Database) -> None:
    read = plan(database, newest_of_site("demo", 200, 50))
    assert "ix_comments_newest" in read
    assert "ix_articles_site" not in read


QUEUES = {
    ("pending", "oldest"): "by_status",
    ("pending", "priority"): "pressing_pending",
    ("reported", "oldest"): "reported",
    ("reported", "priority"): "pressing_reported",
    ("unmoderated", "oldest"): "unmoderated",
    ("unmoderated", "priority"): "pressing_unmoderated",
    ("approved", "newest"): "by_status",
    ("rejected", "oldest"): "by_status",
    ("spam", "newest"): "by_status",
}


@pytest.mark.sqlite_only("PostgreSQL goes by what a table holds")
@pytest.mark.parametrize(("queue", "sort"), QUEUES, ids=map("-".join, QUEUES))
def test_every_queue_is_read_from_its_index_in_order(database: Database, queue: str, sort: str) -> None:
    key = -0.5 if sort == "priority" else clock.now()
    after = After(sort, key, clock.new_id())
    with database.read() as connection:
        statement = _statement(connection, "demo", Search(queue, sort))
    assert statement is not None
    for page in (statement, _from(statement, Search(queue, sort), after)):
        read = plan(database, page.limit(20))
        assert f"ix_cases_{QUEUES[queue, sort]} " in read
        assert "TEMP B-TREE" not in read


@pytest.mark.postgresql_only("SQLite is given one row at a time")
def test_who_posts_is_looked_up_though_readers_were_never_counted(database: Database) -> None:
    everybody = [(clock.new_id(), "demo", None, clock.now()) for _ in range(5_000)]
    with database.write() as connection:
        bulk.put(connection, readers, ("id", "site", "name", "created_at"), everybody)
    with database.read() as connection:
        for hold in (HOLD, HOLD_WAITING):
            words = hold._for(connection.dialect).text
            plan = str(connection.exec_driver_sql(f"EXPLAIN {words}", {"rows": "[]"}).all())
            assert "pk_readers" in plan
            assert "Seq Scan on readers" not in plan


@pytest.mark.postgresql_only("SQLite is given one row at a time")
def test_what_speaks_against_a_comment_is_looked_up_among_thousands(database: Database) -> None:
    now, ids = clock.now(), [clock.new_id() for _ in range(5_000)]
    with database.write() as connection:
        bulk.put(connection, readers, ("id", "site", "name", "created_at"), [(ids[0], "demo", None, now)])
        keys = [(ids[0], f"key {id}", id, id, "digest", now) for id in ids]
        named = ("reader_id", "key", "article_id", "comment_id", "digest", "created_at")
        bulk.put(connection, idempotency_keys, named, keys)
        bulk.put(
            connection,
            bars,
            ("reader_id", "site", "kind", "since"),
            [(id, "demo", ERASED, now) for id in ids],
        )
        for table in (idempotency_keys, bars):
            connection.exec_driver_sql(f"ANALYZE {table.name}")
    with database.read() as connection:
        for at_once in (AT_ONCE, AT_ONCE_WAITING):
            words = at_once._for(connection.dialect).text
            plan = str(connection.exec_driver_sql(f"EXPLAIN {words}", {"rows": "[]"}).all())
            for table in (idempotency_keys, bars):
                assert f"Seq Scan on {table.name}" not in plan
