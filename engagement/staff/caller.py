"""Which of the staff calls, from the bearer token of the current request."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from engagement.errors import Forbidden, Unauthorized
from engagement.sites.service import Sites
from engagement.staff.members import Member
from engagement.staff.tokens import NOT_GOOD, ApiTokens, is_api_token

ELSEWHERE = "The token is of another site."
SignOn = Callable[[str, str | None], Member]
"""Reads a staff token of the publisher's single sign-on: its text, and the site. Raises as `member`."""


class StaffCallers:
    """Finds out which member calls."""

    def __init__(self, sites: Sites, tokens: ApiTokens, sign_on: SignOn | None = None) -> None:
        self._sites = sites
        self._tokens = tokens
        self._sign_on = sign_on

    def on(self, site: str, permission: str | None = None) -> tuple[str, Member]:
        """The key of the site that a path names, and the member that calls; they need the permission.

        Raises `NotFound`, and as `member` and `Member.require`.
        """
        key = self._sites.site(site).key
        member = self.member(key)
        if permission is not None:
            member.require(permission, key)
        return key, member

    def member(self, site: str | None) -> Member:
        """The member that the current request's token is of. `site` None: one of every site is needed.

        Raises `Unauthorized` without a good token, `Forbidden` with one of another site, and
        `DatabaseUnavailable`. What the member may is theirs to be asked: `member.require(…)`.
        """
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text.strip():
            raise Unauthorized("Send a staff token: Authorization: Bearer …")
        return self.bearer(text.strip(), site)

    def bearer(self, text: str, site: str | None) -> Member:
        """As `member`, of a token's text: an API token, or one of single sign-on."""
        if is_api_token(text):
            member = self._tokens.member(text)
        elif self._sign_on is not None:
            member = self._sign_on(text, site)
        else:
            raise Unauthorized(NOT_GOOD)
        if member.site is not None and member.site != site:
            raise Forbidden(ELSEWHERE)
        return member
