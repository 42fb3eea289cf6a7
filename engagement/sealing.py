"""Keeps secrets in SQL so that whoever has the database alone can't read them: AES-256-GCM, NIST SP 800-38D.

The key is made of the secret key, the nonce is random, and what is sealed is bound to what it is of: moved to
another row it can't be opened.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX: Final = "sealed:1:"
NONCE: Final = 12
"""Bytes."""


class Unopenable(Exception):
    """It was sealed with another secret key, of something else, or changed."""


class Seal:
    """Seals and opens."""

    def __init__(self, secret_key: str) -> None:
        self._cipher = AESGCM(blake2b(secret_key.encode(), digest_size=32, person=b"sealed secrets").digest())

    def close(self, secret: str, of: str) -> str:
        """The secret as it is stored. `of`: what it belongs to."""
        nonce = os.urandom(NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, secret.encode(), of.encode())
        return PREFIX + urlsafe_b64encode(sealed).decode()

    def open(self, stored: str, of: str) -> str:
        """The secret; what earlier releases have stored is one as it stands. Raises `Unopenable`."""
        if not stored.startswith(PREFIX):
            return stored
        try:
            sealed = urlsafe_b64decode(stored.removeprefix(PREFIX))
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], of.encode()).decode()
        except (InvalidTag, ValueError):
            raise Unopenable from None
