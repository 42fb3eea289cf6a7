"""Moving choices between articles, many readers' in one round trip: what merges do, behind a fence.

The fence is up on the article that a choice is moved on, and the server itself looks at it. So a worker that
hung moves nothing once the job is past it; and what a reader chooses meanwhile is never moved over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engagement.hot import commands
from engagement.hot.answers import Known, Moved, Over
from engagement.hot.commands import Command
from engagement.hot.keys import Ballot
from engagement.hot.playing import deciding
from engagement.hot.protocol import Plan


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

    def ask(n: int, known: Known | None) -> Command[Any]:
        s = steps[n]
        return commands.move(s.ballot, s.reader, s.choice, s.network, known, held, fence, s.only)

    answers = yield from deciding([(step.ballot, step.reader) for step in steps], ask)
    if any(isinstance(answer, Over) for answer in answers):
        raise FenceLostError
    return [answer.done if isinstance(answer, Moved) else None for answer in answers]
