"""Cursors: where a walk through comments goes on. Opaque to clients. Pure."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

import orjson

from engagement.errors import BadRequest

PAGE = 20
"""Comments of a list, unless asked otherwise; only first pages of this size are kept rendered."""
MAX_PAGE = 50


@dataclass(frozen=True, slots=True)
class Cursor:
    """After the comment `id`, which had this `score`, in this order."""

    sort: str
    score: int
    id: UUID

    def encode(self) -> str:
        """base64url without padding."""
        data = orjson.dumps([self.sort, self.score, self.id.hex])
        return urlsafe_b64encode(data).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, sort: str) -> Cursor:
        """Raises `BadRequest` for what is no cursor of this order."""
        try:
            given, score, id = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if given != sort or not isinstance(score, int) or abs(score) >= 2**62:
                raise ValueError
            return cls(sort, score, UUID(hex=id))
        except (ValueError, TypeError, AttributeError):
            raise BadRequest("The cursor can't be read, or is of another order.") from None
