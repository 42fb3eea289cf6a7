"""A publisher who vouches for readers: keys, and tokens as headers."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from engagement.sso.signing_on import _REGISTRY

ISS, AUD = "https://accounts.news.example", "engagement"
SECRET = "a secret of the publisher, and long enough"
ASKED = {"issuer": ISS, "audience": AUD, "algorithm": "HS256", "secret": SECRET}
ISSUERS_PATH = "/v1/demo/admin/issuers"
ME = "/v1/demo/readers/me"
Add = Callable[..., str]
"""Adds an issuer to a site; answers its id."""
ALGORITHMS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: RSAKey.generate_key(2048, {"kid": "rsa"}, auto_kid=False),
    "ES256": lambda: ECKey.generate_key("P-256", {"kid": "ec"}),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519", {"kid": "ed"}),
}


@cache
def keys(algorithm: str) -> Any:
    """A key of the algorithm; one for all tests."""
    return ALGORITHMS[algorithm]()


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": ISS, "aud": AUD, "sub": "reader-1", "iat": now, "exp": now + 300, "name": "Ada"}
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(key: Key, algorithm: str, header: dict[str, Any] | None = None, **claims: Any) -> dict[str, str]:
    """The headers of a caller with a token of these claims."""
    sent = {"alg": algorithm, "typ": "JWT", **(header or {})}
    text = jwt.encode(sent, claims_of(**claims), key, registry=_REGISTRY)
    return {"Authorization": f"Bearer {text}"}


def by_secret(secret: str = SECRET, **claims: Any) -> dict[str, str]:
    return signed(OctKey.import_key(secret), "HS256", **claims)


def told(answer: Any) -> dict[str, Any]:
    assert answer.json is not None, answer.text
    return dict(answer.json)
