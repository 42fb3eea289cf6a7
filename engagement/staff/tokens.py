"""API tokens of the staff: shown once, kept as a digest, of one role, confined, ending, revocable.

A process remembers a token for less than a second, so that a revoked one is refused everywhere within one.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Final
from uuid import UUID

from cachetools import LRUCache, TTLCache
from sqlalchemy import Row, select, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import api_tokens
from engagement.errors import DatabaseUnavailable, Unauthorized
from engagement.staff.members import Member

PREFIX: Final = "eng_"
"""What a token begins with, so that one that was published by mistake is found."""
RANDOM: Final = 32
"""Bytes."""
REMEMBERED: Final = 0.9
"""Seconds."""
USE_RECORDED: Final = 60
"""Seconds between two notes of when a token was last used."""
NOT_GOOD: Final = "The token is not valid, or no longer."


def new_token() -> str:
    """The text of a token, which is told once."""
    return PREFIX + secrets.token_urlsafe(RANDOM)


def digest(text: str) -> str:
    """What is stored of a token. It is as random as a key, so that no slow hash is needed."""
    return sha256(text.encode()).hexdigest()


def is_api_token(text: str) -> bool:
    """Does it look like one? (It may still be nobody's.)"""
    return text.startswith(PREFIX)


@dataclass(frozen=True, slots=True)
class _Known:
    id: UUID
    member: Member


class ApiTokens:
    """Reads the tokens that callers bring, over SQL."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: TTLCache[str, _Known] = TTLCache(1_024, REMEMBERED, timer=monotonic)
        self._noted: LRUCache[UUID, float] = LRUCache(4_096)
        self._lock = Lock()

    def member(self, text: str) -> Member:
        """In whose name the bearer acts. Raises `Unauthorized`, `DatabaseUnavailable`."""
        key = digest(text)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = self._read(key)
            with self._lock:
                self._known[key] = known
        until = known.member.until
        if until is not None and until <= clock.now():
            raise Unauthorized(NOT_GOOD)
        self._note_use(known.id)
        return known.member

    def forget(self) -> None:
        """This process has just revoked a token: others learn it within a second."""
        with self._lock:
            self._known.clear()

    def _read(self, key: str) -> _Known:
        t = api_tokens.c
        with self._database.read() as connection:
            row = connection.execute(
                select(api_tokens).where(t.digest == key, t.revoked_at.is_(None))
            ).one_or_none()
        if row is None:
            raise Unauthorized(NOT_GOOD)
        return _Known(row.id, _member(row))

    def _note_use(self, token_id: UUID) -> None:
        """Write down that it was used, now and then; that it can't be is no trouble of the caller's."""
        moment = self._monotonic()
        with self._lock:
            last = self._noted.get(token_id)
            if last is not None and moment - last < USE_RECORDED:
                return
            self._noted[token_id] = moment
        now = clock.now()
        t = api_tokens.c
        old = t.last_used_at.is_(None) | (t.last_used_at < now - timedelta(seconds=USE_RECORDED))
        with suppress(DatabaseUnavailable), self._database.write() as connection:
            connection.execute(update(api_tokens).where(t.id == token_id, old).values(last_used_at=now))


def _member(row: Row[tuple[object, ...]]) -> Member:
    until: datetime | None = row.expires_at
    return Member(row.staff_id, row.site, row.role, row.name, frozenset(row.scopes), until)
