"""What is promised: every reader's last accepted choice, every posted comment, whatever store goes back.

While no store goes back, the model is a dict of what was accepted. When one does, the rest is known exactly:
what SQL has, and after it those entries that Redis has and SQL hasn't.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from engagement.hot.keys import Ballot

Id = tuple[int, int]
"""Of a ledger entry: generation, number."""
START: Id = (0, 0)


@dataclass(frozen=True)
class Event:
    """A choice that moved a tally, under the id of its ledger entry; the how manieth that was accepted."""

    id: Id
    reader: bytes
    choice: str
    number: int = 0


@dataclass
class Log:
    """Events in the order in which a store took them; `at`: how far SQL has come."""

    events: list[Event] = field(default_factory=list)
    at: Id = START

    def copy(self) -> Log:
        return Log(list(self.events), self.at)


class Posted(NamedTuple):
    """A comment: on which article, what it answers, if it is a reply, and who wrote it.

    Nobody votes on those that are `fleeting`: their authors may take them back.
    """

    article: str
    parent: UUID | None
    author: UUID | None = None
    fleeting: bool = False
    deleted: bool = False


Logs = dict[Ballot, Log]


class Model:
    """The two stores as they should be, and the readers' choices that follow from them."""

    def __init__(self) -> None:
        self.choices: dict[Ballot, dict[bytes, str]] = defaultdict(dict)
        self.comments: dict[UUID, Posted] = {}
        self.redis: Logs = defaultdict(Log)
        self.sql: Logs = defaultdict(Log)
        self._accepted = 0
        self._before_sql_went_back = 0
        self._redis_kept: Logs | None = None
        self._sql_kept: tuple[Logs, dict[UUID, Posted]] | None = None

    def counts(self, ballot: Ballot) -> dict[str, int]:
        """The tally that every view should show."""
        counted: dict[str, int] = {}
        for choice in self.choices[ballot].values():
            if choice:
                counted[choice] = counted.get(choice, 0) + 1
        return counted

    # --- what happens ----------------------------------------------------------------------------------

    def accept(self, ballot: Ballot, reader: bytes, choice: str, id: Id | None = None) -> None:
        """A choice was accepted; `id` of its entry, if it made one and the ids are followed."""
        self.choices[ballot][reader] = choice
        if id is not None:
            self._accepted += 1
            self.redis[ballot].events.append(Event(id, reader, choice, self._accepted))

    def store(self, ballot: Ballot, before: Id, events: Iterable[Event]) -> None:
        """SQL, which had come to `before`, has committed these.

        They can be of a Redis that is over: then they are saved from the loss.
        """
        self.catch_up({ballot: before})
        log = self.sql[ballot]
        known = {event.id for event in self.redis[ballot].events}
        taken = list(events)
        log.events += taken
        log.at = taken[-1].id if taken else log.at
        if not {event.id for event in taken} <= known:
            self._follow(ballot, START)

    # --- stores that go back ---------------------------------------------------------------------------

    def keep_redis(self) -> None:
        self._redis_kept = {ballot: log.copy() for ballot, log in self.redis.items()}

    def keep_sql(self, cursors: Mapping[Ballot, Id]) -> None:
        self.catch_up(cursors)
        self._sql_kept = ({b: log.copy() for b, log in self.sql.items()}, dict(self.comments))

    def redis_went_back(
        self, cursors: Mapping[Ballot, Id], floors: Mapping[Ballot, Id], *, empty: bool = False
    ) -> None:
        """To what was kept, or to nothing. `cursors` from before, `floors` as they are now."""
        self.catch_up(cursors)
        kept = {} if empty else self._redis_kept or {}
        self.redis = defaultdict(Log, {ballot: log.copy() for ballot, log in kept.items()})
        for ballot in [*self.choices]:
            self.trimmed(ballot, floors.get(ballot, START))

    def sql_went_back(self, floors: Mapping[Ballot, Id]) -> set[Ballot]:
        """To what was kept; answers the ballots of which something is lost."""
        assert self._sql_kept is not None
        logs, posted = self._sql_kept
        self._before_sql_went_back = self._accepted
        self.sql = defaultdict(Log, {ballot: log.copy() for ballot, log in logs.items()})
        self.comments = dict(posted)
        return {ballot for ballot in [*self.choices] if self.trimmed(ballot, floors.get(ballot, START))}

    def trimmed(self, ballot: Ballot, floor: Id) -> bool:
        """Redis has nothing any more up to the floor, and SQL hasn't all of it: is anything lost?"""
        log, at = self.redis[ballot], self.sql[ballot].at
        lost = [event for event in log.events if at < event.id <= floor]
        young = [event for event in lost if event.number > self._before_sql_went_back]
        assert not young, "what was accepted after SQL went back is trimmed before it is stored"
        log.events = [event for event in log.events if event not in lost]
        self._follow(ballot, floor)
        return bool(lost)

    def catch_up(self, cursors: Mapping[Ballot, Id]) -> None:
        """SQL may have committed what nobody told of, because its process ended then."""
        for ballot, cursor in cursors.items():
            log = self.sql[ballot]
            log.events += [event for event in self.redis[ballot].events if log.at < event.id <= cursor]
            log.at = max(log.at, cursor)

    def _follow(self, ballot: Ballot, floor: Id) -> None:
        """The choices that follow from the two stores."""
        log = self.sql[ballot]
        left = [event for event in self.redis[ballot].events if event.id > max(log.at, floor)]
        self.choices[ballot] = {event.reader: event.choice for event in [*log.events, *left]}
