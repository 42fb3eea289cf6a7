"""Sealed secrets are opened by who sealed them, where they were sealed for, and by nobody else."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from engagement.sealing import PREFIX, Seal, Unopenable

SECRET = "a secret of the publisher, \N{GREEK SMALL LETTER LAMDA}"
SEAL = Seal("the secret key of this service, long")


def test_what_is_sealed_is_opened_and_says_nothing() -> None:
    sealed = SEAL.close(SECRET, "issuer 1")
    assert SEAL.open(sealed, "issuer 1") == SECRET
    assert SECRET not in sealed
    assert SEAL.close(SECRET, "issuer 1") != sealed


def test_it_opens_for_nobody_else_nowhere_else_and_not_changed() -> None:
    sealed = SEAL.close(SECRET, "issuer 1")
    bytes_of = bytearray(urlsafe_b64decode(sealed.removeprefix(PREFIX)))
    bytes_of[-1] ^= 1
    changed = PREFIX + urlsafe_b64encode(bytes_of).decode()
    for seal, stored, of in (
        (Seal("another secret key of a service"), sealed, "issuer 1"),
        (SEAL, sealed, "issuer 2"),
        (SEAL, changed, "issuer 1"),
        (SEAL, sealed[:30], "issuer 1"),
        (SEAL, PREFIX + "no base64 \N{BULLET}", "issuer 1"),
    ):
        with pytest.raises(Unopenable):
            seal.open(stored, of)


def test_what_was_never_sealed_is_a_secret_as_it_stands() -> None:
    assert SEAL.open("a secret of an earlier release, plain", "issuer 1").startswith("a secret")
