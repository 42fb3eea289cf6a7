"""Taking a reader's choices and giving them back: exact whatever is lost, late, or crashes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from engagement.db.engine import Database
from engagement.db.jobs import Overtaken
from engagement.db.tables import job_choices
from engagement.errors import WAITING
from engagement.hot.keys import MOOD, SHARDS, Ballot, ballot_keys, barred_key
from engagement.settings import Settings
from engagement.sites.publishing import put_article
from engagement.verify import verify
from engagement.worker.jobs import chosen, written
from engagement.worker.jobs.chosen import Ahead, name_of
from engagement.worker.jobs.stores import Stores
from engagement.worker.jobs.taking import KEPT, give_back
from engagement.worker.jobs.written import Written
from tests.jobs_world import OTHERS, WHAT_ANN_CHOSE, Crash, World, hiding
from tests.waiting import until

A = Ballot("demo", "a", MOOD)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World.of_ann(settings, database)


@pytest.fixture
def ann(world: World) -> UUID:
    return world.ann


def back(world: World, job: UUID) -> None:
    with world.database.write() as connection:
        give_back(connection, world.read(job))


@pytest.mark.every_redis
def test_what_is_taken_is_given_back_as_it_was_also_what_sql_did_not_have(world: World, ann: UUID) -> None:
    before = world.tallies()
    job = world.hide(ann)
    runner = world.runner(hiding)
    until(lambda: not runner.work() and world.read(job).progress.get("barred"))  # as far as it gets
    assert (world.count(job_choices, ann), world.tallies()) == (0, before)
    world.run(job, runner)
    assert world.read(job).state == KEPT
    assert (world.chosen(ann), world.tallies()) == ({}, OTHERS)
    assert world.count(job_choices, ann) == 3
    back(world, job)
    world.run(job, world.runner(hiding))
    assert (world.chosen(ann), world.tallies()) == (WHAT_ANN_CHOSE, before)
    assert world.count(job_choices, ann) == 0
    world.choose(ann, "a", "sad")
    assert verify(world.database, world.hot).differences == []


@pytest.mark.timeout(600)
def test_a_crash_before_any_call_of_a_store_changes_nothing_in_the_end(world: World, ann: UUID) -> None:
    """The nth worker ends before its nth call; the next one takes over."""
    before = world.tallies()
    job = world.hide(ann)
    crashes = 0
    for resting in (({}, OTHERS), (WHAT_ANN_CHOSE, before)):
        for n in range(1, 1_000):
            try:
                world.run(job, world.runner(hiding, crash_at=n))
                break
            except Crash:
                crashes += 1
        assert (world.chosen(ann), world.tallies()) == resting
        if world.read(job).state == KEPT:
            back(world, job)
    assert crashes > 10
    assert verify(world.database, world.hot).differences == []


def test_two_workers_at_once_take_and_give_back_once(world: World, ann: UUID) -> None:
    before = world.tallies()
    job = world.hide(ann)
    one, other = world.runner(hiding), world.runner(hiding)
    for resting in (({}, OTHERS), (WHAT_ANN_CHOSE, before)):

        def rests() -> bool:
            found = world.read(job)
            if found.running:
                for runner in (one, other):
                    with suppress(Overtaken):  # both have read the same version
                        runner._kinds[found.kind][found.state](found)
                world.flush()
            return not found.running

        until(rests)
        assert (world.chosen(ann), world.tallies()) == resting
        if world.read(job).state == KEPT:
            back(world, job)


def test_a_job_that_went_on_meanwhile_is_not_turned_back(world: World, ann: UUID) -> None:
    job = world.hide(ann)
    seen = world.read(job)
    world.run(job, world.runner(hiding))
    with pytest.raises(Overtaken), world.database.write() as connection:
        give_back(connection, seen)
    assert world.read(job).state == KEPT


def test_what_is_given_back_replaces_nothing_that_was_chosen_since(world: World, ann: UUID) -> None:
    job = world.hide(ann)
    world.run(job, world.runner(hiding))
    for shard in range(SHARDS):  # the bar was lost, and Ann was quick
        world.hot.client.delete(barred_key(shard))
    world.choose(ann, "a", "amused")
    back(world, job)
    world.run(job, world.runner(hiding))
    assert world.chosen(ann) == WHAT_ANN_CHOSE | {"a": "amused"}


def test_a_bar_that_is_lost_on_the_way_is_put_in_again_and_what_was_chosen_meanwhile_is_taken(
    world: World, ann: UUID
) -> None:
    """Redis loses the bar at each stage in turn, and Ann is quick."""
    job = world.hide(ann)
    runner = world.runner(hiding)
    stages: set[tuple[object, ...]] = set()

    def rests() -> bool:
        progress = world.read(job).progress
        written, nothing_left = progress.get("shard") == SHARDS, not world.chosen(ann)
        stage = (written, progress.get("passing"), nothing_left)
        if progress.get("barred") and stage not in stages:
            stages.add(stage)
            world.hot.client.delete(barred_key(A.shard))
            world.choose(ann, "a", f"mood-{len(stages)}")
        runner.work()
        world.flush()
        return not world.read(job).running

    until(rests)
    assert stages >= {(True, True, False), (True, False, True)}  # while it takes, and when it looks last
    assert world.chosen(ann) == {}
    back(world, job)
    world.run(job, runner)
    assert world.chosen(ann) == WHAT_ANN_CHOSE | {"a": f"mood-{len(stages)}"}


def test_a_redis_that_is_emptied_at_each_stage_makes_a_job_begin_anew_and_loses_nothing(
    world: World, ann: UUID
) -> None:
    """What was played and not yet flushed is lost with the bar."""
    world.flush()
    before = world.tallies()
    job = world.hide(ann)
    runner = world.runner(hiding)
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

    until(rests)
    assert len(emptied) >= 4
    assert (world.chosen(ann), world.tallies()) == ({}, OTHERS)
    back(world, job)
    until(rests)
    assert (world.chosen(ann), world.tallies()) == (WHAT_ANN_CHOSE, before)
    assert verify(world.database, world.hot).differences == []


def test_a_choice_that_a_view_does_not_know_is_taken_all_the_same(world: World, ann: UUID) -> None:
    """The view of a is wrong, for whatever reason."""
    world.flush()
    view, choices, *_ = ballot_keys(A)
    world.hot.client.hset(choices, ann.bytes, "")
    world.hot.client.hincrby(view, "n:happy", -1)
    job = world.hide(ann)
    world.run(job, world.runner(hiding))
    assert (world.chosen(ann), world.tallies()) == ({}, OTHERS)


def test_choices_on_closed_articles_are_taken_and_given_back_as_well(world: World, ann: UUID) -> None:
    put_article(world.database, world.hot, "demo", "a", reactions_open=False)
    job = world.hide(ann)
    world.run(job, world.runner(hiding))
    assert world.tally("a") == {"happy": 1}
    back(world, job)
    world.run(job, world.runner(hiding))
    assert world.tally("a") == {"happy": 2}


def poison(world: World, ballot: Ballot) -> Any:
    """An entry that can't be stored, so that the ballot is put off again and again; answers its id."""
    entry: Any = {"r": b"no reader id", "o": "", "n": "happy", "t": 1, "w": "net"}
    world.choose(world.new_reader(), ballot.article, "happy")
    id = world.hot.client.xadd(ballot_keys(ballot)[2], entry)
    world.flusher.flush()
    return id


