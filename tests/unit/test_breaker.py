"""When a breaker opens, whom it lets through, and when it closes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from engagement.breaker import DOWN_CALLS, Breaker, BreakerOpenError, Verdict


class OwnError(Exception):
    """A caller's own."""


def judge(error: Exception) -> Verdict:
    match error:
        case TimeoutError():
            return Verdict.HUNG
        case ConnectionError():
            return Verdict.DOWN
        case ValueError():
            return Verdict.ANSWERED
    return Verdict.NOTHING


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("test", judge, pause=1.0, probe=30.0, clock=clock)


def call(breaker: Breaker, error: BaseException | None = None) -> str:
    """One guarded call that ends so; what became of it."""
    end = "refused"
    with contextlib.suppress(BreakerOpenError, type(error)), breaker.watch():  # type: ignore[arg-type]
        end = "failed"
        if error is not None:
            raise error
        end = "answered"
    return end


def test_one_call_that_times_out_opens_it(breaker: Breaker) -> None:
    assert call(breaker) == "answered"
    assert call(breaker, TimeoutError()) == "failed"
    assert breaker.is_open
    assert call(breaker) == "refused"


def test_a_time_out_while_younger_calls_are_answered_is_one_lost_connection(breaker: Breaker) -> None:
    slow, young = breaker.enter(), breaker.enter()
    breaker.leave(young, Verdict.ANSWERED)
    breaker.leave(slow, Verdict.HUNG)
    assert not breaker.is_open


def test_a_time_out_is_believed_when_only_older_calls_were_answered(breaker: Breaker) -> None:
    old, slow = breaker.enter(), breaker.enter()
    breaker.leave(old, Verdict.ANSWERED)
    breaker.leave(slow, Verdict.HUNG)
    assert breaker.is_open


def test_it_takes_several_dropped_connections_in_a_row(breaker: Breaker) -> None:
    for _ in range(3):
        for _ in range(DOWN_CALLS - 1):
            assert call(breaker, ConnectionError()) == "failed"
        assert not breaker.is_open
        assert call(breaker) == "answered"
    for _ in range(DOWN_CALLS):
        call(breaker, ConnectionError())
    assert breaker.is_open


@pytest.mark.parametrize("error", [ValueError(), OwnError(), asyncio.CancelledError(), KeyboardInterrupt()])
def test_errors_that_are_not_the_stores_open_nothing(breaker: Breaker, error: BaseException) -> None:
    for _ in range(10 * DOWN_CALLS):
        assert call(breaker, error) == "failed"
    assert not breaker.is_open


def test_an_error_that_the_store_answered_ends_a_row_of_dropped_connections(breaker: Breaker) -> None:
    for error in [ConnectionError(), ConnectionError(), ValueError(), ConnectionError(), ConnectionError()]:
        call(breaker, error)
    assert not breaker.is_open


def test_a_callers_own_error_says_nothing_about_a_row_of_dropped_connections(breaker: Breaker) -> None:
    for error in [ConnectionError(), OwnError(), ConnectionError(), OwnError(), ConnectionError()]:
        call(breaker, error)
    assert breaker.is_open


def test_after_the_pause_one_call_probes_and_the_others_go_on_failing_at_once(
    breaker: Breaker, clock: Clock
) -> None:
    call(breaker, TimeoutError())
    clock.now += 0.99
    assert call(breaker) == "refused"
    clock.now += 0.02
    probe = breaker.enter()
    assert [call(breaker) for _ in range(5)] == ["refused"] * 5
    breaker.leave(probe, Verdict.ANSWERED)
    assert not breaker.is_open
    assert call(breaker) == "answered"


def test_a_probe_that_fails_begins_another_pause(breaker: Breaker, clock: Clock) -> None:
    call(breaker, TimeoutError())
    clock.now += 1.01
    assert call(breaker, ConnectionError()) == "failed"
    assert breaker.is_open
    assert call(breaker) == "refused"
    clock.now += 1.01
    assert call(breaker) == "answered"
    assert not breaker.is_open


@pytest.mark.parametrize("error", [OwnError(), asyncio.CancelledError()])
def test_a_probe_that_tells_nothing_hands_its_place_on(
    breaker: Breaker, clock: Clock, error: BaseException
) -> None:
    call(breaker, TimeoutError())
    clock.now += 1.01
    assert call(breaker, error) == "failed"
    assert breaker.is_open
    assert call(breaker) == "answered"
    assert not breaker.is_open


def test_a_probe_that_is_never_heard_of_again_loses_its_place(breaker: Breaker, clock: Clock) -> None:
    call(breaker, TimeoutError())
    clock.now += 1.01
    lost = breaker.enter()
    clock.now += 29.9
    assert call(breaker) == "refused"
    clock.now += 0.2
    probe = breaker.enter()
    breaker.leave(lost, Verdict.ANSWERED)  # late: it has no say any more
    assert breaker.is_open
    assert call(breaker) == "refused"
    breaker.leave(probe, Verdict.ANSWERED)
    assert not breaker.is_open


def test_calls_from_before_an_outage_change_nothing_after_it(breaker: Breaker, clock: Clock) -> None:
    hung = [breaker.enter() for _ in range(5)]
    breaker.leave(hung.pop(), Verdict.HUNG)
    breaker.leave(hung.pop(), Verdict.HUNG)
    clock.now += 1.01
    assert call(breaker) == "answered"
    for each in hung:
        breaker.leave(each, Verdict.HUNG)
    assert not breaker.is_open


def test_the_gauge_tells_whether_it_is_open(breaker: Breaker, clock: Clock) -> None:
    def gauge() -> float | None:
        return REGISTRY.get_sample_value("engagement_breaker_open", {"store": "test"})

    assert gauge() == 0
    call(breaker, TimeoutError())
    assert gauge() == 1
    clock.now += 1.01
    call(breaker)
    assert gauge() == 0


def test_of_many_threads_exactly_one_probes(breaker: Breaker, clock: Clock) -> None:
    call(breaker, TimeoutError())
    clock.now += 1.01
    go, over = threading.Barrier(16), threading.Event()
    came: list[str] = []

    def one() -> None:
        go.wait()
        try:
            with breaker.watch():
                came.append("probe")
                over.wait()
        except BreakerOpenError:
            came.append("refused")
        if len(came) == 16:
            over.set()

    run_all([one] * 16)
    assert sorted(came) == ["probe"] + ["refused"] * 15
    assert not breaker.is_open


def test_calls_do_not_wait_for_each_other(breaker: Breaker) -> None:
    """Each holds its call open until all are in: a lock around the call would never end."""
    all_in = threading.Barrier(8)

    def one() -> None:
        with breaker.watch():
            all_in.wait(timeout=20)

    run_all([one] * 8)
    assert not all_in.broken


def test_it_guards_code_that_awaits(breaker: Breaker) -> None:
    async def one(error: Exception | None) -> str:
        try:
            with breaker.watch():
                await asyncio.sleep(0)
                if error is not None:
                    raise error
        except BreakerOpenError:
            return "refused"
        except TimeoutError:
            return "failed"
        return "answered"

    async def all_of_them() -> list[str]:
        return [await one(error) for error in (None, TimeoutError(), None)]

    assert asyncio.run(all_of_them()) == ["answered", "failed", "refused"]


def run_all(targets: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
