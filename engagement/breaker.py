"""A circuit breaker: while a store hangs or is down, calls fail at once instead of waiting their time-out.

One breaker per store (of a Redis Cluster: per node) and process. It opens

- at once when a call timed out and no call that ended meanwhile was answered: the store hangs, and every
  other call would pay its time-out as well;
- after `DOWN_CALLS` calls in a row that found no connection: those end quickly, and a single dropped
  connection says nothing.

Open, it lets nothing through for `pause` seconds, then exactly one call at a time as a probe, while the
others go on failing at once. A probe that is answered closes it. A probe that is not heard of any more
loses its place after `probe` seconds.

Why our own: `pybreaker` holds a lock around the call, so that all calls of a process go one by one, and
`circuitbreaker` lets everybody through once its pause is over, so that all threads wait for a hung store
again and again; neither tells a time-out from a refused connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from threading import Lock
from types import TracebackType

from prometheus_client import Gauge

OPEN = Gauge(
    "engagement_breaker_open",
    "Processes whose calls to this store fail at once, because it hangs or is down",
    ["store"],
    multiprocess_mode="livesum",
)
DOWN_CALLS = 3
"""Calls in a row without a connection that open a breaker."""
PAUSE = 1.0
"""Seconds between two probes."""


class Verdict(Enum):
    """What an exception tells about the store."""

    ANSWERED = "answered"
    """The store is up: it is what it answered that is wrong."""
    DOWN = "down"
    """No connection, or it broke."""
    HUNG = "hung"
    """Nothing came back in time."""
    NOTHING = "nothing"
    """The caller's own affair."""


class BreakerOpenError(Exception):
    """The store is known to hang or to be down; nothing was sent."""


class Breaker:
    """Guards the calls to one store. Thread-safe; the guarded code may be sync or await."""

    def __init__(
        self,
        store: str,
        judge: Callable[[Exception], Verdict],
        *,
        pause: float = PAUSE,
        probe: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`judge` tells what an exception out of the guarded code means. `pause` and `probe`: seconds.

        `probe` is longer than any call takes: after it a probe's place is free again.
        """
        self.store = store
        self._judge = judge
        self._pause = pause
        self._probe = probe
        self._clock = clock
        self._lock = Lock()
        self._open = False
        self._failures = 0
        self._calls = 0
        self._answered = 0
        """The youngest call that was answered, by its number."""
        self._prober = 0
        """The call that probes, or 0."""
        self._next = 0.0
        """When a probe may start; while one is under way, when it is given up."""
        self._gauge = OPEN.labels(store)

    @property
    def is_open(self) -> bool:
        """Whether the store is known to hang or to be down."""
        return self._open

    def watch(self) -> Watch:
        """`with breaker.watch(): …` around one call. Raises `BreakerOpenError` at once while it is open."""
        return Watch(self)

    def enter(self) -> int:
        """Begin a call: its number, to be given to `leave`. Raises `BreakerOpenError`."""
        with self._lock:
            if self._open and self._clock() < self._next:
                raise BreakerOpenError(self.store)
            self._calls += 1
            if self._open:
                self._prober = self._calls
                self._next = self._clock() + self._probe
            return self._calls

    def leave(self, call: int, verdict: Verdict) -> None:
        """End the call that `enter` gave this number."""
        with self._lock:
            if self._open:
                if call == self._prober:
                    self._probed(verdict)
            elif verdict is Verdict.ANSWERED:
                self._failures = 0
                self._answered = max(self._answered, call)
            elif verdict is not Verdict.NOTHING and call > self._answered:
                # An older call tells of a state that a younger one has found to be over.
                self._failures += 1
                if verdict is Verdict.HUNG or self._failures >= DOWN_CALLS:
                    self._open = True
                    self._pause_now()
                    self._gauge.set(1)

    def forget(self) -> None:
        """The store is called no more: the metrics don't count it as an outage."""
        self._gauge.set(0)

    def judge(self, error: BaseException | None) -> Verdict:
        """What the end of a call means: no error is an answer; what is no `Exception` (a cancelled task, an
        exit) means nothing."""
        if error is None:
            return Verdict.ANSWERED
        return self._judge(error) if isinstance(error, Exception) else Verdict.NOTHING

    def _probed(self, verdict: Verdict) -> None:
        if verdict is Verdict.ANSWERED:
            self._open = False
            self._failures = 0
            self._answered = self._calls  # what began before is late news
            self._gauge.set(0)
        elif verdict is Verdict.NOTHING:
            self._next = self._clock()  # the next call probes
        else:
            self._pause_now()
        self._prober = 0

    def _pause_now(self) -> None:
        self._next = self._clock() + self._pause


class Watch:
    """One guarded call, as `with` wants it."""

    __slots__ = ("_breaker", "_call")

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._call = 0

    def __enter__(self) -> None:
        self._call = self._breaker.enter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._breaker.leave(self._call, self._breaker.judge(error))
