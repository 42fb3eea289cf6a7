"""One run: two stores, the service on them, a load, what happened when, and how it is judged."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engagement.db.engine import Database
from engagement.db.migrate import upgrade
from engagement.sites.publishing import add_site
from tests.chaos.fleet import Fleet
from tests.chaos.history import NOTHING_LOST, Lossy
from tests.chaos.load import Load
from tests.chaos.seen import unlike
from tests.chaos.stored import Stored, differences, read_stored, refusals_that_happened
from tests.chaos.summary import Summary
from tests.servers import PostgresServer, RedisCluster, RedisNode
from tests.waiting import until

HARMLESS: Sequence[str] = (
    "engagement_views_off_total", "engagement_heals_total", "engagement_dead_letters_total",
    "engagement_flush_put_off_total", "engagement_redis_refused_total",
)  # fmt: skip
"""Metrics that stay at nought where no store has lost anything."""
SAMPLE = 0.5
"""Seconds between two looks at the lag."""


class World:
    """Stores, fleet and load; at the end of `running` all is judged, and told if it is wrong."""

    def __init__(
        self,
        folder: Path,
        name: str,
        seed: int,
        *,
        sql: str = "postgresql",
        durability: str = "always",
        cluster: bool = False,
        webs: int = 2,
        workers: int = 2,
        **settings: str,
    ) -> None:
        """`cluster`: three nodes of Redis Cluster; `settings`: of the service."""
        self.name, self.seed = name, seed
        self.folder = folder
        self.events: list[str] = []
        self.lags: list[float] = []
        self._began = time.monotonic()
        self._pause = threading.Event()
        self.postgres: PostgresServer | None = None
        self._redis: RedisNode | RedisCluster = (
            RedisCluster(folder / "redis", durability=durability)
            if cluster
            else RedisNode(folder / "redis", durability)
        )
        try:
            if sql == "postgresql":
                self.postgres = PostgresServer(folder / "postgres", durable=True)
                self.sql_url = self.postgres.url
            else:
                self.sql_url = f"sqlite:///{folder}/engagement.db"
            prepare(self.sql_url)
            self._webs, self._workers, self._settings = webs, workers, settings
        except BaseException:
            self._stop_stores()
            raise

    @property
    def redis(self) -> RedisNode:
        assert isinstance(self._redis, RedisNode)
        return self._redis

    @property
    def cluster(self) -> RedisCluster:
        assert isinstance(self._redis, RedisCluster)
        return self._redis

    def now(self) -> float:
        """Seconds on the run's clock."""
        return time.monotonic() - self._began

    def log(self, what: str) -> None:
        self.events.append(f"{self.now():8.3f}  {what}")

    @contextmanager
    def up(self, database_url: str | None = None) -> Iterator[Fleet]:
        """The service, on another URL of the same database if that is given; in the end all is gone."""
        fleet = None
        try:
            fleet = Fleet(
                self.folder / "fleet", database_url or self.sql_url, self._redis.url,
                webs=self._webs, workers=self._workers, **self._settings,
            )  # fmt: skip
            self.fleet = fleet
            self._began = time.monotonic()
            yield fleet
        except BaseException as error:
            error.add_note(self.report())
            raise
        finally:
            if fleet is not None:
                fleet.end()
            self._stop_stores()

    def _stop_stores(self) -> None:
        self._redis.stop()
        if self.postgres is not None:
            self.postgres.stop()

    def load(self, articles: int = 5, **options: Any) -> Load:
        """A load on the fleet."""
        names = [f"article-{n}" for n in range(articles)]
        self.current = Load(self.fleet.addresses, self.seed, names, now=self.now, **options)
        return self.current

    def spend(self, seconds: float) -> None:
        """Let the load go on for so long: how long a run takes is what it is asked for."""
        self._pause.wait(seconds)

    def flushed_until(self) -> float:
        """What was answered before this moment is in SQL, as far as the lag tells."""
        return self.now() - max(self.lags, default=0.0) - SAMPLE

    @contextmanager
    def lag_watched(self) -> Iterator[None]:
        """Look at the lag as the metric tells it."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(SAMPLE):
                lag = self.fleet.lag()
                if lag is not None:
                    self.lags.append(lag)

        watcher = threading.Thread(target=look, name="lag")
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def report(self) -> str:
        """For a run that fails."""
        said = self.fleet.complaints() if hasattr(self, "fleet") else []
        return "\n".join([
            f"{self.name}, seed {self.seed}: what happened when (seconds):", *self.events,
            f"the service complained {len(said)} times, the last:", *said[-12:],
        ])  # fmt: skip

    # --- the end ---------------------------------------------------------------------------------------

    def judge(
        self, load: Load, *, lossy: Lossy = NOTHING_LOST, nought: Sequence[str] = HARMLESS, within: float = 20
    ) -> Stored:
        """All that must hold after the load. `lossy`: when a store was allowed to lose what was answered.

        `nought` are metrics that must not have moved; SQL holds all `within` so many seconds.
        """
        began = self.now()
        self.fleet.wait_ready()
        until(self.fleet.is_flushed, within=60)
        self.log(f"ready, and flushed, {self.now() - began:.2f} s after the load")
        assert not load.faults, self._told("answers that should not be", load.faults)
        assert not self.fleet.deaths, self.fleet.deaths
        stored = self._settled(load, lossy, within)
        self.log(f"sql was read {self.now() - began:.2f} s after the load")
        found = list(differences(load, stored, lossy))
        assert not found, self._told("SQL is not what was answered", found)
        found = self._unlike(load, stored)
        assert not found, self._told("the API doesn't say what SQL holds", found)
        self._verify(stored)
        moved = {name: value for name in nought if (value := self.fleet.metric(name))}
        assert not moved, f"these should be nought: {moved}"
        if self.postgres is not None:
            log = self.postgres.log.read_text(errors="replace")
            assert "deadlock detected" not in log, log[-4000:]
            assert "PANIC" not in log, log[-4000:]
        return stored

    def _settled(self, load: Load, lossy: Lossy, within: float) -> Stored:
        """What SQL holds once it holds all; or what it holds at last."""
        stored = read_stored(self.sql_url)
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if not stored.waiting and next(differences(load, stored, lossy), None) is None:
                break
            self._pause.wait(0.1)
            stored = read_stored(self.sql_url)
        return stored

    def _unlike(self, load: Load, stored: Stored) -> list[str]:
        """What the API tells otherwise, once pages and what a process remembers have had their seconds."""
        deadline = time.monotonic() + 20
        while found := list(unlike(load, stored, self.fleet.addresses)):
            if time.monotonic() > deadline:
                break
            self._pause.wait(0.5)
        return found

    def _verify(self, stored: Stored) -> None:
        done = self.fleet.run("verify", "--json")
        said = json.loads(done.stdout) if done.stdout else {}
        assert (done.returncode, said.get("differences")) == (0, []), done.stdout + done.stderr
        choices = sum(len(made) for made in stored.choices.values())
        assert said["choices"] == choices, (said, choices)

    @staticmethod
    def _told(what: str, found: list[str]) -> str:
        return f"{what}, {len(found)} times; the first:\n{found[0]}"

    def summary(self, load: Load, stored: Stored, blows: dict[str, int] | None = None) -> Summary:
        return Summary(
            self.name, self.seed, self.now(), dict(load.answers), blows or {}, load.longest,
            max(self.lags, default=0.0), refusals_that_happened(load, stored),
        )  # fmt: skip


def prepare(database_url: str) -> None:
    """As `engagement migrate` and `site add demo` do, in this process, which has all of it loaded."""
    upgrade(database_url)
    database = Database(database_url)
    add_site(database, "demo", name="Demo", admission="open", origins=["https://news.example"])
    database.close()
