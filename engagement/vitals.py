"""How the stores and the ledger are, asked when somebody wants to know: for `readyz` and the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import dead_letters, shards
from engagement.errors import Unavailable
from engagement.hot import commands
from engagement.hot.answers import Due
from engagement.hot.checks import refuse_eviction
from engagement.hot.connection import Hot
from engagement.hot.keys import SHARDS
from engagement.settings import Settings


@dataclass(frozen=True, slots=True)
class Ledger:
    """Entries that Redis holds, and the age in seconds of the oldest that SQL lacks.

    `away`: shards that could not be asked; the figures are those of the others.
    """

    entries: int
    lag: float
    away: int


@dataclass(frozen=True, slots=True)
class Stored:
    """The newest generation of a shard, and how many ledger entries SQL refused."""

    generation: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """What could be found out; None where the store is down. `outages`: what calls fail for at once."""

    redis: bool
    database: bool
    ledger: Ledger | None
    stored: Stored | None
    outages: list[str]

    @property
    def good(self) -> bool:
        """Are both stores there?"""
        return self.redis and self.database

    def body(self) -> dict[str, Any]:
        """For a program or a person."""
        body: dict[str, Any] = {
            "status": "ok" if self.good else "degraded",
            "redis": "up" if self.redis else "down",
            "database": "up" if self.database else "down",
            "breakers_open": self.outages,
        }
        if self.ledger is not None:
            body["ledger"] = {
                "entries": self.ledger.entries,
                "lag_seconds": self.ledger.lag,
                "shards_away": self.ledger.away,
            }
        if self.stored is not None:
            body |= {"generation": self.stored.generation, "dead_letters": self.stored.dead_letters}
        return body


def examine(hot: Hot, database: Database) -> Vitals:
    """Ask both stores; what is down costs its time-out at most. Raises nothing of theirs."""
    redis, up = _answers(hot.ping), _answers(database.ping)
    ledger = _ledger(hot)
    stored = _stored(database) if up else None
    breakers = {breaker.store for breaker in (database.breaker, database.write_breaker) if breaker.is_open}
    return Vitals(redis, up, ledger, stored, [*hot.outages, *sorted(breakers)])


def _answers(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except Unavailable:
        return False
    return True


def _ledger(hot: Hot) -> Ledger | None:
    every = range(SHARDS)
    answers = hot.execute_each([*map(commands.held, every), *(commands.due(shard, 1) for shard in every)])
    held = [answer for answer in answers[:SHARDS] if isinstance(answer, int)]
    lags = [answer.lag for answer in answers[SHARDS:] if isinstance(answer, Due)]
    return Ledger(sum(held), max(lags, default=0) / 1000, SHARDS - len(held)) if held else None


def _stored(database: Database) -> Stored | None:
    try:
        with database.read() as connection:
            generation = connection.scalar(select(func.max(shards.c.generation)))
            letters = connection.scalar(select(func.count()).select_from(dead_letters))
    except Unavailable:
        return None
    return Stored(generation or 0, letters or 0)


def require_kept_ledger(settings: Settings) -> None:
    """At start: raises `StartError` if Redis may evict what is not stored yet. It may be down."""
    refuse_eviction(Hot.from_settings(settings, StoredBallots(Database(settings.database_url))))


class VitalsCollector(Collector):
    """The vitals as metrics, asked anew at each scrape."""

    def __init__(self, hot: Hot, database: Database) -> None:
        self._hot = hot
        self._database = database

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """What is not known is left out."""
        found = examine(self._hot, self._database)
        up = GaugeMetricFamily("engagement_store_up", "Does the store answer?", labels=["store"])
        up.add_metric(["redis"], float(found.redis))
        up.add_metric(["database"], float(found.database))
        yield up
        figures: list[tuple[str, str, float]] = []
        if found.ledger is not None:
            figures += [
                ("ledger_entries", "Ledger entries that Redis holds", found.ledger.entries),
                ("flush_lag_seconds", "Age of the oldest entry that SQL lacks", found.ledger.lag),
                ("ledger_shards_away", "Shards whose Redis does not answer", found.ledger.away),
            ]
        if found.stored is not None:
            figures += [
                ("generation", "The newest generation of a run of Redis", found.stored.generation),
                (
                    "dead_letters_stored",
                    "Ledger entries that SQL refused, kept aside",
                    found.stored.dead_letters,
                ),
            ]
        for name, text, value in figures:
            yield GaugeMetricFamily(f"engagement_{name}", text, value=value)
