"""Reads a publisher's JWT: whose it is, if an issuer of the site vouches for it.

The issuer is found by `iss` before anything is believed; it alone says by which algorithm and which keys the
token must be signed. What a header says of keys (`jku`, `jwk`, `x5u`, `x5c`) is not looked at.
"""

from __future__ import annotations

import math
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any, Final

import ada_url
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwa import EdDSAAlgorithm
from joserfc.jwk import Key, OctKey
from joserfc.jws import JWSRegistry

from engagement import clock
from engagement.errors import Unauthorized
from engagement.sso.issuers import HS256, Issuer, Issuers
from engagement.sso.keys import NAMES, KeySets
from engagement.text import clean_text

NOT_GOOD: Final = "The token is not valid, or no longer."
MAX_TOKEN: Final = 8_000
MAX_SUBJECT: Final = 255
MAX_NAME: Final = 60
MAX_AVATAR: Final = 2_048
MAX_BADGES, MAX_BADGE = 5, 30
"""Characters, and how many."""
MAX_TRIED: Final = 5
"""Keys, where a token names none."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is shown of a reader; `name` None: anonymous, `avatar`: an https URL."""

    name: str | None
    avatar: str | None
    badges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom an issuer vouches for. `issued`: `iat`, seconds since 1970, 0 if it isn't told."""

    issuer: Issuer
    subject: str
    profile: Profile
    roles: tuple[str, ...]
    issued: float


def is_jwt(text: str) -> bool:
    """Does it look like one? Reader tokens of ours don't: their first part is a list."""
    return text.startswith("eyJ") and text.count(".") == 2


class SignOn:
    """Verifies tokens."""

    def __init__(self, issuers: Issuers, keys: KeySets) -> None:
        self._issuers = issuers
        self._keys = keys

    def verify(self, site: str, text: str) -> Identity:
        """Whom it is of. Raises `Unauthorized`; `Unavailable` where the issuer or its keys can't be had."""
        header, iss = _unverified(text)
        issuer = self._issuers.of(site).get(iss)
        if issuer is None:
            raise Unauthorized(NOT_GOOD)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in NAMES[issuer.algorithm] or "crit" in header or not isinstance(kid, str | None):
            raise Unauthorized(NOT_GOOD)
        for key in self._candidates(issuer, kid)[:MAX_TRIED]:
            try:
                claims = jwt.decode(text, key, [algorithm], registry=_REGISTRY).claims
                _claims(issuer).validate(claims)
            except (JoseError, ValueError, TypeError):
                continue
            return _identity(issuer, claims)
        raise Unauthorized(NOT_GOOD)

    def _candidates(self, issuer: Issuer, kid: str | None) -> list[Key]:
        if issuer.algorithm == HS256:
            return [OctKey.import_key(issuer.secret or "")] if issuer.secret else []
        return list(self._keys.find(issuer.jwks_url or "", issuer.algorithm, kid))


class _EdDSA(EdDSAAlgorithm):
    security_warning = None  # type: ignore[assignment]  # of its name alone, which most issuers still use


def _registry() -> JWSRegistry:
    """What a header may say is more than what is looked at: keys of its own, addresses of keys."""
    registry = JWSRegistry(
        algorithms=[name for names in NAMES.values() for name in names], strict_check_header=False
    )
    registry.algorithms = JWSRegistry.algorithms | {"EdDSA": _EdDSA()}
    registry.max_header_length = MAX_TOKEN
    return registry


_REGISTRY = _registry()


def _unverified(text: str) -> tuple[dict[str, Any], str]:
    """The header and `iss`, of which nothing is true yet."""
    try:
        if len(text) > MAX_TOKEN:
            raise ValueError
        header, claims = (
            orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in text.split(".")[:2]
        )
        iss = claims["iss"]
    except (ValueError, KeyError, TypeError):
        raise Unauthorized(NOT_GOOD) from None
    if not isinstance(header, dict) or not isinstance(iss, str):
        raise Unauthorized(NOT_GOOD)
    return header, iss


def _claims(issuer: Issuer) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(clock.now().timestamp()),
        leeway=issuer.skew,
        iss={"essential": True, "value": issuer.issuer},
        aud={"essential": True, "value": issuer.audience},
        exp={"essential": True},
        sub={"essential": True},
    )


def _identity(issuer: Issuer, claims: dict[str, Any]) -> Identity:
    """Raises `Unauthorized` for a subject or an end that can't be one."""
    subject, ends, issued = claims["sub"], claims["exp"], claims.get("iat", 0)
    good = 0 < len(subject) <= MAX_SUBJECT and subject.isprintable()
    if not good or isinstance(ends, bool) or not math.isfinite(ends):
        raise Unauthorized(NOT_GOOD)
    roles = claims.get("roles")
    profile = Profile(
        _line(claims.get("name"), MAX_NAME), _avatar(claims.get("avatar")), _badges(claims.get("badges"))
    )
    named = tuple(role for role in roles if isinstance(role, str)) if isinstance(roles, list) else ()
    return Identity(issuer, subject, profile, named, float(issued) if math.isfinite(issued) else 0.0)


def _line(text: Any, length: int) -> str | None:
    """One clean line, cut to its length; None for what is none."""
    if not isinstance(text, str) or len(text) > 20 * length:
        return None
    try:
        clean = clean_text(text, max_length=20 * length, multiline=False)
        return clean_text(clean[:length], max_length=length, multiline=False)
    except ValueError:
        return None


def _avatar(url: Any) -> str | None:
    if not isinstance(url, str) or len(url) > MAX_AVATAR:
        return None
    try:
        read = ada_url.URL(url)
    except ValueError:
        return None
    good = read.protocol == "https:" and not read.username and not read.password
    return str(read.href) if good and len(read.href) <= MAX_AVATAR else None


def _badges(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list):
        return ()
    lines = [line for text in given[: 4 * MAX_BADGES] if (line := _line(text, MAX_BADGE))]
    return tuple(dict.fromkeys(lines))[:MAX_BADGES]
