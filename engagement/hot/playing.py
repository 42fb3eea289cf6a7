"""Playing choices for a reader, many in one round trip: what jobs do, under a bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engagement.errors import WAITING, Unavailable
from engagement.hot import commands
from engagement.hot.answers import Barred, Cold, Full, Known, Unknown
from engagement.hot.keys import Ballot
from engagement.hot.protocol import ATTEMPTS, BUSY, Hydrate, LookUp, Plan


class BarLostError(Exception):
    """The bar is over, gone, or another's: the reader may have chosen since."""


@dataclass(frozen=True, slots=True)
class Move:
    """A choice to play: `""` takes back what is chosen; any other is made where nothing is chosen."""

    ballot: Ballot
    choice: str = ""
    network: str = ""


def playing(moves: Sequence[Move], reader: bytes, owner: str, held: int = commands.LIMIT) -> Plan[None]:
    """Play the moves for the reader who is barred in the name of `owner`, on closed articles as well.

    `held` as in `choosing`. Raises `BarLostError`, `NotFound` and `Unavailable`, with some of the moves
    played; to play them again is harmless.
    """
    left = list(moves)
    known: dict[Ballot, Known] = {}
    for _ in range(ATTEMPTS):
        answers = yield [
            commands.choose(m.ballot, reader, m.choice, m.network, known.get(m.ballot), held, owner)
            for m in left
        ]
        again: list[Move] = []
        unknown: dict[Ballot, str] = {}
        for move, answer in zip(left, answers, strict=True):
            match answer:
                case Barred():
                    raise BarLostError
                case Full():
                    raise Unavailable(WAITING, retry_after=5)
                case Cold():
                    known.pop(move.ballot, None)
                    yield Hydrate(move.ballot, answer)
                    again.append(move)
                case Unknown(stamp):
                    unknown[move.ballot] = stamp
                    again.append(move)
        if not again:
            return
        if unknown:
            found: list[Known] = yield LookUp(tuple(unknown), reader)
            for (ballot, stamp), one in zip(unknown.items(), found, strict=True):
                known[ballot] = replace(one, stamp=stamp)
        left = again
    raise Unavailable(BUSY)
