"""What workers do: flush, settle, deliver the outbox; two at once, late, and ending anywhere."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from engagement.hot import commands
from tests.integration.ledger.readers import Readers, endings, names, people, which
from tests.integration.ledger.world import WHERE

who = st.integers(0, 1)
"""Of two workers: one trims at once what it has flushed, one keeps it."""
late = st.integers(0, 99)


class Workers(Readers):
    """Rules."""

    @rule(n=who)
    def flush(self, n: int) -> None:
        self.flushers[n].flush(WHERE)

    @rule(n=who)
    def read_ledgers(self, n: int) -> None:
        due = {}
        for shard in WHERE:
            found = self.hot.execute(commands.due(shard, 64))
            if found is not None:
                due[shard] = found
        if due:
            self.readings.append((self.flushers[n], self.flushers[n].read(due)))

    @rule(n=late, ends=st.booleans())
    def commit_late(self, n: int, ends: bool) -> None:
        if not self.readings:
            return
        flusher, batch = self.readings.pop(n % len(self.readings))
        done = flusher.commit(batch)
        if not ends:
            self.unsettled.append((flusher, done))

    @rule(n=late, some=st.none() | st.integers(0, 2))
    def settle_late(self, n: int, some: int | None) -> None:
        """All, or only some before the process ends."""
        if not self.unsettled:
            return
        flusher, done = self.unsettled.pop(n % len(self.unsettled))
        flusher.settle(done[:some])

    @rule(n=who, left=st.integers(0, 24))
    def a_worker_ends(self, n: int, left: int) -> None:
        """Anywhere: before its commit, after it, between two settles."""
        with self.fuse.lit(left):
            self.flushers[n].flush(WHERE)

    @rule(n=who, left=endings)
    def deliver(self, n: int, left: int | None) -> None:
        if left is None:
            self.outboxes[n].deliver()
        else:
            with self.fuse.lit(left):
                self.outboxes[n].deliver()

    # --- what must be met often enough -----------------------------------------------------------------

    @rule(b=which, reader=people, n=who)
    def a_worker_ends_before_its_commit(self, b: int, reader: UUID, n: int) -> None:
        self.move(self.ballot(b), reader)
        with self.fuse.lit(0, "before a commit"):
            self.flushers[n].flush(WHERE)

    @rule(article=names, reader=people, n=who)
    def a_worker_ends_before_it_has_counted(self, article: str, reader: UUID, n: int) -> None:
        self.post(article, reader, 1, False, None)
        with self.fuse.lit(0, "before a commit"):
            self.outboxes[n].deliver()

    @rule(b=which, reader=people, n=who)
    def write_between_commit_and_settle(self, b: int, reader: UUID, n: int) -> None:
        ballot = self.ballot(b)
        self.move(ballot, reader)
        self.read_ledgers(n)
        self.commit_late(len(self.readings) - 1, False)
        self.move(ballot, reader)
        self.settle_late(len(self.unsettled) - 1, None)

    @rule(b=which, reader=people)
    def commit_over_another(self, b: int, reader: UUID) -> None:
        """Two workers have read the same; one goes on, then what is chosen later, then the other."""
        ballot = self.ballot(b)
        self.move(ballot, reader)
        self.read_ledgers(1)
        self.flush(0)
        self.move(ballot, reader)
        self.flush(0)
        self.commit_late(len(self.readings) - 1, True)
