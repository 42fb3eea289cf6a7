"""What the rules of the ledger's machine stand on: stores, processes, the model, and what is watched."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine

from engagement.comments.verdict import Lenient
from engagement.comments.writing import Rules, Writing
from engagement.db.ballots import StoredBallots, order, read_cursors, sql_key
from engagement.db.engine import Database
from engagement.errors import Unavailable
from engagement.hot import commands
from engagement.hot.answers import Tally
from engagement.hot.commands import Command
from engagement.hot.keys import MOOD, VOTE, Ballot, ballot_keys
from engagement.hot.pages import Pages
from engagement.hot.protocol import choosing
from engagement.ratelimit import RateLimits
from engagement.settings import load
from engagement.sites.service import Site, Sites
from engagement.worker.flush import Batch, Flusher
from engagement.worker.outbox import Outbox
from engagement.worker.rewind import Rewind
from engagement.worker.storing import Reading
from tests.integration.ledger.model import START, Event, Id, Model
from tests.integration.ledger.world import (
    ARTICLES,
    BALLOTS,
    CHOICES,
    REPLAY,
    SITE,
    WHERE,
    Fuse,
    Paused,
    WatchedDatabase,
    WatchedHot,
)
from tests.kinds import AnyRedis
from tests.stores import SqlStore

AGAIN = ("choose", "hydrate", "settle")
"""Scripts that a driver may send again, much later."""


class Stage(RuleBasedStateMachine):
    """The world of one example. Which rules it has never depends on what happened, for that can differ."""

    server: ClassVar[AnyRedis]
    store: ClassVar[SqlStore]
    folder: ClassVar[Path]
    redis_goes_back: ClassVar[bool] = False
    sql_goes_back: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.fuse = Fuse()
        self.model = Model()
        self.sent: deque[Command[Any]] = deque(maxlen=40)
        self.old: set[Ballot] = set()
        self.doubtful: dict[Ballot, Id] = {}
        self.writers: list[Paused] = []
        self.hydrations: list[Paused] = []
        self.readings: list[tuple[Flusher, Batch]] = []
        self.unsettled: list[tuple[Flusher, list[Reading]]] = []
        self.set_the_stage()

    def set_the_stage(self) -> None:
        self.url = self.store.fresh(self.folder)
        self.server.flush()
        self.client: Any = self.server.client()
        self.database = WatchedDatabase(self.url, self.fuse)
        self.stored = StoredBallots(self.database)
        settings = load(
            database_url=self.url, redis_url=self.server.url, secret_key="of tests " * 4, replay_limit=REPLAY,
            ratelimit_enabled=False, redis_timeout=10.0,
        )  # fmt: skip
        hot = WatchedHot.from_settings(settings, self.stored)
        assert isinstance(hot, WatchedHot)
        self.hot = hot
        self.hot.watch, self.hot.fuse = self.watch, self.fuse
        self.flushers = [self.flusher(keep) for keep in (0.0, 3_600.0)]
        pages = Pages(self.hot, 60)
        self.outboxes = [Outbox(self.database, self.hot, pages) for _ in range(2)]
        self.rewind = Rewind(self.hot, self.database, self.stored, pages)
        self.site = Site(SITE, SITE, (), "known")
        sites, limits = Sites(self.database, "of tests"), RateLimits(self.hot, settings)
        self.threads = Writing(self.database, self.hot, pages, sites, limits, Rules(100, 3_600, 1), Lenient())

    def clear_the_stage(self) -> None:
        self.database.close()
        self.hot.client.close()
        self.client.close()
        self.store.discard(self.url)

    # --- what is done ----------------------------------------------------------------------------------

    def flusher(self, keep: float) -> Flusher:
        """Of a worker; `keep` in seconds."""
        return TellingFlusher(self, keep)

    def ballot(self, n: int) -> Ballot:
        """One of the three, or the votes on a comment that was posted."""
        posted = [(id, on) for id, on in self.model.comments.items() if not on.fleeting]
        if n < len(BALLOTS) or not posted:
            return BALLOTS[n % len(BALLOTS)]
        id, comment = posted[(n - len(BALLOTS)) % len(posted)]
        return Ballot(SITE, comment.article, VOTE, str(id))

    def move(self, ballot: Ballot, reader: UUID) -> None:
        """Choose something else."""
        options = CHOICES[ballot.kind]
        self.choose(ballot, reader, options.index(self.model.choices[ballot].get(reader.bytes, "")) + 1)

    def choose(self, ballot: Ballot, reader: UUID, n: int) -> None:
        """A reader who is told to come again does so when the worker has had its turn."""
        choice = CHOICES[ballot.kind][n % len(CHOICES[ballot.kind])]
        for _ in range(5):
            try:
                self.hot.play(choosing(ballot, reader.bytes, choice, "net"))
            except Unavailable:
                self.take_a_turn()
            else:
                return
        raise AssertionError("a reader is refused for ever")

    def take_a_turn(self) -> None:
        """A worker's round."""
        if self.sql_goes_back:
            self.rewind.check(beat=False)
        self.flushers[0].flush(WHERE)

    def forget_view(self, ballot: Ballot) -> None:
        self.hot.execute(commands.forget_view(ballot))

    # --- what is seen ----------------------------------------------------------------------------------

    @property
    def goes_back(self) -> bool:
        return self.redis_goes_back or self.sql_goes_back

    def watch(self, command: Command[Any], reply: Any, answer: Any) -> None:
        """Every command of every process: what is accepted, and whether each tally that is told is right."""
        name = command.script.name if command.script else ""
        if name in AGAIN:
            self.sent.append(command)
        if name not in ("choose", "tally", "settle"):
            return
        ballot = Ballot.parse(command.args[0])
        if not self.is_there(ballot):
            return  # lost with an SQL that went back: what is chosen on it goes to the dead letters
        if name == "settle":
            self.trimmed(ballot)
        if not isinstance(answer, Tally):
            return
        if name == "choose":
            moved = reply[0] == b"OK"
            if moved or not self.is_old(ballot):
                id = self.last(ballot) if moved and self.goes_back else None
                self.model.accept(ballot, command.args[1], command.args[2], id)
                if id and not self.is_exact(ballot):
                    self.doubtful[ballot] = id
        if self.is_exact(ballot):
            assert answer.counts == self.model.counts(ballot), f"{name} tells a wrong tally of {ballot.name}"

    def is_there(self, ballot: Ballot) -> bool:
        return ballot.kind == MOOD or ballot in BALLOTS or UUID(ballot.subject) in self.model.comments

    def is_old(self, ballot: Ballot) -> bool:
        """Can there be a view from before SQL went back, with choices that are lost? Until it is healed."""
        if ballot in self.old and self.cursors([ballot])[ballot] >= self.floors([ballot]).get(ballot, START):
            self.old.discard(ballot)
        return ballot in self.old

    def is_exact(self, ballot: Ballot) -> bool:
        """Entries that move away from a lost choice make the tally wrong until SQL has them."""
        if ballot in self.doubtful and self.cursors([ballot])[ballot] >= self.doubtful[ballot]:
            del self.doubtful[ballot]
        return ballot not in self.doubtful and not self.is_old(ballot)

    def has_lost(self, ballot: Ballot) -> None:
        """What a view shows, and what its ledger moves, is not what is left."""
        self.old.add(ballot)
        left = self.model.redis[ballot].events
        if left:
            self.doubtful[ballot] = left[-1].id

    def trimmed(self, ballot: Ballot) -> None:
        """A worker that has been slow since before SQL went back takes away what SQL has lost."""
        if not self.sql_goes_back:
            return
        floor, cursors = self.floors([ballot]).get(ballot), self.cursors([ballot])
        if floor and cursors[ballot] < floor:
            self.model.catch_up(cursors)
            if self.model.trimmed(ballot, floor):
                self.has_lost(ballot)

    def last(self, ballot: Ballot) -> Id:
        """The id of the entry that was made just now."""
        return order(self.client.hget(ballot_keys(ballot)[0], "last").decode())

    def cursors(self, ballots: Iterable[Ballot]) -> dict[Ballot, Id]:
        """How far SQL has come."""
        keys = {ballot: sql_key(ARTICLES[ballot.article], ballot) for ballot in ballots}
        with Database.read(self.database) as connection:
            at = read_cursors(connection, list(keys.values()))
        return {ballot: order(at[key]) for ballot, key in keys.items()}

    def floors(self, ballots: Iterable[Ballot]) -> dict[Ballot, Id]:
        """How far Redis has trimmed, where it has."""
        found = {ballot: self.client.hget(ballot_keys(ballot)[3], ballot.name) for ballot in ballots}
        return {ballot: order(floor.decode()) for ballot, floor in found.items() if floor}

    def known(self) -> list[Ballot]:
        """All ballots of which anything was ever accepted."""
        return list(self.model.choices)


class TellingFlusher(Flusher):
    """Tells the model what SQL has committed, where that may matter."""

    def __init__(self, stage: Stage, keep: float) -> None:
        super().__init__(stage.hot, stage.database, stage.stored, keep)
        self._stage = stage

    def commit(self, batch: Batch) -> list[Reading]:
        """As the product does."""
        done = super().commit(batch)
        if self._stage.goes_back:
            for reading in done:
                if self._stage.is_there(reading.ballot) and reading.entries:
                    events = [Event(order(e.id), e.reader, e.new) for e in reading.entries]
                    self._stage.model.store(reading.ballot, order(reading.cursor), events)
        return done
