"""The machine: all rules together, from a first choice to the agreement."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import get_state_machine_test, initialize, run_state_machine_as_test

from engagement.errors import DatabaseUnavailable, Problem, RedisUnavailable
from tests.integration.ledger.agreement import Agreement
from tests.integration.ledger.mishaps import Mishaps
from tests.integration.ledger.world import BALLOTS, READERS

STEPS = 60
"""Of one example."""
TIMES = int(os.environ.get("LEDGER_TIMES", "1"))
"""As many examples as usual this many times: for a long run."""
SEEDS = 12
"""Tried at most until a break is found."""


class Ledger(Agreement, Mishaps):
    """The world of one example."""

    @initialize()
    def begin(self) -> None:
        self.choose(BALLOTS[0], READERS[0], 0)


def play(world: type[Ledger], examples: int) -> None:
    """So many examples. Raises what the first one that fails raises, with its steps."""
    run_state_machine_as_test(world, settings=_settings(examples * TIMES))


class Found(BaseException):
    """Something is wrong. No `Exception`, so that Hypothesis doesn't play the example again to tell it."""


def finds(world: type[Ledger], examples: int = 10) -> bool:
    """Does the machine find something wrong in this world? The same examples every time, and then more."""
    for number in range(SEEDS):
        test: Any = get_state_machine_test(
            seed(number)(world), settings=settings(_settings(examples), verbosity=Verbosity.quiet)
        )
        play_one = test.hypothesis.inner_test

        def play_or_find(*given: Any, play_one: Any = play_one, **named: Any) -> None:
            try:
                play_one(*given, **named)
            except (RedisUnavailable, DatabaseUnavailable):
                raise  # a server is away
            except (AssertionError, Problem) as error:  # disagreement, or somebody is refused for ever
                raise Found from error

        test.hypothesis.inner_test = play_or_find
        try:
            test()
        except (Found, FlakyFailure):
            return True
    return False


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # shrinking what takes real servers takes minutes
    )
