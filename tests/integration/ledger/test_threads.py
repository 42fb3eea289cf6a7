"""Writers and workers that are truly at once: the machine takes one step after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from random import Random
from threading import Barrier, Event

import pytest

from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.errors import Unavailable
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import Ballot
from engagement.hot.protocol import choosing
from engagement.settings import Settings, load
from engagement.verify import verify
from engagement.worker.flush import Flusher
from tests.integration.ledger.breaks import LOCKS, broken
from tests.integration.ledger.machine import TIMES, Ledger
from tests.integration.ledger.world import BALLOTS, CHOICES, READERS, WHERE

WRITERS = 3
EACH = 150 * TIMES
"""Choices of each writer."""
TRIES = 20
"""Of one choice, until the worker has had its turn."""


class Process:
    """A web process or a worker, with connections of its own."""

    def __init__(self, settings: Settings) -> None:
        self.database = Database(settings.database_url)
        self.stored = StoredBallots(self.database)
        self.hot = Hot.from_settings(settings, self.stored)

    def close(self) -> None:
        self.hot.client.close()
        self.database.close()


@pytest.fixture
def stage(world: type[Ledger]) -> Iterator[Ledger]:
    stage = world()
    yield stage
    stage.clear_the_stage()


@pytest.fixture
def new_process(stage: Ledger) -> Iterator[Callable[[], Process]]:
    made: list[Process] = []

    def new() -> Process:
        settings = load(
            database_url=stage.url, redis_url=stage.server.url, secret_key="of tests " * 4,
            redis_timeout=10.0, database_timeout=20.0,
        )  # fmt: skip
        made.append(Process(settings))
        return made[-1]

    yield new
    for process in made:
        process.close()


@pytest.mark.every_redis
def test_writers_and_workers_at_once_agree_in_the_end(
    stage: Ledger, new_process: Callable[[], Process]
) -> None:
    web, ended = new_process(), Event()
    accepted: dict[tuple[Ballot, bytes], str] = {}

    def write(n: int) -> None:
        """Of two readers, who are nobody else's, so that their last choice is known."""
        random, mine = Random(n), READERS[2 * n : 2 * n + 2]
        for _ in range(EACH):
            ballot, reader = random.choice(BALLOTS), random.choice(mine)
            choice = random.choice(CHOICES[ballot.kind])
            for last in range(TRIES - 1, -1, -1):
                try:
                    web.hot.play(choosing(ballot, reader.bytes, choice, "net"))
                except Unavailable:
                    if not last:
                        raise
                else:
                    break
            accepted[ballot, reader.bytes] = choice
            if random.random() < 0.1:
                web.hot.execute(commands.forget_view(random.choice(BALLOTS)))

    def flush(keep: float) -> None:
        worker = new_process()
        flusher = Flusher(worker.hot, worker.database, worker.stored, keep)
        while not ended.is_set():
            flusher.flush(WHERE)

    with ThreadPoolExecutor(WRITERS + 2) as threads:
        workers = [threads.submit(flush, keep) for keep in (0.0, 3_600.0)]
        writers = [threads.submit(write, n) for n in range(WRITERS)]
        wait(writers)
        ended.set()
    for done in (*writers, *workers):
        done.result()
    for (ballot, reader), choice in accepted.items():
        stage.model.accept(ballot, reader, choice)
    stage.agree()


def test_workers_that_flush_at_the_same_moment_count_once(
    stage: Ledger, new_process: Callable[[], Process]
) -> None:
    assert not differs(stage, new_process, rounds=15 * TIMES)


@pytest.mark.postgresql_only("on SQLite there is one writer at a time in any case")
def test_workers_that_do_not_lock_their_cursors_are_found(
    stage: Ledger, new_process: Callable[[], Process]
) -> None:
    with broken(LOCKS):
        assert differs(stage, new_process, rounds=500)


def differs(stage: Ledger, new_process: Callable[[], Process], rounds: int) -> bool:
    """Two workers begin their flushes at the same moment, so many times: is anything ever counted wrong?"""
    workers = [new_process() for _ in range(2)]
    flushers = [Flusher(worker.hot, worker.database, worker.stored, 0.0) for worker in workers]
    with ThreadPoolExecutor(2) as threads:
        for _ in range(rounds):
            for ballot in BALLOTS:
                for reader in READERS:
                    stage.move(ballot, reader)
            together = Barrier(2)

            def flush(flusher: Flusher, together: Barrier = together) -> None:
                together.wait(60)
                flusher.flush(WHERE)

            for done in [threads.submit(flush, flusher) for flusher in flushers]:
                done.result()
            if verify(stage.database, stage.hot).differences:
                return True
    return False
