"""Reader tokens: signed, of one site, not stored. Pure but for the clock that itsdangerous reads."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

from engagement.errors import Unauthorized


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

    def sign(self, token: Token) -> str:
        """The bearer token's text."""
        signed: str | bytes = self._serializer.dumps([token.site, token.reader_id.hex])
        return signed if isinstance(signed, str) else signed.decode()

    def read(self, text: str) -> Token:
        """Raises `Unauthorized` for a broken, forged or expired token."""
        try:
            site, reader = self._serializer.loads(text, max_age=self._max_age)
            return Token(site, UUID(hex=reader))
        except (BadData, ValueError, TypeError, AttributeError):
            raise Unauthorized("The token is not valid, or no longer.") from None
