"""Bars: while a job plays a reader's choices, the reader makes none, on any shard.

`choose` looks at the bar itself. So no choice is accepted after the bar is in, whatever process hung
meanwhile; and a job whose bar was lost, or taken over by another job, plays nothing any more.
"""

from __future__ import annotations

from engagement.hot.commands import Command, script
from engagement.hot.connection import Hot
from engagement.hot.keys import SHARDS, barred_key

HOLD = 3_600_000
"""Milliseconds that a bar holds after it was last looked at: far longer than any request may hang."""
NOBODY = "-"
"""The owner of a bar under which no job may play either."""


def bar(hot: Hot, reader: bytes, owner: str) -> None:
    """Put the bar in, in place of any other. Raises `RedisUnavailable`; some shards may have it then."""
    _everywhere(hot, "bar", (reader, owner, HOLD))


def hold(hot: Hot, reader: bytes, owner: str) -> bool:
    """Is this owner's bar in on every shard? Then it holds for longer. Raises `RedisUnavailable`."""
    return all(_everywhere(hot, "hold", (reader, owner, HOLD)))


def lift(hot: Hot, reader: bytes, owner: str) -> None:
    """Take this owner's bar away. Raises `RedisUnavailable`; some shards may have lost it then."""
    _everywhere(hot, "lift", (reader, owner))


def forget(hot: Hot) -> None:
    """Take away the bars that are over: none of them names anybody for longer. Raises `RedisUnavailable`."""
    keys = [barred_key(n) for n in range(SHARDS)]
    found = hot.execute_many([Command(None, (), ("HKEYS", key), list) for key in keys])
    barred = [(key, readers) for key, readers in zip(keys, found, strict=True) if readers]
    hot.execute_many([Command(script("unbar"), (key,), tuple(readers), int) for key, readers in barred])


def _everywhere(hot: Hot, verb: str, args: tuple[bytes | str | int, ...]) -> list[int]:
    return hot.execute_many([Command(script(verb), (barred_key(n),), args, int) for n in range(SHARDS)])
