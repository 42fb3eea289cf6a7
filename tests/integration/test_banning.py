"""A ban that takes choices and reports, and gives them back: exact whatever comes between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import bans, cases, comments, job_choices, jobs, reports
from engagement.hot.keys import SHARDS, barred_key
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.readers.bans import Bans, Wanted
from engagement.moderation.reports import reporting
from engagement.moderation.reports.reporting import OPEN, TAKEN
from engagement.readers.bars import Bars
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.sites.merging import begin
from engagement.staff.members import Member
from engagement.verify import verify
from engagement.worker.jobs.runner import Jobs
from engagement.worker.jobs.taking import KEPT
from tests.filling import fill_voted
from tests.jobs_world import OTHERS, WHAT_ANN_CHOSE, Crash, World
from tests.waiting import until

MEMBER = Member(clock.new_id(), None, "owner", "The owner")


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World.of_ann(settings, database)


@pytest.fixture
def ann(world: World) -> UUID:
    return world.ann


@pytest.fixture
def staff(database: Database) -> Bans:
    return Bans(database, Bars(database), ModerationLog("a secret of tests, and long enough for it"))


def ban(staff: Bans, reader: UUID, **more: Any) -> UUID:
    given: dict[str, Any] = {"kind": "ban", "reason": "abuse", "take_choices": True} | more
    wanted = Wanted(**given)
    return UUID(staff.ban(MEMBER, "demo", reader, wanted)["id"])


def lift(staff: Bans, reader: UUID, made: UUID) -> None:
    staff.lift(MEMBER, "demo", reader, made)


def job_of(world: World, reader: UUID) -> UUID:
    """The newest job of the reader."""
    with world.database.read() as connection:
        mine = select(jobs.c.id).where(jobs.c.reader_id == reader).order_by(jobs.c.id.desc()).limit(1)
        found: UUID = connection.execute(mine).scalar_one()
        return found


def run(world: World, reader: UUID) -> None:
    world.run(job_of(world, reader), world.runner())


def rounds(world: World, runner: Jobs, so: Callable[[], object]) -> None:
    """Rounds of a worker until it is so."""

    def went_on() -> object:
        world.flush()
        runner.work()
        return so()

    until(went_on)


@pytest.mark.every_redis
def test_a_ban_takes_what_was_chosen_and_an_unban_gives_it_back(world: World, ann: UUID, staff: Bans) -> None:
    before = world.tallies()
    made = ban(staff, ann)
    run(world, ann)
    assert world.read(job_of(world, ann)).state == KEPT
    assert (world.chosen(ann), world.tallies()) == ({}, OTHERS)
    lift(staff, ann, made)
    run(world, ann)
    assert (world.chosen(ann), world.tallies()) == (WHAT_ANN_CHOSE, before)
    assert world.count(job_choices, ann) == 0
    world.choose(ann, "a", "sad")
    assert verify(world.database, world.hot).differences == []


@pytest.mark.timeout(600)
def test_a_crash_before_any_call_of_a_store_changes_nothing_in_the_end(
    world: World, ann: UUID, staff: Bans
) -> None:
    """The nth worker ends before its nth call; the next one takes over."""
    before = world.tallies()
    reported = report(world, ann)
    made = ban(staff, ann)
    crashes = 0
    steps: Any = ((({}, OTHERS), TAKEN), ((WHAT_ANN_CHOSE, before), OPEN))
    for resting, state in steps:
        for n in range(1, 1_000):
            try:
                world.run(job_of(world, ann), world.runner(crash_at=n))
                break
            except Crash:
                crashes += 1
        assert (world.chosen(ann), world.tallies()) == resting
        assert reported() == (state, int(state == OPEN))
        if state == TAKEN:
            lift(staff, ann, made)
    assert crashes > 10
    assert verify(world.database, world.hot).differences == []


def report(world: World, reader: UUID) -> Callable[[], tuple[str, int]]:
    """The reader reports a comment; answers what tells the report's state, and how many wait in its case."""
    (id,) = fill_voted(world.database, "demo", "a", 1, {})
    with world.database.write() as connection:
        row = connection.execute(select(comments).where(comments.c.id == id)).one()
        reporting.put(connection, "demo", row, reader, "spam", None, 1.0)

    def found() -> tuple[str, int]:
        with world.database.read() as connection:
            state = connection.execute(select(reports.c.state).where(reports.c.reader_id == reader))
            waiting = connection.execute(select(cases.c.reports).where(cases.c.comment_id == id))
            return state.scalar_one(), waiting.scalar_one()

    return found


