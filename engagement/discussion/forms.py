"""The tokens of comment forms: what a form may be sent for, and once. Pure but for the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

from engagement import clock
from engagement.errors import BadRequest

MAX_AGE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Form:
    """A form that we made. `id` is that of the reader who sends it: sent twice, it is one comment."""

    id: UUID
    expired: bool = False


class Forms:
    """Signs and reads the tokens. Each is bound to a site, an article and the comment that it answers."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeTimedSerializer(secret_key, salt="engagement.form")

    def new(self, site: str, article: str, parent: UUID | None) -> str:
        """The token of a new form."""
        bound = [site, article, parent and parent.hex]
        signed: str | bytes = self._serializer.dumps([clock.new_id().hex, *bound])
        return signed if isinstance(signed, str) else signed.decode()

    def read(self, token: str, site: str, article: str, parent: UUID | None) -> Form:
        """Raises `BadRequest` for what is no token of ours, or one of another page."""
        try:
            (id, *bound), signed_at = self._serializer.loads(token, return_timestamp=True)
            form = Form(UUID(hex=id), _is_old(signed_at))
        except (BadData, ValueError, TypeError, AttributeError):
            raise BadRequest(
                "The form can't be read. Your text is still here: please send it again."
            ) from None
        if bound != [site, article, parent and parent.hex]:
            raise BadRequest("The form is of another page. Your text is still here: please send it again.")
        return form


def _is_old(signed_at: datetime) -> bool:
    return clock.now() - signed_at > MAX_AGE
