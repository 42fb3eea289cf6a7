"""What goes wrong: servers are killed, taken for others, fail over, and go back to an earlier state."""

from __future__ import annotations

import contextlib
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from engagement.errors import Unavailable
from engagement.hot import commands
from engagement.hot.answers import Cold
from engagement.hot.keys import Ballot
from engagement.hot.protocol import Plan, choosing, hydrating
from tests.integration.ledger.readers import people, which
from tests.integration.ledger.workers import Workers, who
from tests.integration.ledger.world import BALLOTS, CHOICES, READERS, Paused, slot_of
from tests.servers import RedisCluster
from tests.waiting import until

redis_goes_back = precondition(lambda self: self.redis_goes_back)
sql_goes_back = precondition(lambda self: self.sql_goes_back)
at_first = st.integers(0, len(BALLOTS) - 1)
"""A ballot that is there from the beginning, which a backup always has."""
on_a_cluster = precondition(lambda self: isinstance(self.server, RedisCluster))


class Mishaps(Workers):
    """Rules."""

    def __init__(self) -> None:
        super().__init__()
        self.redis_kept: dict[bytes, bytes] | None = None
        self.sql_is_kept = False

    @rule(lot=st.integers(0, 19))
    def kill_redis(self, lot: int) -> None:
        """Rarely, for it is slow. What was answered is there afterwards."""
        if lot == 0 and not isinstance(self.server, RedisCluster):
            self.server.kill()
            self.server.start()

    @rule(b=which, n=st.integers(0, 2))
    def another_redis_was_seen(self, b: int, n: int) -> None:
        """A process was pointed at another server for a moment; this one is the right one all the same."""
        self.stored.generation(self.ballot(b).shard, f"other-{n}")

    # --- Redis goes back -------------------------------------------------------------------------------

    @redis_goes_back
    @rule()
    def keep_redis(self) -> None:
        nodes = self.server.primaries if isinstance(self.server, RedisCluster) else [self.server]
        self.redis_kept = {}
        for node in nodes:  # the driver forgets nodes that have failed over, and stumbles then
            with node.client() as client:
                kept = {key: client.dump(key) or b"" for key in client.scan_iter(match="{s*")}
            self.redis_kept |= kept
        self.model.keep_redis()

    @redis_goes_back
    @rule()
    def redis_lags(self) -> None:
        """A fail-over to a replica that was behind: another server, without the tail."""
        if self.redis_kept is None:
            return
        cursors = self.cursors(self.known())
        self.server.flush()
        for key, value in self.redis_kept.items():
            self.client.restore(key, 0, value)
        self.promote()
        self.model.redis_went_back(cursors, self.floors(self.known()))

    @redis_goes_back
    @rule(lot=st.integers(0, 4))
    def redis_is_emptied(self, lot: int) -> None:
        """FLUSHALL, which somebody types once in their life."""
        if lot == 0:
            cursors = self.cursors(self.known())
            self.server.flush()
            self.model.redis_went_back(cursors, {}, empty=True)

    @redis_goes_back
    @rule(b=which, n=who, emptied=st.booleans())
    def fail_over_under_a_flush(self, b: int, n: int, emptied: bool) -> None:
        """A worker has read entries of the tail that the fail-over loses, and commits them late."""
        ballot = self.ballot(b)
        self.keep_redis()
        self.move(ballot, READERS[1])
        self.move(ballot, READERS[1])
        self.read_ledgers(n)
        if emptied:
            self.redis_is_emptied(0)
        else:
            self.redis_lags()
        self.move(ballot, READERS[0])
        self.move(ballot, READERS[0])
        self.commit_late(len(self.readings) - 1, False)
        self.settle_late(len(self.unsettled) - 1, None)

    def promote(self) -> None:
        """Another server serves the same data. Without a second one: what a promotion does to the history."""
        if isinstance(self.server, RedisCluster):
            for slot in {slot_of(ballot) for ballot in BALLOTS}:
                self.fail_over(slot)
        else:
            self.client.replicaof("127.0.0.1", 1)
            self.client.replicaof("NO", "ONE")

    # --- a Cluster -------------------------------------------------------------------------------------

    @on_a_cluster
    @rule(b=which)
    def a_node_fails_over(self, b: int) -> None:
        """Its replica has all that it had."""
        self.fail_over(slot_of(self.ballot(b)))

    @on_a_cluster
    @rule(b=which, reader=people, to=st.integers(0, 2), keys=st.integers(0, 4))
    def a_slot_moves(self, b: int, reader: UUID, to: int, keys: int) -> None:
        """While it is half moved, readers may be refused."""
        cluster, ballot = self.server, self.ballot(b)
        assert isinstance(cluster, RedisCluster)
        target = cluster.primaries[to]
        if target is cluster.serving(slot_of(ballot)):
            return
        with cluster.half_moved(slot_of(ballot), target, keys), contextlib.suppress(Unavailable):
            self.hot.play(choosing(ballot, reader.bytes, "", "net"))

    def fail_over(self, slot: int) -> None:
        """Without a vote, which the primaries grant once in two seconds only."""
        cluster = self.server
        assert isinstance(cluster, RedisCluster)
        primary = cluster.serving(slot)
        (replica,) = [n for n in cluster.nodes if not n.is_primary() and n.ask("ROLE")[2] == primary.port]
        until(lambda: replica.is_following() and replica.ask("ROLE")[4] >= primary.ask("ROLE")[1])
        cluster.fail_over(replica, "TAKEOVER")
        until(lambda: all(node.owner(slot) == replica.id for node in cluster.nodes))
        until(lambda: not primary.is_primary())

    # --- SQL goes back ---------------------------------------------------------------------------------

    @sql_goes_back
    @rule()
    def keep_sql(self) -> None:
        self.store.back_up(self.url)
        self.sql_is_kept = True
        self.model.keep_sql(self.cursors(self.known()))

    @sql_goes_back
    @rule()
    def restore_sql(self) -> None:
        """A worker's beat is at most a second old, the backup older."""
        if not self.sql_is_kept:
            return
        self.rewind.check(beat=True)
        self.model.catch_up(self.cursors(self.known()))
        self.store.restore(self.url)
        for ballot in self.model.sql_went_back(self.floors(self.known())):
            self.has_lost(ballot)

    @sql_goes_back
    @rule(left=st.none() | st.integers(0, 20), beat=st.booleans())
    def a_worker_looks_whether_sql_went_back(self, left: int | None, beat: bool) -> None:
        if left is None:
            self.rewind.check(beat=beat)
        else:
            with self.fuse.lit(left):
                self.rewind.check(beat=beat)

    @sql_goes_back
    @rule(b=at_first, reader=people, n=who)
    def restore_sql_under_its_readers(self, b: int, reader: UUID, n: int) -> None:
        """What was trimmed since the backup is lost, what was kept is not; who chose it chooses it again."""
        ballot = self.back_up_then_move(b, reader, n)
        self.look_at_a_tally(b)
        choice = CHOICES[ballot.kind].index(self.model.choices[ballot][reader.bytes])
        self.restore_sql()
        self.choose(ballot, reader, choice)

    @sql_goes_back
    @rule(b=at_first, reader=people, writes=st.booleans(), ends=st.booleans())
    def restore_sql_under_a_web_process(self, b: int, reader: UUID, writes: bool, ends: bool) -> None:
        """It has looked something up before SQL went back, and uses it when that was noticed and mended.

        `ends`: the worker that mends it ends when it has committed something, and is started again.
        """
        ballot = self.back_up_then_move(b, reader, 0)
        if writes:
            plan: Plan[object] = choosing(
                ballot, reader.bytes, self.model.choices[ballot][reader.bytes], "net"
            )
            slow = Paused(plan, self.hot)
            for _ in range(4):  # cold, a view, unknown, looked up
                slow.step()
        else:
            cold = self.hot.execute(commands.tally(ballot))
            assert isinstance(cold, Cold)
            slow = Paused(hydrating({ballot: cold}, self.hot.limits), self.hot)
            slow.step()
        self.restore_sql()
        if ends:
            with self.fuse.lit(0, "after a commit"):
                self.rewind.check(beat=False)
        self.rewind.check(beat=False)
        if writes:
            self.look_at_a_tally(b)
        slow.finish()
        self.look_at_a_tally(b)

    def back_up_then_move(self, b: int, reader: UUID, n: int) -> Ballot:
        """On one of the ballots that the backup has, where SQL has other choices too; without a view."""
        ballot = BALLOTS[b]
        self.choose(ballot, READERS[5], 0)
        self.flush(n)
        self.keep_sql()
        self.move(ballot, reader)
        self.flush(n)
        self.forget_view(ballot)
        return ballot

    @precondition(lambda self: self.redis_goes_back and self.sql_goes_back)
    @rule(b=at_first, n=who, flushed=st.booleans())
    def both_go_back_under_a_worker(self, b: int, n: int, flushed: bool) -> None:
        """What a worker has read, or has yet to settle, is of a run of Redis that SQL has forgotten."""
        ballot = BALLOTS[b]
        self.keep_redis()
        self.keep_sql()
        self.redis_lags()
        self.move(ballot, READERS[1])
        self.move(ballot, READERS[1])
        self.read_ledgers(n)
        if flushed:
            self.commit_late(len(self.readings) - 1, False)
        self.redis_lags()
        self.restore_sql()
        self.move(ballot, READERS[0])
        self.move(ballot, READERS[0])
        if flushed:
            self.settle_late(len(self.unsettled) - 1, None)
        else:
            self.commit_late(len(self.readings) - 1, False)
