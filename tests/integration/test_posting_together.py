"""Comments that are posted at the same time: one transaction, and nobody bears the faults of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from engagement.comments.posting import Posts
from engagement.comments.storing import New, Taken, Written
from engagement.comments.verdict import Record
from engagement.db.engine import Database
from engagement.db.tables import articles, idempotency_keys, sites
from engagement.errors import DatabaseUnavailable, Invalid, Problem, Repeated
from engagement.hot.connection import Hot
from tests.posting_desk import NESTING, OTHER, STORY, Desk, Reading, kinds, make_desk
from tests.waiting import until

LONG = 60.0


@pytest.fixture
def desk(database: Database, hot: Hot) -> Desk:
    return make_desk(database, hot)


class Crowd:
    """Readers who post at the same time: the first holds the transaction open until the others wait."""

    def __init__(self, desk: Desk) -> None:
        self.told: dict[str, Written | Exception] = {}
        self.desk = desk
        self._first, self._go = Event(), Event()
        self._threads: list[Thread] = []

    def post(self, *news: New) -> None:
        """All told: see `told`, by what they say."""
        before = self.desk.judge.meets

        def hold(connection: Connection, records: Sequence[Record]) -> None:
            if not self._first.is_set():
                self._first.set()
                assert self._go.wait(LONG)
            before(connection, records)

        self.desk.judge.meets = hold
        self._start(self.desk.new("the one before"))
        assert self._first.wait(LONG)
        for new in news:
            self._start(new)
        until(lambda: self.desk.posts.waiting == len(news))
        self._go.set()
        for thread in self._threads:
            thread.join(LONG)
            assert not thread.is_alive()
        assert type(self.told.pop("the one before")) is Written

    def _start(self, new: New) -> None:
        thread = Thread(target=self._post, args=(new,))
        thread.start()
        self._threads.append(thread)

    def _post(self, new: New) -> None:
        try:
            self.told[new.judged.text] = self.desk.posts.post(new)
        except (Problem, RuntimeError, IntegrityError) as error:
            self.told[new.judged.text] = error


@pytest.fixture
def crowd(desk: Desk) -> Crowd:
    return Crowd(desk)


def texts(records: Sequence[Record]) -> list[str]:
    return [judged.text for judged, _, _ in records]


def test_those_who_post_at_the_same_time_are_stored_in_one_transaction(desk: Desk, crowd: Crowd) -> None:
    recorded: list[list[str]] = []
    desk.judge.meets = lambda _, records: recorded.append(texts(records))
    gone = desk.new("no parent", parent_id=UUID(int=1))
    crowd.post(desk.new("one"), gone, desk.new("two"))
    assert [sorted(group) for group in recorded] == [["the one before"], ["one", "two"], []]
    assert {said: type(outcome) for said, outcome in crowd.told.items()} == {
        "one": Written, "two": Written, "no parent": Invalid,
    }  # fmt: skip
    assert desk.stored()[0] == "the one before"
    assert sorted(desk.stored()[1:]) == ["one", "two"]


def fail(_: Connection) -> None:
    raise RuntimeError


def repeat_a_key(connection: Connection) -> None:
    connection.execute(insert(sites), {"key": "demo", "name": "", "origins": [], "articles": "open"})


@pytest.mark.parametrize("fault", [fail, repeat_a_key], ids=["of ours", "told by the store"])
def test_one_that_can_not_be_stored_fails_none_of_the_others(
    desk: Desk, crowd: Crowd, fault: Callable[[Connection], None]
) -> None:
    recorded: list[list[str]] = []

    def meets(connection: Connection, records: Sequence[Record]) -> None:
        recorded.append(texts(records))
        if "faulty" in texts(records):
            fault(connection)

    desk.judge.meets = meets
    crowd.post(*(desk.new(said, idempotency_key="k") for said in ("one", "faulty", "two")))
    faulty = crowd.told.pop("faulty")
    assert isinstance(faulty, RuntimeError | IntegrityError)
    assert {said: type(outcome) for said, outcome in crowd.told.items()} == {"one": Written, "two": Written}
    assert sorted(recorded[1]) == ["faulty", "one", "two"]
    assert sorted(recorded[2:]) == [["faulty"], ["one"], ["two"]]
    assert sorted(desk.stored()) == ["one", "the one before", "two"]
    with desk.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(idempotency_keys)) == 2


def test_of_one_reader_who_says_the_same_at_once_it_is_stored_once(desk: Desk, crowd: Crowd) -> None:
    ann, ben = desk.reader(), desk.reader()
    said = "what is said twice is said once"
    outcomes: list[str] = []

    def post(new: New) -> None:
        try:
            desk.posts.post(new)
            outcomes.append("stored")
        except (Repeated, Taken) as error:
            outcomes.append(type(error).__name__)

    news = [desk.new(said, ann) for _ in range(3)] + [
        desk.new("a word", ben, idempotency_key="k") for _ in range(3)
    ]
    threads = [Thread(target=post, args=(new,)) for new in news]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert sorted(outcomes) == ["Repeated", "Repeated", "Taken", "Taken", "stored", "stored"]
    assert sorted(desk.stored()) == ["a word", said]


@contextmanager
def holding(desk: Desk, name: str) -> Iterator[None]:
    """As long as the block lasts somebody holds the article as who merges it does."""
    with desk.database.write() as connection:
        connection.execute(select(articles).where(articles.c.external_id == name).with_for_update())
        yield


@pytest.mark.postgresql_only("SQLite has one writer")
def test_who_waits_for_an_article_that_is_held_holds_up_nobody_else(desk: Desk) -> None:
    waiting, fine, told = desk.new("waiting"), desk.new("fine", article=OTHER), []
    thread = Thread(target=lambda: told.append(desk.posts.post(waiting)))
    with holding(desk, STORY):
        thread.start()
        until(lambda: waits_for_a_lock(desk.database))
        assert type(desk.posts.post(fine)) is Written
        assert told == []
    thread.join(LONG)
    assert kinds(told) == [Written]
    assert sorted(desk.stored()) == ["fine", "waiting"]


def waits_for_a_lock(database: Database) -> bool:
    statement = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.read() as connection:
        return bool(connection.scalar(text(statement)))


@pytest.mark.postgresql_only("SQLite has one writer")
def test_a_key_that_another_process_is_using_just_now_is_taken_once_it_has(desk: Desk) -> None:
    ann = desk.reader()
    mine, other = (desk.new("said once", ann, idempotency_key="k") for _ in range(2))
    told: list[Any] = []
    beside = Posts(desk.database, desk.pages, Reading(), NESTING)

    def post() -> None:
        try:
            told.append(beside.post(other))
        except Taken as taken:
            told.append(taken)

    thread = Thread(target=post)

    def meets(_connection: Connection, _records: Sequence[Record]) -> None:
        thread.start()
        until(lambda: waits_for_a_lock(desk.database))

    desk.judge.meets = meets
    assert type(desk.posts.post(mine)) is Written
    thread.join(LONG)
    assert kinds(told) == [Taken]
    assert desk.stored() == ["said once"]


@pytest.mark.postgresql_only("SQLite has no connections to lose")
def test_when_the_store_is_lost_at_the_last_moment_all_are_told_and_none_is_tried_again(
    desk: Desk, crowd: Crowd
) -> None:
    recorded: list[list[str]] = []

    def meets(connection: Connection, records: Sequence[Record]) -> None:
        recorded.append(texts(records))
        if len(recorded) == 2:
            mine = connection.scalar(text("SELECT pg_backend_pid()"))
            with desk.database.write() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": mine})

    desk.judge.meets = meets
    crowd.post(desk.new("one"), desk.new("two"))
    assert kinds(list(crowd.told.values())) == [DatabaseUnavailable] * 2
    assert len(recorded) == 2
    assert desk.stored() == ["the one before"]
    assert type(desk.post("and on it goes")) is Written
