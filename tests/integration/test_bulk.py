"""Many rows in one statement do what one row after the other would, whatever stands in them."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from engagement import clock
from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.tables import dead_letters, outbox, tallies

KEY = ("article_id", "kind", "subject_id", "choice")
ids = st.sampled_from([UUID(int=n) for n in range(3)])
# PostgreSQL takes no NUL, and UTF-8 no lone surrogate.
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
) | st.sampled_from(['"', "\\", '","', '\\"', "{}", "NULL", "a,b", "'", "", "ß\U0001f60a"])
keys = st.tuples(ids, st.sampled_from(["mood", "vote"]), ids, texts)
rows = st.dictionaries(keys, st.integers(-(2**40), 2**40), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=rows, second=rows, third=rows, gone=st.lists(keys, max_size=6, unique=True))
def test_rows_are_put_added_to_changed_removed_and_found(
    database: Database,
    first: dict[bulk.Row, int],
    second: dict[bulk.Row, int],
    third: dict[bulk.Row, int],
    gone: list[bulk.Row],
) -> None:
    model = dict(first)
    columns = (*KEY, "count")
    with database.write() as connection:
        connection.execute(tallies.delete())
        assert bulk.put(connection, tallies, columns, [(*k, n) for k, n in first.items()]) == len(first)
        bulk.put(connection, tallies, columns, [(*k, n) for k, n in second.items()], add=("count",))
        for key, count in second.items():
            model[key] = model.get(key, 0) + count
        changed = bulk.change(
            connection, tallies, KEY, [(*k, n) for k, n in third.items()], replace=("count",)
        )
        assert changed == len(model.keys() & third.keys())
        model |= {key: count for key, count in third.items() if key in model}
        assert bulk.remove(connection, tallies, KEY, gone) == len(model.keys() & set(gone))
        model = {key: count for key, count in model.items() if key not in gone}
        assert bulk.put(connection, tallies, columns, [(*k, 0) for k in model]) == 0  # what is there stays
        asked = [*first, *second]
        found = bulk.fetch(connection, tallies, KEY, list(dict.fromkeys(asked)), columns)
        counted = bulk.count(connection, tallies, KEY[:2], list({key[:2] for key in asked}), "choice")
        ballots = list({key[:3] for key in asked})
        present = bulk.present(connection, tallies, KEY[:3], ballots)
        locked = bulk.lock(connection, tallies, KEY, list(model))
    assert {row[:4]: row[4] for row in found} == {k: n for k, n in model.items() if k in asked}
    assert set(locked) == model.keys()
    assert sorted(present) == sorted(set(ballots) & {key[:3] for key in model})  # once, however many rows
    of_asked = Counter((*key[:2], key[3]) for key in model if key[:2] in {one[:2] for one in asked})
    assert {row[:3]: row[3] for row in counted} == of_asked
    with database.read() as connection:
        stored = {
            tuple(row[:4]): row[4] for row in connection.execute(select(*(tallies.c[c] for c in columns)))
        }
    assert stored == model


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(there=rows, new=rows)
def test_new_rows_are_put_all_or_none(
    database: Database, there: dict[bulk.Row, int], new: dict[bulk.Row, int]
) -> None:
    columns = (*KEY, "count")
    with database.write() as connection:
        connection.execute(tallies.delete())
        bulk.put(connection, tallies, columns, [(*k, n) for k, n in there.items()])
        disjoint = not there.keys() & new.keys()
        assert bulk.put_new(connection, tallies, columns, [(*k, n) for k, n in new.items()]) == disjoint
    with database.read() as connection:
        stored = {
            tuple(row[:4]): row[4] for row in connection.execute(select(*(tallies.c[c] for c in columns)))
        }
    assert stored == (there | new if disjoint else there)


def test_new_rows_of_several_statements_are_put_all_or_none(database: Database) -> None:
    many = [(UUID(int=n), "mood", UUID(int=n), "happy", n) for n in range(20_000)]
    columns = (*KEY, "count")
    with database.write() as connection:
        bulk.put(connection, tallies, columns, many[-1:])
        assert not bulk.put_new(connection, tallies, columns, many)
        assert connection.scalar(select(func.count()).select_from(tallies)) == 1
        assert bulk.put_new(connection, tallies, columns, many[:-1])
        assert connection.scalar(select(func.count()).select_from(tallies)) == len(many)


def test_values_come_back_as_the_table_has_them(database: Database) -> None:
    now, letter = clock.now(), ("ballot", "1-1", UUID(int=7), "up", "no such comment")
    columns = ("ballot", "entry_id", "reader_id", "choice", "reason", "chosen_at")
    with database.write() as connection:
        bulk.put(connection, dead_letters, columns, [(*letter, now)])
        assert bulk.fetch(connection, dead_letters, ("reader_id",), [(UUID(int=7),)], columns) == [
            (*letter, now)
        ]


def test_more_rows_than_a_statement_takes_go_in_parts(database: Database) -> None:
    article, now = UUID(int=1), clock.now()
    events = [(article, UUID(int=n), "comment.posted", now) for n in range(20_000)]
    with database.write() as connection:
        columns = ("article_id", "comment_id", "event", "created_at")
        assert bulk.put(connection, outbox, columns, events) == 20_000
        wanted = [(article, UUID(int=n)) for n in range(0, 20_000, 2)]
        found = bulk.fetch(connection, outbox, ("article_id", "comment_id"), wanted, ("comment_id",))
        assert len(found) == 10_000
        assert bulk.remove(connection, outbox, ("article_id", "comment_id"), wanted) == 10_000


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.write() as connection:
        assert bulk.put(connection, tallies, (*KEY, "count"), []) == 0
        assert bulk.put_new(connection, tallies, (*KEY, "count"), [])
        assert bulk.change(connection, tallies, KEY, [], replace=("count",)) == 0
        assert bulk.remove(connection, tallies, KEY, []) == 0
        assert bulk.fetch(connection, tallies, KEY, [], ("count",)) == []
        assert bulk.lock(connection, tallies, KEY, []) == []
