"""Lists of comment ids that hold an order while people walk through it.

A list is made for a place and an order, with the second page, and shared by all walks that begin within a
few seconds. What it lacks (comments that came later, and those past its end) is told by `Walk.whole` and
`Walk.made_at`. Losing one ends the walks on it, nothing else.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from secrets import token_hex
from sys import byteorder
from typing import Any
from uuid import UUID

from engagement.hot.commands import Command
from engagement.hot.connection import Hot
from engagement.hot.keys import shard_of, tag

LONGEST = 20_000
"""Ids of one list; the rest follows by age."""
SHARED = 10
"""Seconds in which walks that begin share a list."""
KEPT = 1_800
"""Seconds that a list is kept after it was last used."""
ID, HEAD = 16, 9
"""Bytes of an id, and of what stands before the ids: when it was made (ms, 8), is it whole (1)."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A part of a list. `made_at`: milliseconds since 1970; `whole`: nothing was past its end then."""

    name: str
    made_at: int
    whole: bool
    ids: Sequence[UUID]


class Walks:
    """Keeps and reads lists. Raises `RedisUnavailable`."""

    def __init__(self, hot: Hot) -> None:
        self._hot = hot

    def newest(self, site: str, article: str, place: UUID, sort: str) -> str | None:
        """The name of a list that was made a moment ago."""
        words = ("GET", _pointer(site, article, place, sort))
        return self._hot.execute(Command(None, (), words, lambda reply: reply.decode() if reply else None))

    def keep(self, site: str, article: str, place: UUID, sort: str, made_at: int, ids: bytes) -> str:
        """Keep the first `LONGEST` of these ids (16 bytes each); answers the list's name."""
        name = token_hex(6)
        whole = len(ids) <= LONGEST * ID
        head = made_at.to_bytes(8, "big") + bytes([whole])
        value = head + ids[: LONGEST * ID]
        pointer = _pointer(site, article, place, sort)
        self._hot.execute_many(
            [
                Command(None, (), ("SET", _list(site, article, name), value, "EX", KEPT), bool),
                Command(None, (), ("SET", pointer, name, "EX", SHARED), bool),
            ]
        )
        return name

    def halves(self, site: str, article: str, name: str) -> Sequence[int] | None:
        """The `half` of each id of a list; None if it is not there any more."""
        whole = self._hot.execute(_plain("GET", _list(site, article, name)))
        if not whole:
            return None
        numbers = array("Q", whole[HEAD:])
        if byteorder == "little":
            numbers.byteswap()
        return numbers[1::2]

    def read(self, site: str, article: str, name: str, at: int, count: int) -> Walk | None:
        """So many ids from the place `at` on; None if the list is not there any more."""
        key = _list(site, article, name)
        start = HEAD + at * ID
        head, ids, _ = self._hot.execute_many(
            [
                _plain("GETRANGE", key, 0, HEAD - 1),
                _plain("GETRANGE", key, start, start + count * ID - 1),
                _plain("EXPIRE", key, KEPT),
            ]
        )
        if not head:
            return None
        found = [UUID(bytes=id) for id in _slices(ids)]
        return Walk(name, int.from_bytes(head[:8], "big"), bool(head[8]), found)


def half(id: UUID) -> int:
    """The half of an id that tells it from all others of an article: 62 random bits."""
    return id.int & 0xFFFF_FFFF_FFFF_FFFF


def _slices(ids: bytes) -> Iterator[bytes]:
    return (ids[n : n + ID] for n in range(0, len(ids), ID))


def _plain(*words: Any) -> Command[Any]:
    return Command(None, (), words, lambda reply: reply)


def _pointer(site: str, article: str, place: UUID, sort: str) -> str:
    return f"{tag(shard_of(site, article))}:walk:{sort}:{place.hex}"


def _list(site: str, article: str, name: str) -> str:
    return f"{tag(shard_of(site, article))}:walked:{name}"
