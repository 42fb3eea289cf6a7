"""What Redis holds of ballots, found by going through it: for the auditor and jobs, never for a request."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from engagement.errors import RedisUnavailable
from engagement.hot import commands
from engagement.hot.commands import Command
from engagement.hot.connection import Hot
from engagement.hot.keys import SHARDS, shard_keys
from engagement.hot.server import ERRORS

STEP = 1_000
"""Keys that Redis looks at in one call."""
GROUP = 16
"""Shards that are begun in one round trip."""
START = "0"
"""Where a walk begins, and ends."""


def views(hot: Hot) -> Iterator[str]:
    """Names of the ballots that have a view, on every primary. One may come twice.

    Like the others here it raises `RedisUnavailable`.
    """
    return _keys(hot, "view")


def ledgers(hot: Hot) -> Iterator[str]:
    """Names of the ballots that have a ledger, on every primary. One may come twice."""
    return _keys(hot, "ledger")


def choices(hot: Hot) -> Iterator[list[str]]:
    """Names of the ballots whose readers' choices Redis knows: a list, be it empty, for each call of it."""
    return _lists(hot, "choices")


def floors(hot: Hot) -> Iterator[tuple[str, str]]:
    """Ballot names and the ids up to which their ledgers have been trimmed. One may come twice."""
    for shard in range(SHARDS):
        cursor: int | None = None
        while cursor != 0:
            cursor, found = hot.execute(_some_floors(shard, cursor or 0))
            yield from ((name.decode(), floor.decode()) for name, floor in found.items())


def due(hot: Hot, shard: int = 0, stop: int = SHARDS) -> Iterator[tuple[int, list[str]]]:
    """Names of the ballots that are due, now or later, on the shards from `shard` to `stop`, in parts.

    With each part comes the first shard that is not gone through then. Whatever is due from the beginning to
    the end comes once at least.
    """
    while shard < stop:
        group = range(shard, min(shard + GROUP, stop))
        parts = hot.execute_many([commands.some_due(n, START, STEP) for n in group])
        more = {n: part for n, part in zip(group, parts, strict=True) if part.cursor != START}
        shard = group.stop
        yield next(iter(more), shard), [name for part in parts for name in part.names]
        for (n, begun), then in zip(more.items(), [*list(more)[1:], shard], strict=False):
            run, cursor = begun.run, begun.cursor
            while cursor != START:
                part = hot.execute(commands.some_due(n, cursor, STEP))
                if part.run != run:  # a cursor means nothing to another server
                    part = hot.execute(commands.some_due(n, START, STEP))
                run, cursor = part.run, part.cursor
                yield (then if cursor == START else n), part.names


def _some_floors(shard: int, cursor: int) -> Command[tuple[int, dict[bytes, bytes]]]:
    words = ("HSCAN", shard_keys(shard)[3], cursor, "COUNT", STEP)
    return Command(None, (), words, lambda reply: reply)


def _keys(hot: Hot, what: str) -> Iterator[str]:
    return chain.from_iterable(_lists(hot, what))


def _lists(hot: Hot, what: str) -> Iterator[list[str]]:
    for server in hot.primaries():
        cursor: int | None = None
        while cursor != 0:
            words = ("SCAN", cursor or 0, "MATCH", f"{{s*}}:{what}:*", "COUNT", STEP)
            try:
                cursor, keys = server.send(Command(None, (), words, lambda reply: reply))
            except ERRORS as error:
                raise RedisUnavailable() from error
            yield [key.decode().split(f"}}:{what}:", 1)[1] for key in keys]
