"""Moving choices between articles, many readers' in one round trip: what merges do, behind a fence.

The fence is up on the article that a choice is moved on, and the server itself looks at it. So a worker that
hung moves nothing once the job is past it; and what a reader chooses meanwhile is never moved over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engagement.errors import WAITING, Unavailable
from engagement.hot import commands
from engagement.hot.answers import Cold, Full, Known, Moved, Over, Unknown
from engagement.hot.keys import Ballot
from engagement.hot.protocol import ATTEMPTS, BUSY, Hydrate, LookUpMany, Plan


class FenceLostError(Exception):
    """The fence is not up: Redis has lost it, or another worker has gone on."""


@dataclass(frozen=True, slots=True)
class Step:
    """A choice to set for a reader (16 bytes), `""` for none. `only`: as in `commands.move`."""

    ballot: Ballot
    reader: bytes
    choice: str
    network: str = ""
    only: str | None = None


def moving(steps: Sequence[Step], fence: str, held: int = commands.LIMIT) -> Plan[list[bool | None]]:
    """Play the steps; of each, is what it wanted so now? None: the reader is barred, and nothing was done.

    `held` as in `choosing`. Raises `FenceLostError`, `NotFound` and `Unavailable`, with some of the steps
    played; to play them again changes nothing more.
    """
    done: list[bool | None] = [None] * len(steps)
    known: dict[int, Known] = {}
    left = list(range(len(steps)))
    for _ in range(ATTEMPTS):
        answers = yield [
            commands.move(s.ballot, s.reader, s.choice, s.network, known.get(n), held, fence, s.only)
            for n, s in ((n, steps[n]) for n in left)
        ]
        cold: dict[Ballot, Cold] = {}
        unknown: dict[int, str] = {}
        for n, answer in zip(left, answers, strict=True):
            match answer:
                case Moved(so):
                    done[n] = so
                case Over():
                    raise FenceLostError
                case Full():
                    raise Unavailable(WAITING, retry_after=5)
                case Cold():
                    known.pop(n, None)
                    cold[steps[n].ballot] = answer
                case Unknown(stamp):
                    unknown[n] = stamp
        left = [n for n, answer in zip(left, answers, strict=True) if isinstance(answer, Cold | Unknown)]
        if not left:
            return done
        for ballot, answer in cold.items():
            yield Hydrate(ballot, answer)
        if unknown:
            asked = tuple((steps[n].ballot, steps[n].reader) for n in unknown)
            found: list[Known] = yield LookUpMany(asked)
            for (n, stamp), one in zip(unknown.items(), found, strict=True):
                known[n] = replace(one, stamp=stamp)
    raise Unavailable(BUSY)
