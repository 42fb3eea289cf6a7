"""Tokens that are good, be they read for the first time or again, and those that are not."""

from __future__ import annotations

import time
from string import ascii_lowercase, ascii_uppercase, digits
from uuid import UUID

import pytest

from engagement.errors import Unauthorized
from engagement.readers.tokens import Token, Tokens

SECRET, ANOTHER = "a secret of tests", "the secret after it"
MAX_AGE = 60
ALPHABET = ascii_uppercase + ascii_lowercase + digits + "-_"
"""Of base64url, in its order."""
ANN = Token("demo", UUID(int=7))


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(SECRET, MAX_AGE)


def test_a_token_tells_whose_it_is_however_often_it_is_read(tokens: Tokens) -> None:
    text = tokens.sign(ANN)
    assert [tokens.read(text) for _ in range(3)] == [ANN] * 3
    assert Tokens(SECRET, MAX_AGE).read(text) == ANN


@pytest.mark.parametrize("passed", [-1, MAX_AGE + 1], ids=["of times to come", "too old"])
@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_its_age_is_looked_at_each_time(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch, passed: int, again: bool
) -> None:
    now = int(time.time())
    monkeypatch.setattr(time, "time", lambda: float(now))
    text = tokens.sign(ANN)
    if again:
        tokens.read(text)
    monkeypatch.setattr(time, "time", lambda: float(now + passed))
    with pytest.raises(Unauthorized):
        tokens.read(text)
    monkeypatch.setattr(time, "time", lambda: float(now + MAX_AGE))
    assert tokens.read(text) == ANN


def _another(character: str) -> str:
    """One that differs in its first bit: the last bits of a last character mean nothing."""
    return ALPHABET[(ALPHABET.find(character) + 32) % 64]


def test_one_that_was_changed_is_not_taken_for_the_one_that_was_read(tokens: Tokens) -> None:
    text = tokens.sign(ANN)
    tokens.read(text)
    for at in [*range(0, len(text), 5), len(text) - 1]:
        forged = f"{text[:at]}{_another(text[at])}{text[at + 1 :]}"
        with pytest.raises(Unauthorized):
            tokens.read(forged)
        with pytest.raises(Unauthorized):
            tokens.read(forged)
    assert tokens.read(text) == ANN


@pytest.mark.parametrize("text", ["", ".", "a.b.c", "ä", "a" * 8_000])
def test_what_is_no_token_is_refused(tokens: Tokens, text: str) -> None:
    with pytest.raises(Unauthorized):
        tokens.read(text)


def test_under_another_secret_it_is_nobodys(tokens: Tokens) -> None:
    text = tokens.sign(ANN)
    tokens.read(text)
    with pytest.raises(Unauthorized):
        Tokens(ANOTHER, MAX_AGE).read(text)
