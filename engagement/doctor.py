"""Looks at a set-up and says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.migrate import is_current
from engagement.errors import Unavailable
from engagement.hot.checks import Setup, setups
from engagement.hot.connection import Hot
from engagement.settings import Settings
from engagement.worker.loop import CONNECTIONS as WORKER_CONNECTIONS


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    good: bool
    text: str


def examine(settings: Settings) -> list[Finding]:
    """Both stores: are they there, and set up as the promises need it?"""
    database = Database(settings.database_url, timeout=settings.database_timeout)
    try:
        return [
            *_database(database, settings),
            *_redis(Hot.from_settings(settings, StoredBallots(database)), settings),
        ]
    finally:
        database.close()


def _database(database: Database, settings: Settings) -> list[Finding]:
    try:
        with database.read() as connection:
            current, most = is_current(connection), database.most_connections(connection)
    except Unavailable as error:
        return [Finding(False, f"database: {error}")]
    there = Finding(True, "database: answers")
    schema = Finding(current, "database: the schema is " + ("this release's" if current else "old: migrate"))
    return [there, schema] if most is None else [there, schema, _connections(most, settings)]


def _connections(most: int, settings: Settings) -> Finding:
    """Can all threads of this host work at once, beside one worker? Other hosts come on top."""
    wanted = settings.web_workers * settings.web_connections + WORKER_CONNECTIONS
    return Finding(
        wanted <= most,
        f"database: takes {most} connections; {settings.web_workers} web processes and a worker "
        f"open up to {wanted}" + ("" if wanted <= most else ": raise max_connections, or have fewer threads"),
    )


def _redis(hot: Hot, settings: Settings) -> list[Finding]:
    try:
        hot.ping()
        found = setups(hot)
    except Unavailable as error:
        return [Finding(False, f"redis: {error}")]
    there = [Finding(True, "redis: answers")]
    return there + [finding for setup in found for finding in _setup(setup, settings)]


def _setup(setup: Setup, settings: Settings) -> list[Finding]:
    """Of one server; what it doesn't tell (CONFIG is forbidden) can't be judged, and is said."""
    if setup.policy is None or setup.appendonly is None:
        return [Finding(True, f"{setup.server}: forbids CONFIG; its set-up can't be looked at")]
    durable = setup.appendonly == "yes" and (
        setup.appendfsync == "always" or settings.durability == setup.appendfsync
    )
    good = not setup.may_evict_the_ledger
    return [
        Finding(
            good,
            f"{setup.server}: maxmemory-policy is {setup.policy}"
            + ("" if good else ": it may evict the ledger; set it to volatile-lru"),
        ),
        Finding(
            durable,
            f"{setup.server}: appendonly {setup.appendonly}, appendfsync {setup.appendfsync}"
            + ("" if durable else f": answers are not kept as durability {settings.durability} promises"),
        ),
    ]
