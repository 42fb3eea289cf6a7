"""Playing choices for readers, many in one round trip: what jobs do, under a bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engagement.errors import WAITING, Unavailable
from engagement.hot import commands
from engagement.hot.answers import Barred, Cold, Full, Known, Unknown
from engagement.hot.commands import Command
from engagement.hot.keys import Ballot
from engagement.hot.protocol import ATTEMPTS, BUSY, Hydrate, LookUp, Plan


@dataclass(frozen=True, slots=True)
class Move:
    """A choice to play for a reader (16 bytes): `""` takes back what is chosen; others replace nothing."""

    ballot: Ballot
    reader: bytes
    choice: str = ""
    network: str = ""


def playing(moves: Sequence[Move], owner: str, held: int = commands.LIMIT) -> Plan[list[bool]]:
    """Play the moves for readers who are barred in the name of `owner`, on closed articles as well.

    Answers of each whether it was played: False where the bar is over, gone, or another's, so that the
    reader may have chosen since. `held` as in `choosing`. Raises `NotFound` and `Unavailable`, with some of
    the moves played; to play them again is harmless.
    """

    def ask(n: int, known: Known | None) -> Command[Any]:
        m = moves[n]
        return commands.choose(m.ballot, m.reader, m.choice, m.network, known, held, owner)

    answers = yield from deciding([(move.ballot, move.reader) for move in moves], ask)
    return [not isinstance(answer, Barred) for answer in answers]


def deciding(
    choices: Sequence[tuple[Ballot, bytes]], ask: Callable[[int, Known | None], Command[Any]]
) -> Plan[list[Any]]:
    """Ask for each choice, a ballot and a reader, until that is decided; all that are left in one round trip.

    `ask` makes the command for the nth of them with what SQL knows of it. Raises as `playing` does.
    """
    answers: list[Any] = [None] * len(choices)
    known: dict[int, Known] = {}
    left = list(range(len(choices)))
    for _ in range(ATTEMPTS):
        if not left:
            return answers
        cold: dict[Ballot, Cold] = {}
        unknown: dict[int, str] = {}
        for n, answer in zip(left, (yield [ask(n, known.get(n)) for n in left]), strict=True):
            match answer:
                case Full():
                    raise Unavailable(WAITING, retry_after=5)
                case Cold():
                    known.pop(n, None)
                    cold[choices[n][0]] = answer
                case Unknown(stamp):
                    unknown[n] = stamp
                case _:
                    answers[n] = answer
        left = [n for n in left if answers[n] is None]
        if cold:
            yield Hydrate(cold)
        if unknown:
            found: list[Known] = yield LookUp(tuple(choices[n] for n in unknown))
            for (n, stamp), one in zip(unknown.items(), found, strict=True):
                known[n] = replace(one, stamp=stamp)
    raise Unavailable(BUSY)
