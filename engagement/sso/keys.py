"""The public keys of issuers: fetched, kept, fetched again when an unknown one is named.

Only keys of the address that the issuer has named are ever used, whatever a token's header says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

import orjson
import structlog
from cachetools import LRUCache
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from engagement.errors import Unavailable
from engagement.fetching import Fetcher, FetchError

log = structlog.get_logger()
FRESH: Final = 600.0
"""Seconds after which keys are fetched again."""
STALE: Final = 86_400.0
"""Seconds that they are used for while their address is down."""
PAUSE: Final = 30.0
"""Seconds between two fetches, whatever keys are named meanwhile."""
MAX_KEYS: Final = 50
MIN_RSA: Final = 2_048
"""Bits."""
FITS: Final[dict[str, Callable[[dict[str, Any]], bool]]] = {
    "RS256": lambda key: key.get("kty") == "RSA",
    "ES256": lambda key: key.get("kty") == "EC" and key.get("crv") == "P-256",
    "EdDSA": lambda key: key.get("kty") == "OKP" and key.get("crv") == "Ed25519",
}
"""By algorithm, whether a key as it is published is one of it."""


@dataclass
class _KeySet:
    keys: list[tuple[dict[str, Any], Key]] = field(default_factory=list)
    fetched: float = -float("inf")
    tried: float = -float("inf")
    lock: Lock = field(default_factory=Lock)


class KeySets:
    """The keys that this process knows, by their address."""

    def __init__(self, fetcher: Fetcher, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._fetcher = fetcher
        self._monotonic = monotonic
        self._sets: LRUCache[str, _KeySet] = LRUCache(1_000)
        self._lock = Lock()

    def find(self, url: str, algorithm: str, kid: str | None) -> Sequence[Key]:
        """The keys at an address that a token may be signed with; none if it names one that is not there.

        `kid` None: all that are of the algorithm. Raises `Unavailable` if they can't be had.
        """
        with self._lock:
            known = self._sets.setdefault(url, _KeySet())
        if self._monotonic() - known.fetched > FRESH:
            self._fetch(url, known)
        found = _fitting(known, algorithm, kid)
        if not found:
            self._fetch(url, known)
            found = _fitting(known, algorithm, kid)
        if self._monotonic() - known.fetched > STALE:
            raise Unavailable("The keys of the single sign-on can't be fetched.", retry_after=5)
        return found

    def _fetch(self, url: str, known: _KeySet) -> None:
        """Unless somebody did so a moment ago; what can't be fetched leaves what is known."""
        if self._monotonic() - known.tried < PAUSE:
            return
        # Whoever has keys does not wait for one that fetches newer ones.
        if not known.lock.acquire(blocking=not known.keys):
            return
        try:
            if self._monotonic() - known.tried < PAUSE:
                return
            try:
                known.keys = _read(self._fetcher.get(url, headers={"Accept": "application/json"}))
                known.fetched = self._monotonic()
            except FetchError as error:
                log.warning("the keys of a single sign-on can't be fetched", url=url, error=str(error))
            finally:
                known.tried = self._monotonic()
        finally:
            known.lock.release()


def _read(answer: Any) -> list[tuple[dict[str, Any], Key]]:
    """Raises `FetchError` for what is no set of keys; a key that can't be read is left out."""
    try:
        published = orjson.loads(answer.body)["keys"] if answer.status == 200 else None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        published = None
    if not isinstance(published, list):
        raise FetchError(f"It answered {answer.status}, and no set of keys.")
    found = []
    for key in published[:MAX_KEYS]:
        if isinstance(key, dict) and key.get("use", "sig") == "sig" and "d" not in key:
            if key.get("kty") == "RSA" and 6 * len(str(key.get("n"))) < MIN_RSA:
                continue
            with suppress(JoseError, ValueError, TypeError, KeyError):
                read = JWKRegistry.import_key({name: key[name] for name in key if name in _MEMBERS})
                found.append((key, read))
    return found


_MEMBERS = frozenset({"kty", "crv", "n", "e", "x", "y"})
"""What of a published key is read."""


def _fitting(known: _KeySet, algorithm: str, kid: str | None) -> list[Key]:
    return [
        key
        for published, key in known.keys
        if FITS[algorithm](published)
        and published.get("alg", algorithm) in NAMES[algorithm]
        and (kid is None or published.get("kid") == kid)
    ]


NAMES: Final = {
    "HS256": ("HS256",),
    "RS256": ("RS256",),
    "ES256": ("ES256",),
    "EdDSA": ("EdDSA", "Ed25519"),  # RFC 9864 has renamed it
}
"""By algorithm, what a header may call it."""
