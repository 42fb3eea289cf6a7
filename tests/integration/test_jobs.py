"""How jobs take turns, wait, fail and go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import delete, select, update

from engagement import clock
from engagement.db import jobs
from engagement.db.engine import Database
from engagement.db.jobs import ERASE
from engagement.db.tables import choices
from engagement.db.tables import jobs as table
from engagement.hot.keys import VOTE
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.worker.jobs import chosen, taking
from tests.jobs_world import World
from tests.traces import no_trace
from tests.waiting import until


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World(replace(settings, ledger_keep=0.0), database)


def test_pages_of_choices_are_taken_with_the_flush_between_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (taking, chosen):
        monkeypatch.setattr(module, "PAGE", 3)
    monkeypatch.setattr(taking, "WHILE", 0.0)
    names = [f"a{n}" for n in range(10)]
    world.put_articles(*names)
    ann = world.new_reader()
    for name in names:
        world.choose(ann, name, "happy")
    world.flush()
    job = erase(world.database, ann)
    runner = world.runner()
    left = []

    def over() -> bool:
        runner.work()
        world.flush()
        left.append(len(world.chosen(ann)))
        return not world.read(job).running

    until(over)
    assert {10, 7, 4, 1, 0} <= set(left)
    no_trace(world.database, world.hot, ann)


def test_a_step_that_fails_is_told_and_tried_again_and_keeps_no_other_job_waiting(world: World) -> None:
    """SQL has lost a comment that was voted on."""
    world.put_articles("a")
    ann, ben = world.new_reader(), world.new_reader()
    world.choose(ann, "a", "happy")
    world.choose(ben, "a", "happy")
    world.flush()
    with world.database.write() as connection:
        mood = connection.execute(select(choices).where(choices.c.reader_id == ann)).one()
        connection.execute(
            choices.insert().values(**{**mood._asdict(), "kind": VOTE, "subject_id": ann, "choice": "up"})
        )
    job, other = erase(world.database, ann), erase(world.database, ben)
    before = REGISTRY.get_sample_value("engagement_job_faults_total") or 0.0
    runner = world.runner()

    def failed() -> bool:
        runner.work()
        world.flush()
        return world.read(job).faults > 0

    until(failed)
    world.run(other, runner)
    found = world.read(job)
    assert (found.running, found.error) == (True, "NotFound: There is no such comment.")
    assert found.next_at is not None
    assert found.next_at > found.changed_at
    assert REGISTRY.get_sample_value("engagement_job_faults_total") == before + found.faults
    runner.work()
    assert REGISTRY.get_sample_value("engagement_jobs", {"state": "failing"}) == 1
    with world.database.write() as connection:
        connection.execute(delete(choices).where(choices.c.kind == VOTE))
    assert erase(world.database, ann) == job  # and it is looked at now

    def over() -> bool:
        runner.work()
        world.flush()
        return not world.read(job).running

    until(over)
    no_trace(world.database, world.hot, ann)


def test_a_job_of_a_kind_that_this_release_does_not_know_is_left_to_another(world: World) -> None:
    ann = world.new_reader()
    with world.database.write() as connection:
        job = jobs.enqueue(connection, "of-tomorrow", "demo", ann, "beginning")
    assert not world.runner().work()
    assert world.read(job).version == 0
    with world.database.write() as connection:
        connection.execute(update(table).values(kind=ERASE))
    assert not world.runner().work()
    assert world.read(job).error == "EngagementError: there is no step for 'beginning'"


def test_of_a_readers_jobs_the_oldest_runs_alone(world: World) -> None:
    ann = world.new_reader()
    first = world.hide(ann)
    with world.database.write() as connection:
        second = jobs.enqueue(connection, "other", "demo", ann, "taking")
        assert jobs.enqueue(connection, "other", "demo", ann, "taking") == second
        elsewhere = jobs.enqueue(connection, "other", "demo", clock.new_id(), "taking")
        kinds = {"hide", "other"}
        assert [job.id for job in jobs.runnable(connection, kinds, 9)] == [first, elsewhere]
        jobs.supersede(connection, ann, by=second)
        assert [job.id for job in jobs.runnable(connection, kinds, 9)] == [second, elsewhere]
