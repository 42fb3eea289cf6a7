"""The rules of the ledger, played in random order on the real scripts and flush, a real Redis and SQL.

Writes pause half way and go on late, two flushers read the same ledger, flushes crash before and after
the commit, settles come late or never, views are evicted whole or in halves, Redis is killed and comes
back. In the other worlds Redis or SQL goes back to an earlier state. In the end SQL and every view agree
with what was accepted, and nothing was ever stuck.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, cast
from uuid import UUID

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from prometheus_client import REGISTRY
from sqlalchemy import select

from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import articles, choices
from engagement.errors import NotFound, Unavailable
from engagement.hot import commands
from engagement.hot.answers import Cold
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot, ballot_keys
from engagement.hot.protocol import Limits, choosing, hydrating, tallying
from engagement.verify import verify
from engagement.worker.flush import Batch, Flusher
from engagement.worker.storing import Reading
from tests.kinds import AnyRedis, store_of
from tests.ledger_world import (
    BALLOTS,
    CHOICES,
    COMMENT,
    READERS,
    REPLAY,
    Crash,
    CrashingDatabase,
    Paused,
    fill,
)
from tests.stores import SqlStore, close_connections

ballots = st.sampled_from(BALLOTS)
people = st.sampled_from(READERS)


class Ledger(RuleBasedStateMachine):
    """The world of one example."""

    server: AnyRedis
    store: SqlStore
    folder: Path
    redis_goes_back = False
    sql_goes_back = False

    def __init__(self) -> None:
        super().__init__()
        self.url = self.store.fresh(self.folder)
        self.database = Database(self.url)
        self.stored = StoredBallots(self.database)
        self.client = cast(redis.Redis, self.server.client())  # a cluster's client has the same words
        self.client.flushall()
        self.hot = Hot(self.client, self.stored, Limits(REPLAY, 3_600))
        self.flushers = [Flusher(self.hot, self.database, self.stored, keep) for keep in (0.0, 3_600.0)]
        self.accepted: dict[tuple[Ballot, UUID], str] = {}
        self.writers: list[tuple[Paused, Ballot, UUID, str]] = []
        self.hydrations: list[Paused] = []
        self.readings: list[tuple[Flusher, Batch]] = []
        self.unsettled: list[tuple[Flusher, list[Reading]]] = []
        self.off_before = REGISTRY.get_sample_value("engagement_views_off_total")
        self.redis_backup: dict[bytes, bytes] | None = None
        self.sql_has_a_backup = False

    def teardown(self) -> None:
        try:
            self.agree()
        finally:
            self.database.close()
            self.client.close()
            self.store.discard(self.url)

    # --- readers ---------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        self.play(BALLOTS[0], READERS[0], "happy")

    @rule(ballot=ballots, reader=people, n=st.integers(0, 3))
    def choose(self, ballot: Ballot, reader: UUID, n: int) -> None:
        self.play(ballot, reader, CHOICES[ballot.kind][n % len(CHOICES[ballot.kind])])

    @rule(ballot=ballots, seed=st.integers(0, 2**32 - 1))
    def many_choose(self, ballot: Ballot, seed: int) -> None:
        random = Random(seed)
        for _ in range(random.randrange(2, 12)):
            self.play(ballot, random.choice(READERS), random.choice(CHOICES[ballot.kind]))

    @rule(ballot=ballots, reader=people, n=st.integers(0, 3), steps=st.integers(0, 4), twice=st.booleans())
    def write_slowly(self, ballot: Ballot, reader: UUID, n: int, steps: int, twice: bool) -> None:
        choice = CHOICES[ballot.kind][n % len(CHOICES[ballot.kind])]
        writer = Paused(choosing(ballot, reader.bytes, choice, "net"), self.hot)
        for _ in range(steps):
            if not writer.done:
                writer.step(twice=twice)
        self.writers.append((writer, ballot, reader, choice))
        self.note()

    @rule(ballot=ballots, reader=people)
    def write_over_a_flush(self, ballot: Ballot, reader: UUID) -> None:
        """A writer has looked its reader up; another device of theirs writes; that is flushed and evicted."""
        one, other = CHOICES[ballot.kind][:2]
        self.play(ballot, reader, one)
        self.flush(0)
        self.hot.execute(commands.forget_view(ballot))
        writer = Paused(choosing(ballot, reader.bytes, "", "net"), self.hot)
        for _ in range(4):  # cold, a view, unknown, looked up
            if not writer.done:
                writer.step()
        self.writers.append((writer, ballot, reader, ""))
        self.note()
        self.play(ballot, reader, other)
        self.flush(0)
        self.hot.execute(commands.forget_view(ballot))
        self.hot.play(tallying(ballot))
        writer.finish()
        self.note()

    @precondition(lambda self: self.writers)
    @rule(n=st.integers(0, 99))
    def go_on_writing(self, n: int) -> None:
        self.writers[n % len(self.writers)][0].finish()
        self.note()

    @rule(ballot=ballots, steps=st.integers(1, 2))
    def hydrate_slowly(self, ballot: Ballot, steps: int) -> None:
        answer = self.hot.execute(commands.tally(ballot))
        if isinstance(answer, Cold):
            hydration = Paused(hydrating(ballot, answer, self.hot.limits), self.hot)
            for _ in range(steps):
                if not hydration.done:
                    hydration.step()
            self.hydrations.append(hydration)

    @rule(ballot=ballots, reader=people, n=st.integers(0, 3))
    def hydrate_over_a_flush(self, ballot: Ballot, reader: UUID, n: int) -> None:
        """A snapshot is taken, then others write, flush, trim and evict before it is used."""
        self.hot.execute(commands.forget_view(ballot))
        answer = self.hot.execute(commands.tally(ballot))
        assert isinstance(answer, Cold)
        hydration = Paused(hydrating(ballot, answer, self.hot.limits), self.hot)
        hydration.step()
        self.choose(ballot, reader, n)
        self.flush(0)
        self.hot.execute(commands.forget_view(ballot))
        hydration.finish()

    @precondition(lambda self: self.hydrations)
    @rule(n=st.integers(0, 99))
    def go_on_hydrating(self, n: int) -> None:
        self.hydrations.pop(n % len(self.hydrations)).finish()

    # --- workers ---------------------------------------------------------------------------------------

    @rule(who=st.integers(0, 1))
    def flush(self, who: int) -> None:
        self.flushers[who].flush()

    @rule(who=st.integers(0, 1))
    def read_a_ledger(self, who: int) -> None:
        due = {}
        for shard in {ballot.shard for ballot in BALLOTS}:
            found = self.hot.execute(commands.due(shard, 64))
            if found is not None:
                due[shard] = found
        if due:
            self.readings.append((self.flushers[who], self.flushers[who].read(due)))

    @precondition(lambda self: self.readings)
    @rule(n=st.integers(0, 99), crash=st.sampled_from(["no", "before settling"]))
    def commit_late(self, n: int, crash: str) -> None:
        flusher, batch = self.readings.pop(n % len(self.readings))
        done = flusher.commit(batch)
        if crash == "no":
            self.unsettled.append((flusher, done))

    @rule(keep=st.sampled_from([0.0, 3_600.0]))
    def crash_before_the_commit(self, keep: float) -> None:
        with contextlib.suppress(Crash):
            Flusher(self.hot, CrashingDatabase(self.database), self.stored, keep).flush()

    @precondition(lambda self: self.unsettled)
    @rule(n=st.integers(0, 99))
    def settle_late(self, n: int) -> None:
        flusher, done = self.unsettled.pop(n % len(self.unsettled))
        flusher.settle(done)

    # --- what goes wrong -------------------------------------------------------------------------------

    @rule(ballot=ballots, which=st.sampled_from([(0,), (1,), (0, 1)]))
    def evict(self, ballot: Ballot, which: tuple[int, ...]) -> None:
        self.client.unlink(*(ballot_keys(ballot)[i] for i in which))

    @rule(lot=st.integers(0, 9))
    def kill_redis(self, lot: int) -> None:
        if lot == 0:
            self.server.kill()
            self.server.start()

    @rule(ballot=ballots, n=st.integers(0, 2))
    def another_redis_was_seen(self, ballot: Ballot, n: int) -> None:
        """A process was pointed at another server for a moment; this one is the right one all the same."""
        self.stored.generation(ballot.shard, f"other-{n}")

    @precondition(lambda self: self.redis_goes_back)
    @rule()
    def back_up_redis(self) -> None:
        keys: Any = self.client.keys("{s*")
        self.redis_backup = {key: self.client.dump(key) or b"" for key in keys}

    @precondition(lambda self: self.redis_goes_back and self.redis_backup is not None)
    @rule()
    def restore_redis(self) -> None:
        """A fail-over to a replica that lags: another server, without the tail."""
        assert self.redis_backup is not None
        self.accepted.clear()
        self.client.flushall()
        for key, value in self.redis_backup.items():
            self.client.restore(key, 0, value)
        self.server.kill()
        self.server.start()

    @precondition(lambda self: self.redis_goes_back)
    @rule(ballot=ballots, who=st.integers(0, 1))
    def fail_over_under_a_flush(self, ballot: Ballot, who: int) -> None:
        """A worker has read entries of the tail that the fail-over loses, and commits them late."""
        one, other = CHOICES[ballot.kind][:2]
        self.back_up_redis()
        self.play(ballot, READERS[1], one)
        self.play(ballot, READERS[1], other)
        self.read_a_ledger(who)
        self.restore_redis()
        self.play(ballot, READERS[0], one)
        self.play(ballot, READERS[0], other)
        self.commit_late(len(self.readings) - 1, "no")
        self.settle_late(len(self.unsettled) - 1)

    @precondition(lambda self: self.sql_goes_back)
    @rule()
    def back_up_sql(self) -> None:
        self.store.back_up(self.url)
        self.sql_has_a_backup = True

    @precondition(lambda self: self.sql_has_a_backup)
    @rule()
    def restore_sql(self) -> None:
        self.accepted.clear()
        self.store.restore(self.url)

    # --- what must hold --------------------------------------------------------------------------------

    def play(self, ballot: Ballot, reader: UUID, choice: str) -> None:
        try:
            self.hot.play(choosing(ballot, reader.bytes, choice, "net"))
        except Unavailable:
            self.flushers[0].flush()  # the worker has its turn, and the reader tries again
            self.hot.play(choosing(ballot, reader.bytes, choice, "net"))
        self.accepted[ballot, reader] = choice

    def note(self) -> None:
        """What slow writers have got accepted."""
        for writer, ballot, reader, choice in [w for w in self.writers if w[0].done]:
            if writer.result is not None:
                self.accepted[ballot, reader] = choice
        self.writers = [w for w in self.writers if not w[0].done]

    def agree(self) -> None:
        due = [ballot_keys(ballot)[4] for ballot in BALLOTS]
        for _ in range(100):
            if not any(self.client.zcard(key) for key in due):
                break
            for key in due:  # what is kept for a minute may go now
                names: Any = self.client.zrange(key, 0, -1)
                for name in names:
                    self.client.zadd(key, {name: 0})
            self.flushers[0].flush()
        else:
            raise AssertionError("the flush never ends")
        with self.database.read() as connection:
            stored = {
                (kind, article, subject, reader): choice
                for kind, article, subject, reader, choice in connection.execute(
                    select(
                        choices.c.kind, articles.c.external_id, choices.c.subject_id, choices.c.reader_id,
                        choices.c.choice,
                    ).join(articles, articles.c.id == choices.c.article_id)
                )
            }  # fmt: skip
            ids = dict(connection.execute(select(articles.c.external_id, articles.c.id)).all())
        lossy = self.redis_goes_back or self.sql_goes_back
        assert lossy or REGISTRY.get_sample_value("engagement_views_off_total") == self.off_before
        for (ballot, reader), choice in self.accepted.items():
            subject = ids[ballot.article] if ballot.kind == MOOD else COMMENT
            assert stored.get((ballot.kind, ballot.article, subject, reader), "") == choice, (ballot, reader)
        if self.sql_goes_back:  # only a rebuilt view can be held against an SQL that went back
            for ballot in BALLOTS:
                self.hot.execute(commands.forget_view(ballot))
        for ballot in BALLOTS:
            self.hot.play(tallying(ballot))
        report = verify(self.database, self.hot)
        assert report.differences == []
        for ballot in BALLOTS:
            subject = ids[ballot.article] if ballot.kind == MOOD else COMMENT
            counted: dict[str, int] = {}
            for (kind, article, of, _), choice in stored.items():
                if (kind, article, of) == (ballot.kind, ballot.article, subject):
                    counted[choice] = counted.get(choice, 0) + 1
            assert self.hot.play(tallying(ballot)) == counted


@pytest.fixture
def world(
    request: pytest.FixtureRequest, redis_server: AnyRedis, sql_kind: str, tmp_path: Path
) -> Iterator[type[Ledger]]:
    class World(Ledger):
        server = redis_server
        store = store_of(sql_kind, request, tmp_path, fill)
        folder = tmp_path

    yield World
    close_connections()
    World.store.close()


def play(world: type[Ledger], examples: int) -> None:
    run_state_machine_as_test(
        world,
        settings=settings(
            max_examples=examples,
            stateful_step_count=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        ),
    )


def test_what_is_accepted_is_counted_once_whatever_is_killed_evicted_or_late(world: type[Ledger]) -> None:
    play(world, 40)


def test_a_redis_that_comes_back_without_its_tail_agrees_with_sql_again(world: type[Ledger]) -> None:
    world.redis_goes_back = True
    play(world, 25)


def test_an_sql_that_goes_back_to_a_backup_is_healed_and_goes_on(world: type[Ledger]) -> None:
    world.sql_goes_back = True
    play(world, 25)


def test_a_ballot_of_an_unknown_article_or_comment_is_not_found(world: type[Ledger]) -> None:
    state = world()
    for ballot in (Ballot("s", "nope", MOOD), Ballot("s", "a", VOTE, str(UUID(int=5)))):
        with pytest.raises(NotFound):
            state.hot.play(choosing(ballot, READERS[0].bytes, "happy", "net"))
    state.teardown()
