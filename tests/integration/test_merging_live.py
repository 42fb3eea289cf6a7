"""Merging articles and undoing it while readers react, vote and comment under both names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engagement.db.engine import Database
from engagement.settings import Settings
from engagement.sites.merging import begin, undo
from engagement.verify import verify
from engagement.worker.jobs import carrying, merging, moving
from engagement.worker.loop import Worker
from tests.jobs_world import World
from tests.live_merging import LiveMerging
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
from tests.waiting import until


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
def test_a_merge_under_live_reactions_votes_and_comments_is_exact(
    app: Flask, client: FlaskClient, new_reader: Callable[..., Headers], settings: Settings, world: World
) -> None:
    """Readers under either name go on before it, meanwhile and after it; two workers do the job."""
    quiet = [new_reader() for _ in range(30)]
    ids = [post(client, "old", f"comment {n}", quiet[0]) for n in range(5)]
    ids += [post(client, "old", f"answer {n}", quiet[1], parent_id=ids[n]) for n in range(3)]
    for n, reader in enumerate(quiet):  # a third of them has a mood on both
        react(client, "old", reader, "inspired")
        if n % 3 == 0:
            react(client, "new", reader, "afraid")
        vote(client, "old", ids[n % len(ids)], reader, 1)
    live = LiveMerging(
        app, [new_reader() for _ in range(6)], lambda n: ("old", "new")[n % 2], ids,
        workers=2, settings=settings,
    )  # fmt: skip
    with live:
        until(lambda: live.chosen() > 60)
        job = begin(world.database, "demo", "old", "new")
        until(lambda: not world.read(job).running)
        after = live.chosen()
        until(lambda: live.chosen() > after + 60)
    assert live.faults == []
    assert {status for _, status in live.statuses} <= {200, 201, 503}, live.statuses
    assert Worker(settings).drain()
    expected = Counter(mood for mood in live.moods.values() if mood)
    expected += Counter({"inspired": 20, "afraid": 10})
    until(lambda: shown_id(client, "old") == "new")
    assert moods(client, "new") == moods(client, "old") == expected
    shown = {item["id"]: item for item in every_comment(client, "old")}
    assert shown.keys() == {*ids, *live.posted}
    for n, id in enumerate(ids):
        up, down = live.up_and_down(id)
        up += len([m for m in range(len(quiet)) if m % len(ids) == n])
        assert shown[id]["votes"] == {"up": up, "down": down, "score": up - down}
    assert client.get(f"{A}/new/footer").json["counts"]["comments"] == len(shown)  # type: ignore[index]
    assert verify(world.database, world.hot).differences == []
    nothing_is_left_of(world, job)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_steps")
def test_an_undoing_under_live_reactions_votes_and_comments_loses_and_doubles_nothing(
    app: Flask, client: FlaskClient, new_reader: Callable[..., Headers], settings: Settings, world: World
) -> None:
    quiet, live_readers = [new_reader() for _ in range(30)], [new_reader() for _ in range(6)]
    ids = [post(client, "old", f"comment {n}", quiet[0]) for n in range(5)]
    for n, reader in enumerate(quiet):
        react(client, "old", reader, "inspired")
        if n % 3 == 0:
            react(client, "new", reader, "afraid")
        vote(client, "old", ids[n % len(ids)], reader, 1)
    for reader in live_readers:
        react(client, "old", reader, "amused")
    worker = Worker(settings)
    work(worker, world, begin(world.database, "demo", "old", "new"))
    for n, reader in enumerate(quiet):  # of those whose mood was moved, half have changed it since
        if n % 3 == 1:
            react(client, "old", reader, "annoyed")
    live = LiveMerging(app, live_readers, lambda n: ("old", "new")[n % 2], ids, workers=2, settings=settings)
    with live:
        until(lambda: live.chosen() > 60)
        job = undo(world.database, "demo", "old")
        until(lambda: not world.read(job).running)
        after = live.chosen()
        until(lambda: live.chosen() > after + 60)
    assert live.faults == []
    assert {status for _, status in live.statuses} <= {200, 201, 409, 503}, live.statuses
    assert Worker(settings).drain()
    until(lambda: shown_id(client, "old") == "old")
    here, there = chosen_on(world, "new"), chosen_on(world, "old")
    for n, reader in enumerate(quiet):
        mine = id_of(client, reader)
        assert there[mine] == "inspired"
        assert here.get(mine) == ("afraid", "annoyed", None)[n % 3]
    for n, reader in enumerate(live_readers):
        mine = id_of(client, reader)
        if n % 2:  # under the name of the article that stays: what they said last stands there
            assert here.get(mine) == live.moods[n]
            assert there[mine] == "amused"
        else:
            assert there.get(mine) == live.moods[n]
    shown = {item["id"]: item for item in every_comment(client, "old")}
    assert shown.keys() >= {*ids}
    there_ids = {item["id"] for item in every_comment(client, "new")}
    assert {*ids, *live.posted} == shown.keys() | there_ids
    assert not shown.keys() & there_ids
    for n, id in enumerate(ids):
        up, down = live.up_and_down(id)
        up += len([m for m in range(len(quiet)) if m % len(ids) == n])
        assert shown[id]["votes"] == {"up": up, "down": down, "score": up - down}
    assert verify(world.database, world.hot).differences == []
    nothing_is_left_of(world, job)