def test_ballots_that_are_put_off_for_others_do_not_keep_a_job_waiting(world: World, ann: UUID) -> None:
    world.put_articles("put-off")
    poison(world, Ballot("demo", "put-off", MOOD))
    job = world.hide(ann)
    world.run(job, world.runner(hiding))
    assert world.tallies() == OTHERS


def test_what_the_reader_chose_on_a_ballot_that_is_put_off_is_waited_for(world: World, ann: UUID) -> None:
    world.put_articles("put-off")
    ballot = Ballot("demo", "put-off", MOOD)
    world.choose(ann, "put-off", "happy")
    id = poison(world, ballot)
    job = world.hide(ann)
    runner = world.runner(hiding)

    def waits() -> bool:
        runner.work()
        found = world.read(job)
        assert found.running
        return found.progress.get("barred", False) and found.next_at > found.changed_at  # type: ignore[operator]

    until(waits)
    assert world.read(job).progress["shard"] <= ballot.shard
    world.hot.client.xdel(ballot_keys(ballot)[2], id)
    world.hot.client.zadd(ballot_keys(ballot)[4], {ballot.name: 0})
    world.run(job, runner)
    assert world.chosen(ann) == {}
    assert world.tally("put-off") == {"happy": 1}


def test_long_ledgers_of_others_are_read_in_pieces_to_their_end(
    world: World, ann: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "ENTRIES", 3)
    monkeypatch.setattr(written, "BOUND", 9)
    world.flush()
    world.put_articles("long")
    long = Ballot("demo", "long", MOOD)
    for _ in range(40):
        world.choose(world.new_reader(), "long", "happy")
    stores = Stores(world.hot, world.database, world.pages)
    of_ben, ben = Written(stores), world.new_reader()
    looks = [of_ben.up_to("bar", "demo", ben.bytes, 0)]
    while looks[-1][0] < SHARDS:
        looks.append(of_ben.up_to("bar", "demo", ben.bytes, looks[-1][0]))
    assert looks[0][0] <= long.shard
    assert len(looks) > 4
    assert not any(waits for _, waits in looks)
    world.choose(ann, "long", "sad")
    of_ann = Written(stores)
    looks = [of_ann.up_to("bar", "demo", ann.bytes, 0) for _ in range(20)]
    assert max(looks) <= (long.shard, True)
    world.flush()
    assert of_ann.up_to("bar", "demo", ann.bytes, looks[-1][0]) == (SHARDS, False)


