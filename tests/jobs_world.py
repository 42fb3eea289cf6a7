"""The world of the jobs' tests: readers who choose, and workers that crash before any call of a store."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from engagement import clock
from engagement.db import bulk, jobs
from engagement.db.articles import article_ids, insert_articles
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.jobs import Job
from engagement.db.tables import BALLOT, articles, choices, readers, tallies
from engagement.hot.commands import Command
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot
from engagement.hot.pages import Pages
from engagement.hot.protocol import choosing, tallying
from engagement.settings import Settings
from engagement.worker.flush import Flusher
from engagement.worker.jobs.runner import Jobs
from engagement.worker.jobs.stores import Steps, Stores
from engagement.worker.jobs.taking import GIVING, LIFTING, TAKING, Giving, Lifting, Taking, keep
from tests.waiting import until

HIDE = "hide"
"""A kind of job that keeps what it took."""
WHAT_ANN_CHOSE = {"a": "happy", "b": "sad", "d": "angry"}
OTHERS = {"a": {"happy": 1}, "b": {"happy": 1}, "c": {"happy": 1}, "d": {}}
"""Of `World.of_ann`: her moods, and the tallies without them."""


class Crash(BaseException):
    """A process that ends."""


class CrashingHot(Hot):
    """Calls `tick` before each call of Redis."""

    def __init__(self, hot: Hot, tick: Callable[[], None]) -> None:
        self.__dict__ |= hot.__dict__
        self._tick = tick

    def execute(self, command: Command[Any]) -> Any:
        self._tick()
        return super().execute(command)

    def execute_many(self, many: Any) -> Any:
        self._tick()
        return super().execute_many(many)

    def primaries(self) -> Any:
        self._tick()
        return super().primaries()


class CrashingDatabase(Database):
    """Calls `tick` before each transaction, and before each commit."""

    def __init__(self, database: Database, tick: Callable[[], None]) -> None:
        self.__dict__ |= database.__dict__
        self._tick = tick

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        self._tick()
        with super().read() as connection:
            yield connection

    @contextlib.contextmanager
    def ask(self) -> Iterator[Connection]:
        self._tick()
        with super().ask() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        self._tick()
        with super().write() as connection:
            yield connection
            self._tick()


class World:
    """Both stores, and what people do there. `ann`: see `of_ann`."""

    ann: UUID

    def __init__(self, settings: Settings, database: Database) -> None:
        self.database = database
        self.stored = StoredBallots(database)
        self.hot = Hot.from_settings(settings, self.stored)
        self.pages = Pages(self.hot, settings.page_ttl)
        self.flusher = Flusher(self.hot, database, self.stored, settings.ledger_keep)

    @classmethod
    def of_ann(cls, settings: Settings, database: Database) -> World:
        """With somebody whose choices are in SQL, but for the latest: those are in the ledger alone."""
        world = cls(replace(settings, ledger_keep=0.0), database)
        world.put_articles(*OTHERS)
        world.ann = ann = world.new_reader("Ann")
        for article in "abc":
            world.choose(ann, article, "happy")
            world.choose(world.new_reader(), article, "happy")
        world.flush()
        world.choose(ann, "b", "sad")
        world.choose(ann, "c", "")
        world.choose(ann, "d", "angry")
        return world

    def new_reader(self, name: str | None = None) -> UUID:
        id = clock.new_id()
        with self.database.write() as connection:
            connection.execute(insert(readers).values(id=id, site="demo", name=name, created_at=clock.now()))
        return id

    def put_articles(self, *names: str) -> None:
        with self.database.write() as connection:
            insert_articles(connection, [("demo", name) for name in names])

    def choose(self, reader: UUID, article: str, mood: str) -> None:
        self.hot.play(choosing(Ballot("demo", article, MOOD), reader.bytes, mood, "net"))

    def store(self, chosen: dict[UUID, dict[str, str]]) -> None:
        """Reader → article → mood, as if it had been flushed long ago."""
        with self.database.write() as connection:
            names = {("demo", article) for moods in chosen.values() for article in moods}
            ids = article_ids(connection, names)
            rows = [
                (ids["demo", article], MOOD, ids["demo", article], reader, mood, clock.now(), "net")
                for reader, moods in chosen.items()
                for article, mood in moods.items()
            ]
            columns = (*BALLOT, "reader_id", "choice", "chosen_at", "network")
            bulk.put(connection, choices, columns, rows)
            counts = Counter((*row[:3], row[4]) for row in rows)
            counted = [(*key, count) for key, count in counts.items()]
            bulk.put(connection, tallies, (*BALLOT, "choice", "count"), counted)

    def flush(self) -> None:
        for _ in range(100):
            flushed = self.flusher.flush()
            if not flushed.entries and not flushed.pending:
                return
        raise AssertionError("the flush never ends")

    def tally(self, article: str) -> dict[str, int]:
        return self.hot.play(tallying(Ballot("demo", article, MOOD)))

    def tallies(self) -> dict[str, dict[str, int]]:
        """Of the articles of `of_ann`."""
        return {article: self.tally(article) for article in OTHERS}

    def chosen(self, reader: UUID) -> dict[str, str]:
        """Article → mood, as SQL has it."""
        with self.database.read() as connection:
            rows = connection.execute(
                select(articles.c.external_id, choices.c.choice)
                .join(articles, articles.c.id == choices.c.article_id)
                .where(choices.c.reader_id == reader)
            )
            return {article: mood for article, mood in rows}

    def count(self, table: Any, reader: UUID) -> int:
        with self.database.read() as connection:
            mine = select(func.count()).select_from(table).where(table.c.reader_id == reader)
            return connection.scalar(mine) or 0

    def hide(self, reader: UUID) -> UUID:
        """Begin a job that takes the reader's choices and keeps them."""
        with self.database.write() as connection:
            return jobs.enqueue(connection, HIDE, "demo", reader, TAKING)

    def read(self, job: UUID) -> Job:
        with self.database.read() as connection:
            found = jobs.read(connection, job)
        assert found is not None
        return found

    def runner(
        self, kinds: Callable[[Stores], Mapping[str, Steps]] | None = None, *, crash_at: int = 0
    ) -> Jobs:
        """A worker's jobs; it ends before its `crash_at`th call of a store, if that isn't 0."""
        calls = iter(range(1, crash_at + 1))

        def tick() -> None:
            if crash_at and next(calls, crash_at) == crash_at:
                raise Crash

        stores = Stores(CrashingHot(self.hot, tick), CrashingDatabase(self.database, tick), self.pages)
        return Jobs(stores, kinds(stores) if kinds else None)

    def run(self, job: UUID, runner: Jobs) -> None:
        """Rounds of flush and jobs until there is nothing left to do in the job."""

        def rests() -> bool:
            self.flush()
            runner.work()
            found = self.read(job)
            assert not found.faults, found.error
            return not found.running

        until(rests)
        self.flush()


def hiding(stores: Stores) -> dict[str, Steps]:
    """The steps of `HIDE`."""
    return {
        HIDE: {
            TAKING: Taking(stores, keep, keeps=True),
            GIVING: Giving(stores),
            LIFTING: Lifting(stores),
        }
    }
