"""Cursors: where a walk through comments goes on. Opaque to clients. Pure."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from engagement.errors import BadRequest

PAGE = 20
"""Comments of a list, unless asked otherwise; only first pages of this size are kept rendered."""
MAX_PAGE = 50
MAX_PINNED = 10
"""Pinned comments that stand before a first page, beside its own."""
MAX_CURSOR = 1_200
"""Characters."""
TAIL = 8
"""Bytes of an id that stand for it in a cursor: 62 of their bits are random."""


def tail(id: UUID) -> bytes:
    """What stands for an id in a cursor."""
    return id.bytes[-TAIL:]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to go on in the order `sort`.

    `after`: the last comment of the page before, by age. In an order that moves: `walk` is the list that the
    walk follows (empty: it is made with the second page), `at` the place in it; at its end the rest follows
    by age, after `after`. `shown`: tails of what the first page has shown out of turn, one after the other.
    """

    sort: str
    after: UUID | None = None
    walk: str = ""
    at: int = 0
    shown: bytes = b""

    @property
    def tails(self) -> set[bytes]:
        """Of the comments not to be shown again."""
        return {self.shown[n : n + TAIL] for n in range(0, len(self.shown), TAIL)}

    def encode(self) -> str:
        """base64url without padding."""
        data = orjson.dumps([self.sort, self.after and self.after.hex, self.walk, self.at])
        return urlsafe_b64encode(data + self.shown).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, sort: str) -> Cursor:
        """Raises `BadRequest` for what is no cursor of this order."""
        try:
            data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            end = data.index(b"]") + 1
            return cls._read(*orjson.loads(data[:end]), shown=data[end:], wanted=sort)
        except (ValueError, TypeError, AttributeError):
            raise BadRequest("The cursor can't be read, or is of another order.") from None

    @classmethod
    def _read(cls, sort: Any, after: Any, walk: Any, at: Any, *, shown: bytes, wanted: str) -> Cursor:
        good = sort == wanted and isinstance(walk, str) and walk.isascii() and len(walk) <= 2 * TAIL
        if not (good and type(at) is int and 0 <= at < 2**31 and len(shown) % TAIL == 0):
            raise ValueError
        return cls(sort, None if after is None else UUID(hex=after), walk, at, shown)


def tails(ids: Iterable[UUID]) -> bytes:
    """The tails of these ids, one after the other."""
    return b"".join(map(tail, ids))
