"""Who may do what in the console: the session's cookie, and the token that every form of it carries."""

from __future__ import annotations

from typing import Final

from flask import Response, g, request
from itsdangerous import BadData, URLSafeSerializer

from engagement.console.sessions import Session, Sessions
from engagement.errors import Forbidden, Unauthorized
from engagement.http import is_from
from engagement.settings import Settings

COOKIE: Final = "engagement_staff"
PATH: Final = "/moderate"
FIELD, HEADER = "csrf", "X-CSRF-Token"
"""Where a form, and a script, sends the token."""
SIGN_IN: Final = "Please sign in."
STALE: Final = "The form is of another sign-in. Nothing was changed: load the page again."


class Guard:
    """Of one application."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self._signer = URLSafeSerializer(settings.secret_key, salt="engagement.console.form")

    def session(self, *, passive: bool = False) -> Session:
        """That of this request. Raises `Unauthorized`, `DatabaseUnavailable`.

        `passive`: nobody did anything, a page looks by itself; that keeps nobody signed in.
        """
        found = self.session_or_none(passive=passive)
        if found is None:
            raise Unauthorized(SIGN_IN)
        return found

    def session_or_none(self, *, passive: bool = False) -> Session | None:
        """As `session`."""
        if "session" not in g:
            cookie = request.cookies.get(COOKIE)
            g.session = self._sessions.find(cookie, passive=passive) if cookie else None
        found: Session | None = g.session
        return found

    def token(self) -> str:
        """What the forms of this session carry."""
        signed: str | bytes = self._signer.dumps(self.session().digest)
        return signed if isinstance(signed, str) else signed.decode()

    def check(self) -> None:
        """Refuse a form that no page of ours, and of this session, sends: `Forbidden`, `Unauthorized`."""
        self.check_origin()
        session = self.session()
        token = request.headers.get(HEADER) or request.form.get(FIELD, "")
        try:
            of = self._signer.loads(token)
        except BadData:
            of = None
        if of != session.digest:
            raise Forbidden(STALE)

    def check_origin(self, *others: str) -> None:
        """Raises `Forbidden` for a form that a page of somebody else has sent."""
        if not is_from(*filter(None, [self._settings.public_url, *others])):
            raise Forbidden("This form takes what its own page sends, and nothing else.")

    def sign_in(self, response: Response, cookie: str) -> Response:
        """Let the browser keep the cookie of a session."""
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=self._sessions.max_age,
            path=PATH,
            secure=self._is_secure(),
            httponly=True,
            samesite="Lax",
        )
        return response

    def sign_out(self, response: Response) -> Response:
        """Let the browser forget it."""
        response.delete_cookie(COOKIE, path=PATH, secure=self._is_secure(), httponly=True, samesite="Lax")
        return response

    def _is_secure(self) -> bool:
        # Behind a proxy that isn't named in the settings the scheme is known from the public address alone.
        scheme, _, host = self._settings.public_url.partition("://")
        return request.is_secure or (scheme == "https" and host == request.host)
