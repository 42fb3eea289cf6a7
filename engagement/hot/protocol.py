"""The ledger protocol as plans: generators that yield what they need and are sent the answers.

A plan yields a `Command` (for Redis) or one of the needs below (for SQL) and returns its result. It does
no I/O, so a sync and an async runner, and a test that pauses it anywhere, all play the same rules.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from engagement.errors import WAITING, Closed, Forbidden, NotFound, Problem, Unavailable
from engagement.hot import commands
from engagement.hot.answers import Barred, Cold, Full, Known, Shut, Snapshot, Tally, TooMuch, Unknown
from engagement.hot.keys import MOOD, VOTE, Ballot

T = TypeVar("T")
Plan = Generator[Any, Any, T]

ATTEMPTS = 10
"""Rounds before a write or read gives up as busy; each is caused by somebody else's progress."""


SHUT = {
    MOOD: "This article takes no reactions any more.",
    VOTE: "This comment takes no votes any more.",
}
RECOUNT = 5_000
"""Ballots whose entries are counted in one step."""
BUSY = "The article is busy."


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds: entries that a hydration replays, a view's time to live (s), entries that a shard holds."""

    replay: int
    ttl: int
    held: int = commands.LIMIT


@dataclass(frozen=True, slots=True)
class Hydrate:
    """Need: a view of each ballot, once per process at a time; `cold` tells what was noted of each before."""

    cold: Mapping[Ballot, Cold]


@dataclass(frozen=True, slots=True)
class TakeSnapshots:
    """Need: one SQL snapshot of all these ballots → what `Source.snapshots` answers.

    `runs`: of their servers, noted before.
    """

    runs: Mapping[Ballot, str]


@dataclass(frozen=True, slots=True)
class LookUp:
    """Need: these readers' choices on their ballots, with the cursors, in one SQL snapshot → list[Known]."""

    asked: tuple[tuple[Ballot, bytes], ...]


@dataclass(frozen=True, slots=True)
class Heal:
    """Need: SQL went back behind the floor; set the cursor to it, under the lock."""

    ballot: Ballot
    floor: str | None


class Source(Protocol):
    """Where plans get what they need of SQL."""

    def snapshots(self, runs: Mapping[Ballot, str]) -> dict[Ballot, Snapshot | NotFound]:
        """Of each ballot; an error where SQL has no such article or comment."""

    def look_up(self, asked: Sequence[tuple[Ballot, bytes]]) -> list[Known]:
        """Of ballots and readers, in their order."""

    def heal(self, floors: Mapping[Ballot, str]) -> object:
        """Sets the ballots' cursors to the floors, unless they are past them already."""


def choosing(
    ballot: Ballot, reader: bytes, choice: str, network: str, held: int = commands.LIMIT
) -> Plan[Tally]:
    """Set a reader's choice and answer the new tally. Raises `Closed`, `Forbidden`, `Unavailable`.

    `held`: entries that the shard may hold (`Limits.held`).
    """
    known: Known | None = None
    for _ in range(ATTEMPTS):
        answer = yield commands.choose(ballot, reader, choice, network, known, held)
        match answer:
            case Cold():
                known = None
                yield Hydrate({ballot: answer})
            case Unknown(stamp):
                (found,) = yield LookUp(((ballot, reader),))
                known = replace(found, stamp=stamp)
            case Shut():
                raise Closed(SHUT[ballot.kind])
            case Barred():
                raise Forbidden("This reader may not react or vote.")
            case Full():
                raise Unavailable(WAITING, retry_after=5)
            case _:
                return answer  # type: ignore[no-any-return]
    raise Unavailable(BUSY)


def tallying(ballot: Ballot, first: Tally | Cold | None = None) -> Plan[dict[str, int]]:
    """The ballot's tally now; `first` is an answer already at hand. Raises `NotFound`, `Unavailable`."""
    answer = first if first is not None else (yield commands.tally(ballot))
    for _ in range(ATTEMPTS):
        if isinstance(answer, Tally):
            return answer.counts
        yield Hydrate({ballot: answer})
        answer = yield commands.tally(ballot)
    raise Unavailable(BUSY)


def warming(cold: Mapping[Ballot, Cold]) -> Plan[dict[Ballot, Tally | Cold]]:
    """Build the views of many ballots: their tallies, where they have one now. Raises as `hydrating` does."""
    yield Hydrate(cold)
    answers = yield [commands.tally(ballot) for ballot in cold]
    return dict(zip(cold, answers, strict=True))


def hydrating(cold: Mapping[Ballot, Cold], limits: Limits) -> Plan[None]:
    """Build the views. Comes back without one where the run or the policy changed: the caller asks again.

    Raises `NotFound` and `Unavailable` when the views of the other ballots are built.
    """
    left = list(cold)
    behind: set[Ballot] = set()
    fault: Problem | None = None
    for _ in range(ATTEMPTS):
        found = yield TakeSnapshots({ballot: cold[ballot].run for ballot in left})
        fault = next((error for error in found.values() if isinstance(error, NotFound)), fault)
        there = [ballot for ballot in left if isinstance(found[ballot], Snapshot)]
        answers = yield [
            commands.hydrate(b, found[b], cold[b].policy, limits.replay, limits.ttl) for b in there
        ]
        left = [ballot for ballot, answer in zip(there, answers, strict=True) if answer == "BEHIND"]
        if "FLUSH" in answers:
            fault = Unavailable(WAITING)
        for ballot in left:
            if ballot in behind:  # a second, fresh snapshot: SQL itself went back
                yield from healing(ballot)
        behind.update(left)
        if not left:
            break
    else:
        fault = Unavailable(BUSY)
    if fault is not None:
        raise fault


def healing(ballot: Ballot) -> Plan[None]:
    """SQL went back behind what Redis has trimmed: go on from the floor, with a new view.

    No snapshot from before may build it: it would hold what is lost. That is said first, so that a process
    which ends half way has healed nothing.
    """
    floor = yield commands.floor(ballot)
    yield commands.change_policy(ballot)
    yield Heal(ballot, floor)


def recalling(ballots: tuple[Ballot, ...], reader: bytes, limits: Limits) -> Plan[dict[Ballot, str]]:
    """The reader's present choice (`""`: none) on each of the ballots, which SQL must know of."""
    found: dict[Ballot, str] = {}
    known: dict[Ballot, Known] = {}
    for attempt in range(ATTEMPTS):
        missing = tuple(ballot for ballot in ballots if ballot not in found)
        answers = yield [commands.choice(b, reader, limits.replay, known.get(b)) for b in missing]
        if any(isinstance(answer, TooMuch) for answer in answers):
            raise Unavailable(WAITING)
        found |= {b: answer for b, answer in zip(missing, answers, strict=True) if isinstance(answer, str)}
        missing = tuple(ballot for ballot in missing if ballot not in found)
        if not missing:
            return found
        if attempt > 1:  # fresh snapshots are still behind: SQL itself went back
            for ballot in missing:
                yield from healing(ballot)
        found_in_sql = yield LookUp(tuple((ballot, reader) for ballot in missing))
        known = dict(zip(missing, found_in_sql, strict=True))
    raise Unavailable(BUSY)


def recounting(shard: int) -> Plan[tuple[int, int] | None]:
    """Count again how many entries the shard holds: before and after; None if too many ballots are due."""
    for _ in range(ATTEMPTS):
        names = yield commands.all_due(shard, RECOUNT + 1)
        if len(names) > RECOUNT:
            return None
        counted = yield commands.recount(shard, names)
        if counted is not None:
            return counted  # type: ignore[no-any-return]
    return None
