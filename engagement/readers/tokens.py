"""Reader tokens: signed, of one site, not stored. Pure but for the clock.

A signature that was found good is remembered for a while, in this process; its age is looked at each time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

from engagement.errors import Unauthorized

NOT_VALID = "The token is not valid, or no longer."
REMEMBERED = 8_192
"""Good tokens, at most: a few megabytes."""


@dataclass(frozen=True, slots=True)
class Token:
    """Who the bearer is: a reader of a site."""

    site: str
    reader_id: UUID


class Tokens:
    """Signs and reads tokens."""

    def __init__(self, secret_key: str, max_age: int) -> None:
        """`max_age`: seconds after which a token is no longer good."""
        self._serializer = URLSafeTimedSerializer(secret_key, salt="engagement.reader")
        self._max_age = max_age
        self._verified = lru_cache(REMEMBERED)(self._verify)

    def sign(self, token: Token) -> str:
        """The bearer token's text."""
        signed: str | bytes = self._serializer.dumps([token.site, token.reader_id.hex])
        return signed if isinstance(signed, str) else signed.decode()

    def read(self, text: str) -> Token:
        """Raises `Unauthorized` for a broken, forged or expired token."""
        try:
            token, signed_at = self._verified(text)
        except (BadData, ValueError, TypeError, AttributeError):
            raise Unauthorized(NOT_VALID) from None
        if not 0 <= int(time.time()) - signed_at <= self._max_age:
            raise Unauthorized(NOT_VALID)
        return token

    def _verify(self, text: str) -> tuple[Token, int]:
        """Whose it is, and when it was signed, in seconds since 1970: what no time changes."""
        (site, reader), signed_at = self._serializer.loads(text, return_timestamp=True)
        return Token(site, UUID(hex=reader)), int(signed_at.timestamp())
