"""Merges that are cut short: by crashes, kills, an emptied Redis, an erasure of a reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engagement.db.engine import Database
from engagement.db.jobs import MERGED
from engagement.db.tables import merged_moods
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.sites.merging import begin, undo
from engagement.verify import verify
from engagement.worker.jobs import carrying, merging, moving
from engagement.worker.jobs.runner import Jobs
from engagement.worker.loop import Worker
from tests.jobs_world import Crash, World
from tests.kinds import AnyRedis
from tests.merging_world import (
    A,
    Headers,
    chosen_on,
    every_comment,
    id_of,
    moods,
    nothing_is_left_of,
    post,
    react,
    shown_id,
    vote,
    work,
)
from tests.traces import no_trace
from tests.waiting import until
from tests.workers import WorkerProcess


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing stays in the ledger once SQL has it."""
    return replace(settings, ledger_keep=0.0)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is something between them."""
    monkeypatch.setattr(carrying, "PAGE", 2)
    monkeypatch.setattr(moving, "PAGE", 5)
    monkeypatch.setattr(merging, "BALLOTS", 2)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World(settings, database)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_steps")
def test_a_crash_before_any_call_of_a_store_leaves_a_merge_that_goes_on_and_so_it_is_with_its_undoing(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    """The nth worker ends before its nth call; readers choose in between, and the next worker takes over."""
    quiet, live = [new_reader() for _ in range(7)], new_reader()
    ids = [post(client, "old", f"comment {n}", quiet[0]) for n in range(3)]
    ids.append(post(client, "old", "an answer", quiet[1], parent_id=ids[0]))
    for n, reader in enumerate(quiet):
        react(client, "old", reader, "sad")
        vote(client, "old", ids[n % 4], reader, 1)
    react(client, "new", quiet[0], "angry")
    react(client, "old", live, "happy")
    worker.drain()
    last: list[str | None] = ["happy"]

    def run(job: UUID) -> int:
        crashes = 0
        for n in range(1, 1_000):
            try:
                world.run(job, world.runner(crash_at=n))
                break
            except Crash:
                crashes += 1
            mood = ("afraid", None, "amused")[n % 3]
            path = f"{A}/old/reaction"
            if mood is None:
                status = client.delete(path, headers=live).status_code
            else:
                status = client.put(path, json={"mood": mood}, headers=live).status_code
            assert status in (200, 503)
            if status == 200:
                last[0] = mood
        return crashes

    assert run(begin(world.database, "demo", "old", "new")) > 10
    worker.drain()
    assert verify(world.database, world.hot).differences == []
    expected = Counter({"sad": 6, "angry": 1}) + Counter([mood for mood in last if mood])
    assert moods(client, "new") == expected
    votes = {item["id"]: item["votes"]["up"] for item in every_comment(client, "new")}
    assert votes == {ids[0]: 2, ids[1]: 2, ids[2]: 2, ids[3]: 1}
    merged = last[0]
    job = undo(world.database, "demo", "old")
    assert run(job) > 10
    worker.drain()
    assert verify(world.database, world.hot).differences == []
    nothing_is_left_of(world, job)
    until(lambda: shown_id(client, "old") == "old")
    votes = {item["id"]: item["votes"]["up"] for item in every_comment(client, "old")}
    assert votes == {ids[0]: 2, ids[1]: 2, ids[2]: 2, ids[3]: 1}
    there = chosen_on(world, "old")
    mine = there.pop(id_of(client, live), None)
    assert set(there.values()) == {"sad"}
    assert len(there) == 7
    assert mine in {last[0], merged, "happy", "afraid", "amused"}
    here = chosen_on(world, "new")
    here.pop(id_of(client, live), None)
    assert here == {id_of(client, quiet[0]): "angry"}
    with world.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(merged_moods)) == 0


def goes_on(world: World, runner: Jobs) -> bool:
    """A round of a worker: did it do a step?"""
    world.flush()
    return runner.work()


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_steps")
def test_a_redis_that_is_emptied_in_the_middle_of_a_merge_takes_no_choice_with_it(
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    worker: Worker,
    world: World,
    redis_server: AnyRedis,
) -> None:
    world.put_articles("new")
    readers = [new_reader() for _ in range(12)]
    comment = post(client, "old", "comment", readers[0])
    for reader in readers:
        react(client, "old", reader, "sad")
        vote(client, "old", comment, reader, 1)
    worker.drain()
    for begun in (begin, lambda *names: undo(*names[:3])):
        job = begun(world.database, "demo", "old", "new")
        runner = world.runner()
        for _ in range(24):  # were it emptied for ever, the job would begin its passes anew for ever
            assert world.read(job).running
            until(lambda runner=runner: goes_on(world, runner))  # type: ignore[misc]
            world.flush()
            if world.read(job).version % 3 == 0:
                redis_server.flush()
        work(worker, world, job)
        on = "new" if begun is begin else "old"
        until(lambda on=on: shown_id(client, on) == on)  # type: ignore[misc]
        assert moods(client, on) == {"sad": 12}
        (item,) = every_comment(client, on)
        assert item["votes"]["up"] == 12
        assert verify(world.database, world.hot).differences == []
        nothing_is_left_of(world, job)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_steps")
def test_a_reader_who_is_erased_in_the_middle_of_a_merge_leaves_nothing(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    for steps in range(1, 12, 2):
        ann, ben = new_reader(name="Ann"), new_reader()
        old, new = f"old{steps}", f"new{steps}"
        ids = [post(client, old, f"{n} of Ann", ann) for n in range(3)]
        post(client, old, "of Ben", ben, parent_id=ids[0])
        react(client, new, ben, "sad")
        for reader in (ann, ben):
            react(client, old, reader, "sad")
            vote(client, old, ids[1], reader, 1)
        worker.drain()
        id = id_of(client, ann)
        job = begin(world.database, "demo", old, new)
        runner = world.runner()
        while world.read(job).running and world.read(job).version < steps:
            world.flush()
            runner.work()
        erasure = erase(world.database, id)
        for each in (erasure, job):
            work(worker, world, each)
        assert moods(client, new) == {"sad": 1}
        no_trace(world.database, world.hot, id)
        job = undo(world.database, "demo", old)
        work(worker, world, job)
        until(lambda old=old: shown_id(client, old) == old)  # type: ignore[misc]
        assert moods(client, old) == {"sad": 1}
        no_trace(world.database, world.hot, id)


@pytest.mark.timeout(600)
def test_a_merge_outlives_workers_that_are_killed(world: World, settings: Settings) -> None:
    """SIGKILL, whenever a worker has come a little further."""
    world.put_articles("old", "new")
    readers = [world.new_reader() for _ in range(2_000)]
    world.store({reader: {"old": "happy"} for reader in readers[:1_500]})
    world.store({reader: {"new": "sad"} for reader in readers[1_000:]})
    job = begin(world.database, "demo", "old", "new")
    for _ in range(2):
        for _ in range(3):
            version = world.read(job).version
            process = WorkerProcess(settings)
            try:
                until(lambda v=version: world.read(job).version > v + 1)  # type: ignore[misc]
            finally:
                process.kill()
                process.wait()
        process = WorkerProcess(settings)
        until(lambda: not world.read(job).running)
        process.terminate()
        assert process.wait(60) == 0
        if world.read(job).state == MERGED:
            assert world.tally("new") == {"happy": 1_000, "sad": 1_000}
            undo(world.database, "demo", "old")
    assert (world.tally("old"), world.tally("new")) == ({"happy": 1_500}, {"sad": 1_000})
    assert verify(world.database, world.hot).differences == []
