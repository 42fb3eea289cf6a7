"""Views of many ballots built at once: each as exact as if it were alone, whatever happens to one of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from engagement.counts.service import Counts
from engagement.db.ballots import StoredBallots, move_cursors, sql_key
from engagement.db.engine import Database
from engagement.db.tables import articles, choices, comments, tallies
from engagement.errors import Closed, NotFound, Unavailable
from engagement.hot import commands
from engagement.hot.answers import Cold, Known, Snapshot, Tally
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot
from engagement.hot.pages import Pages
from engagement.hot.playing import deciding
from engagement.hot.protocol import Limits, choosing, hydrating, tallying, warming
from engagement.ratelimit import RateLimits
from engagement.reactions.service import Reactions
from engagement.settings import Settings
from engagement.sites.publishing import put_article
from engagement.sites.service import Sites
from engagement.verify import verify
from tests.filling import fill_voted
from tests.jobs_world import World

NAMES = tuple("abcdef")
A, B, C, *_ = BALLOTS = tuple(Ballot("demo", name, MOOD) for name in NAMES)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    """Two readers have chosen on every article, and SQL has it; there are no views."""
    world = World(replace(settings, ledger_keep=0.0), database)
    world.put_articles(*NAMES)
    for mood in ("happy", "sad"):
        world.ann = world.new_reader()
        for name in NAMES:
            world.choose(world.ann, name, mood)
    world.flush()
    forget(world, BALLOTS)
    return world


def forget(world: World, ballots: Iterable[Ballot]) -> None:
    world.hot.execute_many([commands.forget_view(ballot) for ballot in ballots])


def cold(world: World, ballots: Iterable[Ballot]) -> dict[Ballot, Cold]:
    """What those of the ballots that have no view answer."""
    asked = list(ballots)
    answers = world.hot.execute_many([commands.tally(ballot) for ballot in asked])
    return {b: answer for b, answer in zip(asked, answers, strict=True) if isinstance(answer, Cold)}


def told(world: World, ballots: Iterable[Ballot] = BALLOTS) -> list[dict[str, int]]:
    return [world.hot.play(tallying(ballot)) for ballot in ballots]


def is_hot(world: World, ballot: Ballot) -> bool:
    return isinstance(world.hot.execute(commands.tally(ballot)), Tally)


@pytest.mark.every_redis
def test_views_of_articles_and_comments_are_built_together(world: World) -> None:
    ids = fill_voted(world.database, "demo", "a", 3, {world.ann: "up"})
    votes = [Ballot("demo", "a", VOTE, str(id)) for id in ids]
    found = world.hot.play(warming(cold(world, [*BALLOTS, *votes])))
    assert found == dict.fromkeys(BALLOTS, Tally({"happy": 1, "sad": 1})) | dict.fromkeys(
        votes, Tally({"up": 1})
    )


def test_one_that_sql_does_not_know_keeps_no_other_from_its_view(world: World) -> None:
    nowhere = Ballot("demo", "nowhere", MOOD)
    no_comment = Ballot("demo", "a", VOTE, str(UUID(int=5)))
    for unknown in (nowhere, no_comment):
        forget(world, BALLOTS)
        with pytest.raises(NotFound):
            world.hot.play(warming(cold(world, [A, unknown, B])))
        assert [is_hot(world, ballot) for ballot in (A, unknown, B)] == [True, False, True]


def test_those_that_take_no_choices_do_not_take_them_afterwards(world: World) -> None:
    """Closed, merged into another, held back: each as its row has it."""
    shown, held = fill_voted(world.database, "demo", "e", 2, {world.ann: "up"})
    with world.database.write() as connection:
        on = articles.c.external_id
        connection.execute(update(articles).where(on == "a").values(reactions_open=False))
        connection.execute(update(articles).where(on == "b").values(closed_by="merge"))
        connection.execute(update(comments).where(comments.c.id == held).values(status="pending"))
        connection.execute(update(articles).where(on == "e").values(reactions_open=False))
    votes = [Ballot("demo", "e", VOTE, str(id)) for id in (shown, held)]
    world.hot.play(warming(cold(world, [A, B, C, *votes])))
    ben = world.new_reader()
    for ballot, choice in ((A, "happy"), (B, "happy"), (votes[1], "up")):
        with pytest.raises(Closed):
            world.hot.play(choosing(ballot, ben.bytes, choice, "net"))
    assert world.hot.play(choosing(C, ben.bytes, "sad", "net")).counts == {"happy": 1, "sad": 2}
    assert world.hot.play(choosing(votes[0], ben.bytes, "up", "net")).counts == {"up": 2}


def test_one_that_is_closed_meanwhile_is_looked_at_anew(world: World) -> None:
    noted = cold(world, [A, B])
    plan = hydrating(noted, world.hot.limits)
    snapshots = world.stored.snapshots(next(plan).runs)
    put_article(world.database, world.hot, "demo", "a", reactions_open=False)
    assert world.hot.execute_many(plan.send(snapshots)) == ["RETRY", "DONE"]
    with pytest.raises(Closed):
        world.choose(world.ann, "a", "angry")


def test_one_whose_ledger_was_flushed_and_trimmed_meanwhile_gets_a_fresh_snapshot(world: World) -> None:
    noted = cold(world, [A, B, C])
    plan = hydrating(noted, world.hot.limits)
    snapshots = world.stored.snapshots(next(plan).runs)
    world.choose(world.ann, "b", "angry")
    world.flush()
    forget(world, [B])
    answers = world.hot.execute_many(plan.send(snapshots))
    assert answers == ["DONE", "BEHIND", "DONE"]
    again = plan.send(answers)
    assert list(again.runs) == [B]
    assert world.hot.execute_many(plan.send(world.stored.snapshots(again.runs))) == ["DONE"]
    assert told(world, [A, B, C]) == [
        {"happy": 1, "sad": 1}, {"happy": 1, "angry": 1}, {"happy": 1, "sad": 1},
    ]  # fmt: skip


def test_one_that_sql_went_back_behind_is_healed_and_the_others_are_not_touched(world: World) -> None:
    with world.database.write() as connection:
        id = connection.execute(
            articles.select().with_only_columns(articles.c.id).where(articles.c.external_id == "b")
        ).scalar_one()
        for table in (choices, tallies):
            connection.execute(delete(table).where(table.c.article_id == id))
        move_cursors(connection, {sql_key(id, B): "0-0"})
    for _ in range(2):  # once healed, whoever asks again finds it built
        world.hot.play(hydrating(cold(world, [A, B, C]), world.hot.limits))
    assert [is_hot(world, ballot) for ballot in (A, B, C)] == [True] * 3
    assert told(world, [A, B, C]) == [{"happy": 1, "sad": 1}, {}, {"happy": 1, "sad": 1}]
    world.choose(world.ann, "b", "angry")
    world.flush()
    assert world.tally("b") == {"angry": 1}
    assert verify(world.database, world.hot).differences == []


def test_snapshots_of_a_redis_that_is_emptied_meanwhile_build_nothing(world: World) -> None:
    plan = hydrating(cold(world, BALLOTS), world.hot.limits)
    snapshots = world.stored.snapshots(next(plan).runs)
    world.hot.client.flushall()
    world.choose(world.ann, "a", "angry")
    assert world.hot.execute_many(plan.send(snapshots)) == ["PRESENT", *["RETRY"] * 5]
    assert told(world) == [{"happy": 1, "angry": 1}, *[{"happy": 1, "sad": 1}] * 5]


def test_one_with_too_much_to_replay_keeps_no_other_from_its_view(world: World) -> None:
    for _ in range(4):
        world.choose(world.new_reader(), "b", "happy")
    forget(world, [B])
    few = Hot(world.hot.client, world.stored, Limits(replay=3, ttl=60))
    with pytest.raises(Unavailable):
        few.play(warming(cold(world, [A, B, C])))
    assert [is_hot(world, ballot) for ballot in (A, B, C)] == [True, False, True]
    world.flush()
    assert told(world, [B]) == [{"happy": 5, "sad": 1}]


class Counting(StoredBallots):
    """Waits for the others at a snapshot, and notes of which ballots it was taken."""

    def __init__(self, database: Database, parties: int) -> None:
        super().__init__(database)
        self.taken: list[Ballot] = []
        self.times = 0
        self._together = threading.Barrier(parties)

    def snapshots(self, runs: Mapping[Ballot, str]) -> dict[Ballot, Snapshot | NotFound]:
        self._together.wait(60)
        self.taken += runs
        self.times += 1
        return super().snapshots(runs)


def test_who_builds_the_same_at_the_same_moment_waits_for_the_other_and_never_in_a_ring(
    world: World, settings: Settings
) -> None:
    """Each of three takes what no other has begun, one at least, and waits for the rest."""
    stored = Counting(world.database, 3)
    hot = Hot.from_settings(settings, stored)
    noted = cold(world, BALLOTS)
    found: list[Any] = []

    def build(*which: int) -> None:
        found.append(hot.play(warming({BALLOTS[n]: noted[BALLOTS[n]] for n in which})))

    threads = [threading.Thread(target=build, args=which) for which in ((0, 3, 4), (1, 4, 5), (2, 5, 3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(found) == 3
    assert all(tally == Tally({"happy": 1, "sad": 1}) for answers in found for tally in answers.values())
    assert sorted(ballot.name for ballot in stored.taken) == sorted(ballot.name for ballot in BALLOTS)


def test_choices_of_many_readers_are_played_over_views_that_go_away_meanwhile(world: World) -> None:
    """After every number of steps all is flushed and every view evicted, under some of which they wait."""
    for after in range(1, 7):
        steps = after
        before = told(world)
        wanted = [(ballot, world.new_reader().bytes) for ballot in BALLOTS for _ in range(3)]

        def ask(n: int, known: Known | None, wanted: Any = wanted) -> Any:
            ballot, reader = wanted[n]
            return commands.choose(ballot, reader, "amused", "net", known)

        forget(world, BALLOTS)
        plan = deciding(wanted, ask)
        need: Any = next(plan)
        answers: Any = None
        while answers is None:
            if steps == 0:
                world.choose(world.ann, "c", "angry" if before[2].get("sad") else "sad")
                world.flush()
                forget(world, BALLOTS[::2])
            steps -= 1
            try:
                need = plan.send(world.hot._answer(need))
            except StopIteration as over:
                answers = over.value
        assert all(isinstance(answer, Tally) for answer in answers)
        world.flush()
        amused = [was.get("amused", 0) + 3 for was in before]
        assert [tally["amused"] for tally in told(world)] == amused
    assert verify(world.database, world.hot).differences == []


def test_counts_of_many_articles_that_redis_knows_nothing_of_take_one_snapshot(
    world: World, settings: Settings
) -> None:
    """Also where one of them has more entries than may be replayed: that one is told as it is stored."""
    for _ in range(4):
        world.choose(world.new_reader(), "b", "happy")
    forget(world, BALLOTS)
    stored = Counting(world.database, 1)
    few = replace(settings, replay_limit=3)
    hot = Hot.from_settings(few, stored)
    pages, sites = Pages(hot, 60), Sites(world.database, "a secret of tests")
    counts = Counts(pages, sites, Reactions(hot, pages, world.database, sites, RateLimits(hot, few)))
    asked = [name for name in NAMES if name != "b"]
    found, degraded = counts.of(sites.site("demo"), [*asked, "nowhere"])
    assert {name: one["reactions"] for name, one in found.items()} == dict.fromkeys(asked, 2) | {"nowhere": 0}
    assert (degraded, stored.times) == (None, 1)
    forget(world, BALLOTS)
    found, degraded = counts.of(sites.site("demo"), NAMES)
    assert {name: one["reactions"] for name, one in found.items()} == dict.fromkeys(NAMES, 2)
    assert degraded is None
