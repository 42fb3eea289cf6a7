"""An erased reader's choices that are kept: given over to nobody, exactly, whatever is lost or crashes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from engagement.db.engine import Database
from engagement.db.jobs import ERASE, Overtaken
from engagement.db.tables import articles, choices, job_choices, readers
from engagement.hot.keys import MOOD, Ballot, ballot_keys
from engagement.hot.protocol import choosing
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.sites.publishing import put_article
from engagement.verify import verify
from engagement.worker.jobs import chosen, handing, taking
from engagement.worker.jobs.erasing import erasing
from engagement.worker.jobs.stores import Steps, Stores
from tests.jobs_world import Crash, World
from tests.traces import no_trace
from tests.waiting import until

ARTICLES = [f"a{n}" for n in range(6)]


def keeping(stores: Stores) -> Mapping[str, Steps]:
    """The steps of an erasure that keeps choices."""
    return {ERASE: erasing(replace(stores, erase_choices="kept"))}


@pytest.fixture
def world(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(taking, "PAGE", 4)
    monkeypatch.setattr(chosen, "PAGE", 4)
    monkeypatch.setattr(handing, "PAGE", 4)
    monkeypatch.setattr(handing, "PART", 2)
    world = World(replace(settings, ledger_keep=0.0), database)
    world.put_articles(*ARTICLES)
    return world


@pytest.fixture
def ann(world: World) -> UUID:
    """Somebody whose choices are in SQL, but for the latest: those are in the ledger alone."""
    id = world.new_reader("Ann")
    for article in ARTICLES:
        world.choose(id, article, "happy")
        world.choose(world.new_reader(), article, "happy")
    world.flush()
    world.choose(id, "a1", "sad")
    world.choose(id, "a2", "")
    return id


def tallies(world: World) -> dict[str, dict[str, int]]:
    return {article: world.tally(article) for article in ARTICLES}


def nobodys(world: World) -> list[Any]:
    """The choices of who is no reader."""
    known = select(readers.c.id)
    with world.database.read() as connection:
        return list(connection.execute(select(choices).where(choices.c.reader_id.not_in(known))))


def is_kept(world: World, ann: UUID, before: dict[str, dict[str, int]]) -> None:
    """No tally has moved, five strangers have chosen what Ann had, and nothing links them to her."""
    assert tallies(world) == before
    assert world.chosen(ann) == {}
    found = nobodys(world)
    assert len(found) == len({row.reader_id for row in found}) == 5
    assert sorted(row.choice for row in found) == ["happy"] * 4 + ["sad"]
    with world.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(job_choices)) == 0
        begun = {row.id: row.created_at for row in connection.execute(select(articles))}
    assert {row.network for row in found} == {""}
    assert all(row.chosen_at == begun[row.article_id] for row in found)
    no_trace(world.database, world.hot, ann)
    assert verify(world.database, world.hot).differences == []


@pytest.mark.every_redis
def test_choices_are_given_over_and_no_tally_moves(world: World, ann: UUID) -> None:
    before = tallies(world)
    world.run(erase(world.database, ann), world.runner(keeping))
    is_kept(world, ann, before)


def test_no_step_ends_between_a_choice_that_is_taken_and_the_one_that_is_given(
    world: World, ann: UUID
) -> None:
    before = world.tally("a0")
    job = erase(world.database, ann)
    runner, seen = world.runner(keeping), []

    def look() -> bool:
        runner.work()
        seen.append(world.tally("a0"))
        world.flush()
        return not world.read(job).running

    until(look)
    assert all(tally == before for tally in seen)


@pytest.mark.timeout(600)
def test_a_crash_before_any_call_of_a_store_counts_nothing_twice(world: World, ann: UUID) -> None:
    """The nth worker ends before its nth call; the next one takes over."""
    before = tallies(world)
    job = erase(world.database, ann)
    crashes = 0
    for n in range(1, 1_000):
        try:
            world.run(job, world.runner(keeping, crash_at=n))
            break
        except Crash:
            crashes += 1
    assert crashes > 10
    is_kept(world, ann, before)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
def test_a_crash_that_is_followed_by_a_flush_counts_nothing_twice(world: World, ann: UUID, seed: int) -> None:
    """Every worker ends after a few calls, so that what was taken is stored before it is given."""
    before = tallies(world)
    job = erase(world.database, ann)
    n = 0
    while world.read(job).running:
        n += 1
        with suppress(Crash):
            world.runner(keeping, crash_at=8 + (n * (seed + 3)) % 37).work()
        world.flush()
    is_kept(world, ann, before)


def test_two_workers_at_once_give_each_choice_once(world: World, ann: UUID) -> None:
    before = tallies(world)
    job = erase(world.database, ann)
    one, other = world.runner(keeping), world.runner(keeping)

    def rests() -> bool:
        found = world.read(job)
        if found.running:
            threads = [
                threading.Thread(target=step, args=(runner._kinds[found.kind][found.state], found))
                for runner in (one, other)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            world.flush()
        return not world.read(job).running

    def step(do: Any, found: Any) -> None:
        with suppress(Overtaken):  # both have read the same version
            do(found)

    until(rests, within=60)
    is_kept(world, ann, before)


def test_a_redis_that_is_emptied_at_each_stage_loses_no_choice(world: World, ann: UUID) -> None:
    """What was played and not yet flushed is lost with the bar."""
    world.flush()
    before = tallies(world)
    job = erase(world.database, ann)
    runner = world.runner(keeping)
    emptied: set[object] = set()

    def rests() -> bool:
        found = world.read(job)
        stage = (found.state, found.progress.get("shard"), found.progress.get("passing"))
        runner.work()
        if stage not in emptied:
            emptied.add(stage)
            world.hot.client.flushall()
        world.flush()
        return not world.read(job).running

    until(rests, within=60)
    assert len(emptied) >= 5
    is_kept(world, ann, before)


def test_a_view_that_says_what_sql_never_got_is_built_anew(
    world: World, ann: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of Redis's memory is lost: the entry by which a new id chose."""
    monkeypatch.setattr(handing, "AGAIN", 0.0)
    before = tallies(world)
    job = erase(world.database, ann)
    runner = world.runner(keeping)

    def confirms() -> bool:
        if world.read(job).state != handing.CONFIRMING:
            runner.work()
            if world.read(job).state == handing.HANDING and not world.read(job).progress.get("passing"):
                world.flush()
        return world.read(job).state == handing.CONFIRMING

    until(confirms)
    world.flush()
    stranger = next(row for row in nobodys(world) if row.choice == "sad")
    view, *_ = ballot_keys(Ballot("demo", "a1", MOOD))
    with world.database.write() as connection:  # as if its entry had never come
        connection.execute(choices.delete().where(choices.c.reader_id == stranger.reader_id))
        connection.exec_driver_sql("DELETE FROM tallies WHERE choice = 'sad'")
    assert world.hot.client.hget(view, "n:sad") == b"1"
    world.run(job, runner)
    is_kept(world, ann, before)


