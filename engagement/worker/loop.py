"""The worker's process: flush, outbox, again; on SIGTERM it drains what is left and ends."""

from __future__ import annotations

import gc
import signal
import time
from dataclasses import dataclass
from threading import Event
from types import FrameType

import structlog
from prometheus_client import REGISTRY, Counter, start_http_server

from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.errors import RedisUnavailable, Unavailable
from engagement.hot.connection import Hot
from engagement.hot.pages import Pages
from engagement.settings import Settings
from engagement.vitals import VitalsCollector
from engagement.worker.flush import Flusher
from engagement.worker.housekeeping import Housekeeping
from engagement.worker.jobs.runner import Jobs
from engagement.worker.jobs.stores import Stores
from engagement.worker.outbox import ROWS, Outbox
from engagement.worker.refreshing import Refreshing
from engagement.worker.rewind import Rewind

log = structlog.get_logger()
FAULTS = Counter("engagement_worker_faults_total", "Rounds that failed, by store", ["kind"])
CONNECTIONS = 4
"""To the database, that a worker opens at most."""
IDLE = 4
"""How many times the interval an idle worker pauses."""
GATHER = 0.1
"""Seconds at most that new comments gather while some come: many cost little more than one does."""
DOWN = 1.0
"""Seconds that a worker pauses at most while a store is down."""
DRAIN = 25.0
"""Seconds that a stopping worker goes on draining; its supervisor gives it a little more."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: ledger entries flushed, events of comments delivered.

    `busy`: is there more to do at once? `fault`: of shards that are away.
    """

    entries: int
    rows: int
    busy: bool
    fault: RedisUnavailable | None

    @property
    def pending(self) -> bool:
        """May there be more to do by now? What was delivered may have told new events."""
        return self.busy or self.rows > 0


class Worker:
    """Rounds of flush, outbox and jobs. Any number of workers may run at once."""

    def __init__(self, settings: Settings) -> None:
        self._database = Database(
            settings.database_url, timeout=settings.database_timeout, pool_size=CONNECTIONS
        )
        stored = StoredBallots(self._database)
        hot = Hot.from_settings(settings, stored)
        self._settings = settings
        self._vitals = VitalsCollector(hot, self._database)
        pages = Pages(hot, settings.page_ttl)
        self._outbox = Outbox(self._database, hot, pages)
        self._rewind = Rewind(hot, self._database, stored, pages)
        self._flusher = Flusher(
            hot, self._database, stored, settings.ledger_keep, self._outbox.voted, self._database.writers
        )
        self._jobs = Jobs(Stores(hot, self._database, pages, settings.erase_choices))
        self._housekeeping = Housekeeping(self._database, hot, settings)
        self._refreshing = Refreshing(self._database, pages)
        self._interval = settings.flush_interval
        self._stop = Event()
        self._fault = ""

    def round(self, *, draining: bool = False) -> Round:
        """One flush over all shards, one delivery of the outbox, some steps of jobs. Raises `Unavailable`.

        The outbox and the jobs go on without Redis, as far as they can. Who drains leaves jobs to others.
        """
        try:
            flushed = self._flusher.flush()
            self._rewind.look(flushed.entries > 0)
        except RedisUnavailable:
            self._outbox.deliver()
            if not draining:
                self._jobs.work()
            raise
        rows = self._outbox.deliver()
        busy = flushed.pending or rows >= ROWS
        if not draining:
            busy |= self._jobs.work()
            self._housekeeping.work()
            self._refreshing.work()
        return Round(flushed.entries, rows, busy, flushed.fault)

    def drain(self) -> bool:
        """Rounds until nothing is left to store; False if a store stayed down for too long."""
        until = time.monotonic() + DRAIN
        while time.monotonic() < until:
            done = self._safe_round(draining=True)
            if done is not None and not done.entries and not done.pending:
                return True
            if done is None:
                time.sleep(self._interval)
        return False

    def run(self) -> None:
        """Rounds until SIGTERM or SIGINT, then a drain."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        if self._settings.worker_metrics_port:
            REGISTRY.register(self._vitals)
            start_http_server(self._settings.worker_metrics_port, self._settings.host)
        gc.collect()
        gc.freeze()  # the collector would look through all that is loaded as rows pass: a third of a flush
        log.info("worker is up")
        pause = self._interval
        while not self._stop.is_set():
            done = self._safe_round()
            if done is None:
                pause = min(max(pause, self._interval) * 2, DOWN)
            elif done.busy:
                pause = 0.0
            elif done.rows:
                pause = min(self._interval, GATHER)
            elif done.entries:
                pause = self._interval
            else:
                pause = min(max(pause, self._interval) * 1.5, self._interval * IDLE)
            self._stop.wait(pause)
        drained = self.drain()
        log.info("worker ends", drained=drained)
        self._database.close()

    def _safe_round(self, *, draining: bool = False) -> Round | None:
        """A round that may fail: a store that is down now will be up again. Said once, when it begins."""
        try:
            done = self.round(draining=draining)
        except Unavailable as error:
            self._note(error)
            return None
        if done.fault:
            self._note(done.fault)
        elif self._fault:
            log.info("the stores are up again")
            self._fault = ""
        return done

    def _note(self, error: Unavailable) -> None:
        FAULTS.labels(type(error).__name__).inc()
        if str(error) != self._fault:
            log.warning("a store is down", error=str(error))
        self._fault = str(error)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()
