"""What readers and their web processes do: choose, look, post; slowly, twice, and ending anywhere."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from engagement.comments.once import Draft
from engagement.errors import Unavailable
from engagement.hot import commands
from engagement.hot.answers import Cold, Known
from engagement.hot.commands import Command
from engagement.hot.keys import ballot_keys
from engagement.hot.playing import deciding
from engagement.hot.protocol import choosing, hydrating, recalling, tallying
from engagement.readers.caller import Caller
from tests.integration.ledger.model import Posted
from tests.integration.ledger.stage import Stage
from tests.integration.ledger.world import ARTICLES, BALLOTS, CHOICES, READERS, WHERE, Paused

which = st.integers(0, 5)
"""A ballot: the first three, or of comments that were posted."""
people = st.sampled_from(READERS)
endings = st.none() | st.integers(0, 6)
"""Steps that a process does before it ends, if it does."""
places = st.integers(0, 3)
"""A choice among those of the ballot."""
steps = st.integers(0, 5)
names = st.sampled_from(sorted(ARTICLES))
halves = st.sampled_from([(0,), (1,), (0, 1)])
"""Of a view: its tally, its choices."""


class Readers(Stage):
    """Rules."""

    @rule(b=which, reader=people, n=places)
    def one_chooses(self, b: int, reader: UUID, n: int) -> None:
        self.choose(self.ballot(b), reader, n)

    @rule(b=which, seed=st.integers(0, 2**32 - 1))
    def many_choose(self, b: int, seed: int) -> None:
        random = Random(seed)
        for _ in range(random.randrange(2, 12)):
            self.choose(self.ballot(b), random.choice(READERS), random.randrange(4))

    @rule(b=which)
    def look_at_a_tally(self, b: int) -> None:
        """`watch` knows what it must be."""
        try:
            self.hot.play(tallying(self.ballot(b)))
        except Unavailable:
            self.take_a_turn()

    @rule(reader=people)
    def recall(self, reader: UUID) -> None:
        """One's own choices on several articles at once."""
        ballots = tuple(b for b in {*BALLOTS, *(self.ballot(n) for n in range(3, 5))} if self.is_exact(b))
        try:
            found = self.hot.play(recalling(ballots, reader.bytes, self.hot.limits))
        except Unavailable:
            self.take_a_turn()
        else:
            assert found == {b: self.model.choices[b].get(reader.bytes, "") for b in ballots}

    @rule(b=which, halves=halves)
    def evict(self, b: int, halves: tuple[int, ...]) -> None:
        """Not a reader's doing, but what they meet."""
        keys = ballot_keys(self.ballot(b))
        self.client.unlink(*(keys[half] for half in halves))

    # --- slow ------------------------------------------------------------------------------------------

    @rule(b=which, reader=people, n=places, done=steps, twice=st.booleans())
    def write_slowly(self, b: int, reader: UUID, n: int, done: int, twice: bool) -> None:
        ballot = self.ballot(b)
        options = CHOICES[ballot.kind]
        writer = Paused(choosing(ballot, reader.bytes, options[n % len(options)], "net"), self.hot)
        for _ in range(done):
            writer.step(twice=twice)
        self.writers.append(writer)

    @rule(n=st.integers(0, 99), ends=st.booleans())
    def go_on_writing(self, n: int, ends: bool) -> None:
        if not self.writers:
            return
        writer = self.writers.pop(n % len(self.writers))
        if ends:
            writer.step()  # and its process ends
        else:
            writer.finish()

    @rule(seed=st.integers(0, 2**32 - 1), done=steps, twice=st.booleans())
    def write_many_slowly(self, seed: int, done: int, twice: bool) -> None:
        """As jobs do, for several readers on several ballots in one round trip."""
        random = Random(seed)
        those = {
            (self.ballot(random.randrange(6)), random.choice(READERS)): random.randrange(4)
            for _ in range(random.randrange(2, 6))
        }
        choices = list(those)

        def ask(n: int, known: Known | None) -> Command[Any]:
            ballot, reader = choices[n]
            options = CHOICES[ballot.kind]
            choice = options[those[choices[n]] % len(options)]
            return commands.choose(ballot, reader.bytes, choice, "net", known)

        plan = deciding([(ballot, reader.bytes) for ballot, reader in choices], ask)
        writer = Paused(plan, self.hot)
        for _ in range(done):
            writer.step(twice=twice)
        self.writers.append(writer)

    @rule(some=st.sets(which, min_size=1), done=st.integers(1, 2), evicts=st.booleans())
    def hydrate_slowly(self, some: set[int], done: int, evicts: bool) -> None:
        """One ballot, or several at once."""
        ballots = {self.ballot(b) for b in some}
        if evicts:
            for ballot in ballots:
                self.forget_view(ballot)
        answers = {ballot: self.hot.execute(commands.tally(ballot)) for ballot in ballots}
        cold = {ballot: answer for ballot, answer in answers.items() if isinstance(answer, Cold)}
        if cold:
            hydration = Paused(hydrating(cold, self.hot.limits), self.hot)
            for _ in range(done):
                hydration.step()
            self.hydrations.append(hydration)

    @rule(n=st.integers(0, 99), ends=st.booleans())
    def go_on_hydrating(self, n: int, ends: bool) -> None:
        if not self.hydrations:
            return
        hydration = self.hydrations.pop(n % len(self.hydrations))
        if not ends:
            hydration.finish()

    @rule(n=st.integers(0, 99))
    def a_driver_sends_again(self, n: int) -> None:
        """Its connection broke after the first time; others did something meanwhile."""
        self.hot.execute(self.sent[n % len(self.sent)])

    @rule(b=which, reader=people, n=places, left=st.integers(0, 8))
    def a_web_process_ends(self, b: int, reader: UUID, n: int, left: int) -> None:
        with self.fuse.lit(left):
            self.choose(self.ballot(b), reader, n)

    # --- comments --------------------------------------------------------------------------------------

    @rule(article=names, reader=people, reply=st.integers(0, 3), fleeting=st.booleans(), left=endings)
    def post(self, article: str, reader: UUID, reply: int, fleeting: bool, left: int | None) -> None:
        """With a key, and again with it: also after its process ended half way, it is there once."""
        if len(self.model.comments) > 8:
            return
        there = {id: posted for id, posted in self.model.comments.items() if not posted.deleted}
        parents = [id for id, posted in there.items() if posted.article == article][:reply]
        parent = parents[-1] if parents else None
        number = self.new_number()
        draft = Draft(f"b {number}", parent, idempotency_key=f"key-{number}")
        if left is not None:
            with self.fuse.lit(left):
                self.threads.post(self.site, article, Caller(reader, "net"), draft)
        ids = {self.threads.post(self.site, article, Caller(reader, "net"), draft)["id"] for _ in range(2)}
        (id,) = ids
        self.model.comments[UUID(id)] = Posted(article, parent, reader, fleeting)

    @rule(which=st.integers(0, 8), left=endings)
    def take_back(self, which: int, left: int | None) -> None:
        """An author deletes a comment, and again: its place is kept while replies to it stand."""
        fleeting = [(id, posted) for id, posted in self.model.comments.items() if posted.fleeting]
        if not fleeting:
            return
        id, posted = fleeting[which % len(fleeting)]
        assert posted.author is not None
        caller = Caller(posted.author, "net")
        if left is not None:
            with self.fuse.lit(left):
                self.threads.delete(self.site, posted.article, id, caller)
        self.threads.delete(self.site, posted.article, id, caller)
        self.model.comments[id] = posted._replace(deleted=True)

    # --- what must be met often enough -----------------------------------------------------------------

    @rule(b=which, reader=people)
    def write_over_a_flush(self, b: int, reader: UUID) -> None:
        """A writer has looked its reader up; another device of theirs writes; that is flushed and evicted."""
        ballot = self.ballot(b)
        self.move(ballot, reader)
        self.flushers[0].flush(WHERE)
        self.forget_view(ballot)
        writer = Paused(choosing(ballot, reader.bytes, "", "net"), self.hot)
        for _ in range(4):  # cold, a view, unknown, looked up
            writer.step()
        self.move(ballot, reader)
        self.flushers[0].flush(WHERE)
        self.forget_view(ballot)
        self.look_at_a_tally(b)
        writer.finish()

    @rule(b=which, reader=people)
    def hydrate_over_a_flush(self, b: int, reader: UUID) -> None:
        """A snapshot is taken, then others write, flush, trim and evict before it is used."""
        ballot = self.ballot(b)
        self.forget_view(ballot)
        answer = self.hot.execute(commands.tally(ballot))
        assert isinstance(answer, Cold)
        hydration = Paused(hydrating({ballot: answer}, self.hot.limits), self.hot)
        hydration.step()
        self.move(ballot, reader)
        self.flushers[0].flush(WHERE)
        self.forget_view(ballot)
        hydration.finish()
        self.look_at_a_tally(b)

    @rule(b=which, reader=people, halves=halves)
    def evict_under_a_reader(self, b: int, reader: UUID, halves: tuple[int, ...]) -> None:
        ballot = self.ballot(b)
        self.move(ballot, reader)
        self.evict(b, halves)
        self.move(ballot, reader)

    def new_number(self) -> int:
        self.number = getattr(self, "number", 0) + 1
        return self.number
