"""What a process knows of the readers who are kept out."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, update

from engagement import clock
from engagement.breaker import Verdict
from engagement.db.engine import Database
from engagement.db.tables import bars, readers
from engagement.errors import Unauthorized
from engagement.readers.bars import ERASED, OVERLAP, REFRESH, Bars, put_bar
from engagement.settings import Settings
from tests.stores import SqlStore


class Ticks:
    """A clock that the test moves."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def go_on(self) -> None:
        self.now += REFRESH


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def known(database: Database, ticks: Ticks) -> Bars:
    return Bars(database, ticks)


def bar(database: Database) -> UUID:
    id = clock.new_id()
    with database.write() as connection:
        put_bar(connection, id, "demo", ERASED)
    return id


def is_kept_out(known: Bars, reader: UUID) -> bool:
    try:
        known.check(reader)
    except Unauthorized:
        return True
    return False


def test_sql_is_read_at_most_once_a_second(database: Database, known: Bars, ticks: Ticks) -> None:
    first = bar(database)
    assert is_kept_out(known, first)
    second = bar(database)
    assert not is_kept_out(known, second)
    ticks.go_on()
    assert is_kept_out(known, second)
    assert is_kept_out(known, first)
    assert not is_kept_out(known, clock.new_id())


@pytest.mark.postgresql_only("SQLite has one writer, so numbers commit in their order")
def test_a_bar_that_commits_after_a_younger_one_is_seen(
    database: Database, known: Bars, ticks: Ticks
) -> None:
    late = clock.new_id()
    with database.write() as connection:
        put_bar(connection, late, "demo", ERASED)
        young = bar(database)
        assert is_kept_out(known, young)
    ticks.go_on()
    assert is_kept_out(known, late)


def test_what_is_old_is_read_once(database: Database, known: Bars, ticks: Ticks) -> None:
    """Else each process would read every bar there ever was, every second."""
    old = bar(database)
    with database.write() as connection:
        connection.execute(update(bars).values(since=clock.now() - 2 * OVERLAP))
    assert is_kept_out(known, old)
    with database.write() as connection:
        connection.execute(update(bars).values(reader_id=clock.new_id()))  # it is not read again
    ticks.go_on()
    young = bar(database)
    assert is_kept_out(known, young)
    assert len(known._known) == 2


def test_a_bar_that_is_put_anew_with_an_end_is_over_then(
    database: Database, known: Bars, ticks: Ticks
) -> None:
    reader = bar(database)
    assert is_kept_out(known, reader)
    with database.write() as connection:
        put_bar(connection, reader, "demo", ERASED, until=clock.now())
        assert connection.scalar(select(func.count()).select_from(bars)) == 1
    ticks.go_on()
    assert not is_kept_out(known, reader)


def test_while_sql_is_down_what_is_known_holds(
    settings: Settings, sql_store: SqlStore, database: Database, known: Bars, ticks: Ticks
) -> None:
    reader = bar(database)
    assert is_kept_out(known, reader)
    sql_store.take_away(settings.database_url)
    ticks.go_on()
    assert is_kept_out(known, reader)
    assert not is_kept_out(known, clock.new_id())


def test_no_request_waits_to_find_out_whether_sql_is_back(
    database: Database, known: Bars, ticks: Ticks
) -> None:
    """The breaker is open, and its next call would be the probe."""
    reader = bar(database)
    database.breaker.leave(database.breaker.enter(), Verdict.HUNG)
    database.breaker._next = 0.0
    assert not is_kept_out(known, reader)
    assert database.breaker.is_open
    database.ping()
    assert is_kept_out(known, reader)


def test_a_process_that_begins_while_sql_is_down_knows_nothing(sql_store: SqlStore, tmp_path: Path) -> None:
    assert not is_kept_out(Bars(Database(sql_store.nowhere(tmp_path))), clock.new_id())


def test_when_sql_goes_back_all_is_read_anew(
    settings: Settings, sql_store: SqlStore, database: Database, known: Bars, ticks: Ticks
) -> None:
    early = bar(database)
    sql_store.back_up(settings.database_url)
    lost = [bar(database), bar(database)]
    assert is_kept_out(known, lost[1])
    sql_store.restore(settings.database_url)
    ticks.go_on()
    assert [is_kept_out(known, reader) for reader in (early, *lost)] == [True, False, False]


def test_a_number_is_never_given_again(database: Database) -> None:
    """A process that has read it would not read it again."""
    reader = bar(database)
    numbers = []
    for _ in range(3):
        with database.write() as connection:
            put_bar(connection, reader, "demo", ERASED)
            numbers.append(connection.scalar(select(bars.c.number)))
    assert numbers == sorted(set(numbers))  # type: ignore[type-var]


def test_bars_of_another_kind_are_not_this_ones(database: Database, known: Bars) -> None:
    id = clock.new_id()
    with database.write() as connection:
        connection.execute(insert(readers).values(id=id, site="demo", created_at=clock.now()))
        put_bar(connection, id, "demo", "another")
    assert not is_kept_out(known, id)
