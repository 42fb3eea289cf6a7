"""Looks at a set-up and says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.migrate import is_current
from engagement.errors import Unavailable
from engagement.hot import commands
from engagement.hot.commands import Command
from engagement.hot.connection import Hot
from engagement.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    good: bool
    text: str


def examine(settings: Settings) -> list[Finding]:
    """Both stores: are they there, and set up as the promises need it?"""
    database = Database(settings.database_url, timeout=settings.database_timeout)
    try:
        return [*_database(database), *_redis(Hot.from_settings(settings, StoredBallots(database)), settings)]
    finally:
        database.close()


def _database(database: Database) -> list[Finding]:
    try:
        with database.read() as connection:
            current = is_current(connection)
    except Unavailable as error:
        return [Finding(False, f"database: {error}")]
    there = Finding(True, "database: answers")
    return [
        there,
        Finding(current, "database: the schema is " + ("this release's" if current else "old: migrate")),
    ]


def _redis(hot: Hot, settings: Settings) -> list[Finding]:
    try:
        hot.execute(commands.ping())
        policy, appendonly, appendfsync = (
            hot.execute(Command(None, (), ("CONFIG", "GET", name), _value))
            for name in ("maxmemory-policy", "appendonly", "appendfsync")
        )
    except Unavailable as error:
        return [Finding(False, f"redis: {error}")]
    kept = policy == "noeviction" or policy.startswith("volatile-")
    durable = appendonly == "yes" and (appendfsync == "always" or settings.durability == appendfsync)
    return [
        Finding(True, "redis: answers"),
        Finding(kept, f"redis: maxmemory-policy is {policy}" + ("" if kept else ": it may evict the ledger")),
        Finding(
            durable,
            f"redis: appendonly {appendonly}, appendfsync {appendfsync}"
            + ("" if durable else f": answers are not kept as durability {settings.durability} promises"),
        ),
    ]


def _value(reply: object) -> str:
    """CONFIG GET answers a list or, in RESP3, a map."""
    value = next(iter(reply.values())) if isinstance(reply, dict) else reply[1]  # type: ignore[index]
    return str(value.decode() if isinstance(value, bytes) else value)