def test_choices_on_closed_articles_are_kept_as_well(world: World, ann: UUID) -> None:
    put_article(world.database, world.hot, "demo", "a0", reactions_open=False)
    before = tallies(world)
    world.run(erase(world.database, ann), world.runner(keeping))
    is_kept(world, ann, before)


def test_others_choose_meanwhile(world: World, ann: UUID) -> None:
    job = erase(world.database, ann)
    runner = world.runner(keeping)
    others = [world.new_reader() for _ in range(5)]
    moods = ["happy", "sad", "angry", "afraid"]
    last: dict[UUID, str] = {}
    over = threading.Event()

    def choose() -> None:
        n = 0
        while not over.is_set():
            who, mood = others[n % 5], moods[n % 4]
            world.hot.play(choosing(Ballot("demo", "a0", MOOD), who.bytes, mood, "net"))
            last[who], n = mood, n + 1

    choosing_all_the_time = threading.Thread(target=choose)
    choosing_all_the_time.start()
    try:
        until(lambda: (runner.work(), world.flusher.flush(), not world.read(job).running)[-1], within=60)
    finally:
        over.set()
        choosing_all_the_time.join()
    world.flush()
    expected = {"happy": 2}  # of Ann, by now of nobody, and of who was there before
    for mood in last.values():
        expected[mood] = expected.get(mood, 0) + 1
    assert world.tally("a0") == expected
    assert verify(world.database, world.hot).differences == []


def test_which_of_the_two_it_is_is_set(settings: Settings, world: World, ann: UUID) -> None:
    from engagement.worker.loop import Worker

    worker = Worker(replace(settings, erase_choices="kept", ledger_keep=0.0))
    before = tallies(world)
    job = erase(world.database, ann)
    until(lambda: (worker.round(), not world.read(job).running)[-1])
    worker.drain()
    is_kept(world, ann, before)