def test_an_unban_while_it_still_takes_and_a_ban_while_it_gives_back(
    world: World, ann: UUID, staff: Bans
) -> None:
    """Turned round after every number of steps."""
    before = world.tallies()
    for steps in range(1, 14):
        made = ban(staff, ann)
        runner = world.runner()
        for _ in range(steps):
            world.flush()
            runner._look_at = 0.0
            found = world.read(job_of(world, ann))
            if found.running:
                runner._step(found)
        lift(staff, ann, made)
        if steps % 2:
            for _ in range(steps // 2):
                found = world.read(job_of(world, ann))
                if found.running:
                    runner._step(found)
            again = ban(staff, ann)
            run(world, ann)
            assert (world.chosen(ann), world.tallies()) == ({}, OTHERS)
            lift(staff, ann, again)
        run(world, ann)
        assert (world.chosen(ann), world.tallies()) == (WHAT_ANN_CHOSE, before)
    assert world.count(job_choices, ann) == 0
    assert verify(world.database, world.hot).differences == []


def test_what_is_taken_stays_so_until_the_last_ban_that_takes_is_lifted(
    world: World, ann: UUID, staff: Bans
) -> None:
    one, other, lenient = ban(staff, ann), ban(staff, ann), ban(staff, ann, take_choices=False)
    run(world, ann)
    lift(staff, ann, one)
    run(world, ann)
    assert world.chosen(ann) == {}
    lift(staff, ann, other)
    run(world, ann)
    assert world.chosen(ann) == WHAT_ANN_CHOSE
    lift(staff, ann, lenient)


def test_a_ban_that_ends_by_itself_gives_back(world: World, ann: UUID, staff: Bans) -> None:
    made = ban(staff, ann, kind="suspension", until=clock.now() + timedelta(days=1))
    runner = world.runner()
    rounds(world, runner, lambda: world.read(job_of(world, ann)).state == KEPT)
    assert world.chosen(ann) == {}
    with world.database.write() as connection:  # a day later
        connection.execute(update(bans).where(bans.c.id == made).values(until=clock.now()))
        connection.execute(update(jobs).where(jobs.c.reader_id == ann).values(next_at=clock.now()))
    run(world, ann)
    assert world.chosen(ann) == WHAT_ANN_CHOSE


def test_a_bar_that_is_lost_while_it_takes_lets_nothing_stay(world: World, ann: UUID, staff: Bans) -> None:
    ban(staff, ann)
    runner = world.runner()
    rounds(world, runner, lambda: world.read(job_of(world, ann)).progress.get("barred"))
    for shard in range(SHARDS):
        world.hot.client.delete(barred_key(shard))
    world.choose(ann, "c", "amused")
    run(world, ann)
    assert (world.chosen(ann), world.tallies()) == ({}, OTHERS)


def test_a_reader_who_is_erased_while_banned_leaves_nothing_to_give_back(
    world: World, ann: UUID, staff: Bans
) -> None:
    ban(staff, ann)
    run(world, ann)
    erase(world.database, ann)
    run(world, ann)
    assert (world.chosen(ann), world.tallies()) == ({}, OTHERS)
    assert world.count(job_choices, ann) == 0
    with world.database.read() as connection:
        left = connection.execute(select(jobs.c.state).where(jobs.c.reader_id == ann)).scalars().all()
    assert set(left) == {"done"}


def test_what_was_taken_on_an_article_that_is_merged_meanwhile_comes_back_there(
    world: World, ann: UUID, staff: Bans
) -> None:
    made = ban(staff, ann)
    run(world, ann)
    merging = begin(world.database, "demo", "d", "c")
    world.run(merging, world.runner())
    lift(staff, ann, made)
    run(world, ann)
    assert world.chosen(ann) == {"a": "happy", "b": "sad", "c": "angry"}
    assert world.read(merging).state == "merged"
    assert verify(world.database, world.hot).differences == []
