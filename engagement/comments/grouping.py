"""What many threads want at once is done for all of them at once: one leads, the others follow.

Whoever comes while nothing is being done leads: it takes along all that wait, and does it in its own thread.
Those who come meanwhile wait, at most for what is being done, and the first of them leads next. One that
comes alone is a group of one; where many came together just now, those who are on their way are waited for,
but not for long. Knows no store.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from engagement.errors import EngagementError, Unavailable

T = TypeVar("T")
R = TypeVar("R")


class Alone(EngagementError):
    """The outcome of one that has to be done by itself, in a thread of its own."""


class Groups(Generic[T, R]):
    """Does things in groups. Thread-safe; it has no thread of its own, so that it outlives a fork."""

    def __init__(
        self,
        together: Callable[[Sequence[T]], Sequence[R | Exception]],
        alone: Callable[[T], R],
        *,
        most: int,
        patience: float,
        company: float,
    ) -> None:
        """`together` does many and answers an outcome for each: a result, an error of its own, or `Alone`;
        `alone` does one. `most` in a group. `patience`: seconds that one waits for others in all;
        `company`: seconds that a leader waits for as many as there were lately.

        If `together` raises, its leader gets that; the others can't know what was done: `Unavailable`.
        """
        self._together = together
        self._alone = alone
        self._most = most
        self._patience = patience
        self._company = company
        self._expected = 1
        """How many came together lately: what was most, less one for each group since."""
        self._complete: Lock | None = None
        """Opened when so many wait, while a leader waits for them."""
        self._waiting: list[_Place[T, R]] = []
        self._is_led = False
        self._lock = Lock()

    @property
    def waiting(self) -> int:
        """How many wait for what is being done."""
        return len(self._waiting)

    def do(self, who: Hashable, wanted: T) -> R:
        """The outcome of this one. What is of the same `who` is done one after the other, as it came.

        Raises what is its own error, and `Unavailable`.
        """
        place: _Place[T, R] = _Place(who, wanted)
        with self._lock:
            self._waiting.append(place)
            place.leads, self._is_led = not self._is_led, True
            if self._complete is not None and len(self._waiting) == self._expected:
                self._complete.release()
                self._complete = None
        if not place.leads:
            self._wait(place)
        if place.leads:
            self._lead(place)
        outcome = place.outcome
        if outcome is None:
            raise Unavailable
        if isinstance(outcome, Alone):
            return self._alone(wanted)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _lead(self, own: _Place[T, R]) -> None:
        """Do those who wait. `own` is the first of them."""
        group: list[_Place[T, R]] = []
        try:
            self._gather()
            with self._lock:
                group = self._take()
                self._expected = max(len(group), self._expected - 1)
            outcomes = self._together([place.wanted for place in group])
            for place, outcome in zip(group, outcomes, strict=True):
                place.outcome = outcome
        finally:
            self._leave(own)
            for place in group[1:]:
                place.gate.release()

    def _gather(self) -> None:
        """Wait for company, if there was some lately."""
        with self._lock:
            if len(self._waiting) >= self._expected:
                return
            complete = self._complete = Lock()
            complete.acquire()
        try:
            complete.acquire(timeout=self._company)
        finally:
            with self._lock:
                self._complete = None

    def _take(self) -> list[_Place[T, R]]:
        group: dict[Hashable, _Place[T, R]] = {}
        rest = []
        for place in self._waiting:
            if len(group) < self._most and place.who not in group:
                group[place.who] = place
            else:
                rest.append(place)
        self._waiting = rest
        return list(group.values())

    def _hand_on(self) -> None:
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].gate.release()

    def _wait(self, place: _Place[T, R]) -> None:
        """Until it is done, or leads. Raises `Unavailable` after too long."""
        try:
            if place.gate.acquire(timeout=self._patience):
                return
        except BaseException:
            self._leave(place)
            raise
        self._leave(place)
        raise Unavailable

    def _leave(self, place: _Place[T, R]) -> None:
        """It waits no more, and leads no more: nobody is to wait for it."""
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
        if place.leads:
            self._hand_on()


class _Place(Generic[T, R]):
    """Of one that waits."""

    __slots__ = ("gate", "leads", "outcome", "wanted", "who")

    def __init__(self, who: Hashable, wanted: T) -> None:
        self.who = who
        self.wanted = wanted
        self.leads = False
        self.outcome: R | Exception | None = None
        """None: it is not known."""
        self.gate = Lock()
        self.gate.acquire()
        """Opened once: when it is done, or to lead."""
