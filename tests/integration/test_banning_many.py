"""A ban that takes a hundred thousand votes and gives them back, while votes arrive and workers are killed.

`BAN_VOTES=100000` takes as many, and tells how long each part takes (`-s`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import select

from engagement import clock
from engagement.db.engine import Database
from engagement.db.jobs import GIVING, TAKING, Job
from engagement.db.tables import comments, jobs
from engagement.hot.keys import VOTE, Ballot, shard_keys, shard_of
from engagement.hot.protocol import choosing, tallying
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.readers.bans import Bans, Wanted
from engagement.readers.bars import Bars
from engagement.settings import Settings
from engagement.staff.members import Member
from engagement.verify import verify
from engagement.worker.jobs.taking import KEPT
from tests.filling import fill_voted
from tests.jobs_world import World
from tests.waiting import until
from tests.workers import WorkerProcess

VOTES = int(os.environ.get("BAN_VOTES", "600"))
PACE = 0.01
"""Seconds between two votes that arrive."""
LONG = 3_000.0
DUE = shard_keys(shard_of("demo", "a"))[4]


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """As `engagement verify` has it: a recount takes as long as it takes."""
    database = Database(settings.database_url, bounded=False)
    yield database
    database.close()


@pytest.mark.timeout(3_600)
def test_a_ban_with_many_votes_is_exact_while_votes_arrive_and_workers_are_killed(
    settings: Settings, database: Database
) -> None:
    """Ann has voted on every comment, Ben on each as well; others vote meanwhile, on views hot and cold."""
    world = World(settings, database)
    ann, ben, zoe, zac = (world.new_reader(name) for name in ("Ann", "Ben", "Zoë", "Zac"))
    ids = fill_voted(database, "demo", "a", VOTES, {ann: "up", ben: "down"})
    staff = Bans(database, Bars(database), ModerationLog("a secret of tests, and long enough for it"))
    member = Member(clock.new_id(), None, "owner", "The owner")
    with closing(Voter(world, ids, zoe)) as others:
        wanted = Wanted(kind="ban", reason="abuse", take_choices=True)
        made = UUID(staff.ban(member, "demo", ann, wanted)["id"])
        with killed_once(settings, world, ann, TAKING):
            timed("taken", lambda: job_of(world, ann).state == KEPT)
            is_clean(world)
            others.close()
            timed("stored", lambda: nothing_due(world))
    up = {id: int(id in others.voted) for id in ids}
    is_exact(world, ids, up)
    with closing(Voter(world, ids, zac)) as others:
        staff.lift(member, "demo", ann, made)
        with killed_once(settings, world, ann, GIVING):
            timed("given back", lambda: not job_of(world, ann).running)
            is_clean(world)
            others.close()
            timed("stored", lambda: nothing_due(world))
    is_exact(world, ids, {id: 1 + up[id] + int(id in others.voted) for id in ids})


def is_exact(world: World, ids: Sequence[UUID], up: Mapping[UUID, int]) -> None:
    """In SQL all, and as readers are told, some of them; nobody votes now."""
    assert stored(world, ids) == {id: (up[id], 1) for id in ids}
    some = ids[:: max(1, len(ids) // 100)]
    counts = [world.hot.play(tallying(ballot(id))) for id in some]
    assert [(tally.get("up", 0), tally["down"]) for tally in counts] == [(up[id], 1) for id in some]
    is_clean(world)


def timed(what: str, so: object) -> None:
    """Wait until it is so."""
    begun = time.monotonic()
    until(so, within=LONG)  # type: ignore[arg-type]
    print(f"{VOTES} votes: {what} in {time.monotonic() - begun:.1f} s")


def is_clean(world: World) -> None:
    begun = time.monotonic()
    assert verify(world.database, world.hot).differences == []
    print(f"{VOTES} votes: verified in {time.monotonic() - begun:.1f} s")


@contextmanager
def working(settings: Settings) -> Iterator[WorkerProcess]:
    """A worker's process, that ends by itself when it is told to."""
    process = WorkerProcess(settings)
    try:
        yield process
        if process.poll() is None:
            process.terminate()
            assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


@contextmanager
def killed_once(settings: Settings, world: World, reader: UUID, state: str) -> Iterator[None]:
    """Workers, the first of which is killed (SIGKILL) when the job is in the middle of this state."""

    def in_the_middle() -> bool:
        job = job_of(world, reader)
        return job.state != state or bool(job.progress.get("after"))

    with working(settings) as process:
        until(in_the_middle)
        process.kill()
        process.wait()
    with working(settings):
        yield


class Voter:
    """Somebody who votes on one comment after the other, anywhere, until it is closed."""

    def __init__(self, world: World, ids: Sequence[UUID], reader: UUID) -> None:
        self.voted: set[UUID] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._vote, args=(world, ids, reader))
        self._thread.start()

    def _vote(self, world: World, ids: Sequence[UUID], reader: UUID) -> None:
        for id in Random(0).sample(ids, len(ids)):
            world.hot.play(choosing(ballot(id), reader.bytes, "up", "net"))
            self.voted.add(id)
            if self._stop.wait(PACE):
                return

    def close(self) -> None:
        """No vote comes after it. Twice is once."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            assert self.voted
            print(f"{VOTES} votes: {len(self.voted)} others meanwhile")


def ballot(id: UUID) -> Ballot:
    return Ballot("demo", "a", VOTE, str(id))


def job_of(world: World, reader: UUID) -> Job:
    """The reader's only one."""
    with world.database.read() as connection:
        id = connection.execute(select(jobs.c.id).where(jobs.c.reader_id == reader)).scalar_one()
    return world.read(id)


def nothing_due(world: World) -> bool:
    return not world.hot.client.zcount(DUE, "-inf", clock.now().timestamp() * 1_000)


def stored(world: World, ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    with world.database.read() as connection:
        rows = connection.execute(select(comments.c.id, comments.c.up, comments.c.down))
        found = {id: (up, down) for id, up, down in rows}
    return {id: found[id] for id in ids}
