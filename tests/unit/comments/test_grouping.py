"""One leads, the others follow: who is done with whom, what each is told, and that nobody waits for ever."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from threading import Event, Thread
from typing import Any

import pytest

from engagement.comments.grouping import Alone, Groups
from engagement.errors import Unavailable
from tests.waiting import until

MOST = 4
LONG = 60.0
"""Seconds."""
Wish = tuple[int, int]
"""Whose, and which of theirs."""


class Counter:
    """Serves wishes, once it is `open`: each is told its wish in capitals, or what `answers` says."""

    def __init__(
        self, patience: float = LONG, company: float = 0.0, answers: dict[str, Exception] | None = None
    ) -> None:
        self.groups: Groups[str, str] = Groups(
            self._together, self._alone, most=MOST, patience=patience, company=company
        )
        self.served: list[list[str]] = []
        self.alone: list[tuple[str, str]] = []
        """Wish, and the thread in which it was done."""
        self.fails: dict[int, BaseException] = {}
        """Number of a group → with what it ends."""
        self.open = Event()
        self.told: dict[str, Any] = {}
        self._answers = answers or {}
        self._threads: list[Thread] = []

    def ask(self, wish: str, who: str | None = None) -> None:
        """In a thread of its own; it returns when the wish is being served, or waits."""
        seen = self._seen()
        thread = Thread(target=self._ask, args=(wish, who or wish), name=wish)
        thread.start()
        self._threads.append(thread)
        until(lambda: self._seen() > seen)

    def close(self) -> dict[str, Any]:
        """Serve everybody; what each was told."""
        self.open.set()
        for thread in self._threads:
            thread.join(LONG)
            assert not thread.is_alive()
        assert self.groups.waiting == 0
        return self.told

    def _seen(self) -> int:
        return sum(map(len, self.served)) + self.groups.waiting

    def _ask(self, wish: str, who: str) -> None:
        try:
            self.told[wish] = self.groups.do(who, wish)
        except (ValueError, RuntimeError, SystemExit, Unavailable) as error:
            self.told[wish] = error

    def _together(self, wishes: Sequence[str]) -> list[str | Exception]:
        self.served.append(list(wishes))
        assert self.open.wait(LONG)
        if len(self.served) in self.fails:
            raise self.fails[len(self.served)]
        return [self._answers.get(wish, wish.upper()) for wish in wishes]

    def _alone(self, wish: str) -> str:
        self.alone.append((wish, threading.current_thread().name))
        return f"{wish} alone"


def test_who_comes_alone_waits_for_nobody() -> None:
    counter = Counter()
    counter.open.set()
    assert [counter.groups.do("ann", wish) for wish in ("a", "b")] == ["A", "B"]
    assert counter.served == [["a"], ["b"]]


def test_those_who_come_meanwhile_are_done_together_in_the_order_in_which_they_came() -> None:
    counter = Counter()
    for wish in "abcdefg":
        counter.ask(wish)
    assert counter.close() == {wish: wish.upper() for wish in "abcdefg"}
    assert counter.served == [["a"], ["b", "c", "d", "e"], ["f", "g"]]


def test_where_many_came_together_the_next_are_waited_for() -> None:
    counter = Counter(company=LONG)
    for wish in "abc":
        counter.ask(wish)
    counter.open.set()
    until(lambda: len(counter.told) == 3)
    counter.ask("d")
    assert counter.served == [["a"], ["b", "c"]]
    counter.ask("e")
    assert counter.close() == {wish: wish.upper() for wish in "abcde"}
    assert counter.served[2:] == [["d", "e"]]


def test_but_not_for_long_and_not_for_ever() -> None:
    counter = Counter(company=0.02)
    for wish in "abc":
        counter.ask(wish)
    counter.open.set()
    until(lambda: len(counter.told) == 3)
    assert [counter.groups.do(wish, wish) for wish in "def"] == ["D", "E", "F"]
    assert counter.served[2:] == [["d"], ["e"], ["f"]]
    counter.close()


def test_a_group_has_one_of_each_and_theirs_are_done_in_their_order() -> None:
    counter = Counter()
    for wish in ("a1", "a2", "b1", "a3", "c1", "b2"):
        counter.ask(wish, who=wish[0])
    counter.close()
    assert counter.served == [["a1"], ["a2", "b1", "c1"], ["a3", "b2"]]


def test_an_error_of_ones_own_is_told_to_nobody_else() -> None:
    wrong = ValueError("b")
    counter = Counter(answers={"b": wrong})
    for wish in "abc":
        counter.ask(wish)
    assert counter.close() == {"a": "A", "b": wrong, "c": "C"}


def test_what_has_to_be_done_alone_is_done_in_its_own_thread_be_it_the_leaders() -> None:
    counter = Counter(answers={"b": Alone(), "d": Alone()})
    for wish in "abcd":
        counter.ask(wish)
    assert counter.close() == {"a": "A", "b": "b alone", "c": "C", "d": "d alone"}
    assert sorted(counter.alone) == [("b", "b"), ("d", "d")]


@pytest.mark.parametrize("fault", [RuntimeError("a fault"), SystemExit(1)], ids=["a fault", "an exit"])
def test_when_a_leader_fails_its_followers_are_told_and_the_next_go_on(fault: BaseException) -> None:
    counter = Counter()
    counter.fails[2] = fault
    for wish in "abcdefg":
        counter.ask(wish)
    told = counter.close()
    assert told["a"] == "A"
    assert told["b"] is fault
    assert all(type(told[wish]) is Unavailable for wish in "cde")
    assert len({id(told[wish]) for wish in "cde"}) == 3  # whose traceback is their own
    assert (told["f"], told["g"]) == ("F", "G")


def test_nobody_waits_for_longer_than_their_patience_and_later_ones_are_served() -> None:
    counter = Counter(patience=0.05)
    counter.ask("a")
    waiting = Thread(target=counter._ask, args=("b", "b"))
    waiting.start()
    waiting.join(LONG)
    assert type(counter.told["b"]) is Unavailable
    counter.open.set()
    assert counter.groups.do("c", "c") == "C"
    counter.close()
    assert ["b"] not in counter.served


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """What interrupts the main thread, wherever it is."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    main = threading.main_thread().ident
    assert main is not None
    try:
        yield lambda: signal.pthread_kill(main, signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_who_is_interrupted_while_waiting_holds_nobody_up() -> None:
    counter = Counter()
    counter.ask("a")

    def follow() -> None:
        until(lambda: counter.groups.waiting == 1)
        interrupt()

    with interruptible() as interrupt:
        other = Thread(target=follow)
        other.start()
        with pytest.raises(KeyboardInterrupt):
            counter.groups.do("me", "mine")
        other.join(LONG)
    counter.ask("b")
    assert counter.close() == {"a": "A", "b": "B"}
    assert counter.served == [["a"], ["b"]]


def test_nor_does_a_leader_who_is_interrupted_while_waiting_for_company() -> None:
    counter = Counter(company=LONG)
    for wish in "abc":
        counter.ask(wish)
    counter.open.set()
    until(lambda: len(counter.told) == 3)

    def follow() -> None:
        until(lambda: counter.groups.waiting == 1)
        interrupt()

    with interruptible() as interrupt:
        other = Thread(target=follow)
        other.start()
        with pytest.raises(KeyboardInterrupt):
            counter.groups.do("me", "mine")
        other.join(LONG)
    for wish in "de":
        counter.ask(wish)
    assert counter.close() == {wish: wish.upper() for wish in "abcde"}
    assert counter.served == [["a"], ["b", "c"], ["d", "e"]]


class Lottery:
    """Any outcome: a result, an error of one's own (`refused`), alone, or a group that fails."""

    def __init__(self, seed: int) -> None:
        self.groups: Groups[Wish, int] = Groups(
            self._together, self._alone, most=MOST, patience=LONG, company=0.001
        )
        self.done: list[Wish] = []
        self.told: dict[Wish, int | Exception] = {}
        self.refused = ValueError("refused")
        self._random = Random(seed)

    def play(self, who: int, times: int) -> None:
        """What was told of each wish stands in `told`."""
        for n in range(times):
            try:
                self.told[who, n] = self.groups.do(who, (who, n))
            except (ValueError, RuntimeError, Unavailable) as error:
                self.told[who, n] = error

    def _together(self, wishes: Sequence[Wish]) -> list[int | Exception]:
        assert len({who for who, _ in wishes}) == len(wishes) <= MOST
        if self._random.random() < 0.05:
            raise RuntimeError
        return [self._outcome(wish) for wish in wishes]

    def _outcome(self, wish: Wish) -> int | Exception:
        if wish[1] % 7 == 3:
            return self.refused
        return Alone() if wish[1] % 7 == 5 else self._alone(wish)

    def _alone(self, wish: Wish) -> int:
        self.done.append(wish)
        return wish[0] * 1_000 + wish[1]


@pytest.mark.parametrize("seed", range(5))
def test_each_of_very_many_is_done_once_and_told_its_own(seed: int) -> None:
    lottery = Lottery(seed)
    threads = [Thread(target=lottery.play, args=(who, 150)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    told = lottery.told
    assert len(told) == 8 * 150
    accepted = {wish: got for wish, got in told.items() if not isinstance(got, Exception)}
    assert all(got == who * 1_000 + n for (who, n), got in accepted.items())
    assert sorted(lottery.done) == sorted(accepted)
    assert {n % 7 for (_, n), got in told.items() if got is lottery.refused} == {3}
    for who in range(8):
        mine = [n for whose, n in lottery.done if whose == who]
        assert mine == sorted(mine)
