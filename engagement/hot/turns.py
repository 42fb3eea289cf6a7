"""Turns: of those that would do the same at the same moment, in whatever process, one does it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from engagement import clock
from engagement.errors import RedisUnavailable
from engagement.hot.commands import Command, script
from engagement.hot.connection import Hot

LASTING: Final = 30_000
"""Milliseconds after which a turn ends by itself: more than a request lasts."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One that was taken. `key`: of what; `token`: whose."""

    key: str
    token: str


class Turns:
    """Over Redis; each turn is one key."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot

    def take(self, what: str) -> Turn | None:
        """None if it is somebody else's. Raises `RedisUnavailable`."""
        turn = Turn(f"turn:{what}", clock.new_id().hex)
        taking = Command(script("take_turn"), (turn.key,), (turn.token, LASTING), bool)
        return turn if self._hot.execute(taking) else None

    def end(self, turn: Turn) -> None:
        """Let others go on. Never raises for a Redis that is down: it ends by itself."""
        with suppress(RedisUnavailable):
            self._hot.execute(Command(script("end_turn"), (turn.key,), (turn.token,), bool))
