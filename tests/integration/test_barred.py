"""While a bar is in, nobody chooses for the reader but its owner."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from engagement import clock
from engagement.db.engine import Database
from engagement.errors import Forbidden
from engagement.hot import bars, commands
from engagement.hot.keys import MOOD, Ballot, barred_key
from engagement.hot.playing import Move, playing
from engagement.hot.protocol import choosing
from engagement.settings import Settings
from tests.jobs_world import World
from tests.waiting import until

pytestmark = pytest.mark.every_redis
A = Ballot("demo", "a", MOOD)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    world = World(settings, database)
    world.put_articles("a")
    return world


@pytest.fixture
def ann(world: World) -> UUID:
    """Somebody who has chosen."""
    id = world.new_reader("Ann")
    world.choose(id, "a", "happy")
    world.flush()
    return id


def test_a_choice_that_hung_is_refused_once_the_bar_is_in(world: World, ann: UUID) -> None:
    plan = choosing(A, ann.bytes, "sad", "net")
    choose: Any = next(plan)
    bars.bar(world.hot, ann.bytes, "job")
    before = world.tally("a")
    with pytest.raises(Forbidden):
        plan.send(world.hot.execute(choose))
    assert world.tally("a") == before
    world.hot.execute(commands.forget_view(A))
    with pytest.raises(Forbidden):  # be there a view or not
        world.choose(ann, "a", "sad")
    world.choose(world.new_reader(), "a", "sad")


def test_a_bar_ends_by_itself_and_goes_when_others_come(
    world: World, ann: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bars, "HOLD", 1)
    bars.bar(world.hot, ann.bytes, "job")
    until(lambda: not bars.hold(world.hot, ann.bytes, "job"))
    world.choose(ann, "a", "sad")
    assert world.hot.client.hexists(barred_key(A.shard), ann.bytes)
    bars.bar(world.hot, clock.new_id().bytes, "another")
    assert not world.hot.client.hexists(barred_key(A.shard), ann.bytes)


def test_a_bar_that_is_looked_at_holds_for_longer(
    world: World, ann: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def till() -> int:
        return int(world.hot.client.hget(barred_key(A.shard), ann.bytes).split()[0])

    monkeypatch.setattr(bars, "HOLD", 60_000)
    bars.bar(world.hot, ann.bytes, "job")
    first = till()
    assert bars.hold(world.hot, ann.bytes, "job")
    assert till() == first
    monkeypatch.setattr(bars, "HOLD", 600_000)
    assert bars.hold(world.hot, ann.bytes, "job")
    assert till() > first + 500_000
    assert not bars.hold(world.hot, ann.bytes, "another")
    bars.lift(world.hot, ann.bytes, "another")
    assert bars.hold(world.hot, ann.bytes, "job")


def test_a_worker_whose_bar_another_has_taken_over_plays_nothing(world: World, ann: UUID) -> None:
    """It has looked Ann up on a, hung, and goes on when an erasure is over."""
    bars.bar(world.hot, ann.bytes, "first")
    plan = playing([Move(A, ann.bytes)], "first")
    need: Any = next(plan)
    bars.bar(world.hot, ann.bytes, "second")
    before = world.tally("a")
    with pytest.raises(StopIteration) as ended:
        plan.send(world.hot.execute_many(need))
    assert ended.value.value == [False]
    assert world.tally("a") == before