def test_what_is_read_ahead_is_told_as_sql_has_it_by_then(
    world: World, ann: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chosen, "PAGE", 2)
    names = [f"r{n}" for n in range(9)]
    world.put_articles(*names)
    world.flush()
    world.store({ann: dict.fromkeys(names, "happy")})
    job = world.read(world.hide(ann))

    def walk(meanwhile: Mapping[int, str]) -> list[tuple[str, str]]:
        """Article and mood of each choice; after so many pages Ann chooses otherwise on the last article."""
        ahead, after, told = Ahead(), None, []
        for n in range(100):
            if n in meanwhile:
                world.choose(ann, names[-1], meanwhile[n])
                world.flush()
            with world.database.read() as connection:
                page = ahead.page(connection, job, after)
            told += [(row.external_id, row.choice) for row in page]
            if len(page) < 2:
                return told
            after = name_of(page[-1])
            ahead.went_on(job, len(page))
        raise AssertionError("it never ends")

    for far in (2, 5, 100):
        monkeypatch.setattr(chosen, "FAR", far)
        all = sorted(world.chosen(ann).items())
        assert sorted(walk({})) == all
        assert dict(walk({1: f"far-{far}"}))[names[-1]] == f"far-{far}"
        assert names[-1] not in dict(walk({1: ""}))
        world.choose(ann, names[-1], "happy")
        world.flush()


def test_a_job_waits_while_a_shard_is_half_full_and_readers_go_on(
    settings: Settings, database: Database
) -> None:
    world = World(replace(settings, ledger_keep=0.0, ledger_limit=100), database)
    world.put_articles("a")
    ann = world.new_reader()
    world.choose(ann, "a", "happy")
    world.flush()
    for _ in range(50):
        world.choose(world.new_reader(), "a", "sad")
    job = world.hide(ann)
    runner = world.runner(hiding)
    until(lambda: not runner.work() and world.read(job).error)
    assert world.read(job).error == WAITING
    world.choose(world.new_reader(), "a", "sad")
    assert world.tally("a") == {"happy": 1, "sad": 51}
    world.run(job, runner)
    assert world.tally("a") == {"sad": 51}
