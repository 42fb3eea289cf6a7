"""What the coverage gate counts: measuring makes Python half as fast again, so not every test is measured.

It counts what `unit` and `integration` reach, and `contract` on the first pair of stores. What is played at
random or in a browser, and the same contract on other stores, reaches no line that these should not.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import coverage
import pytest

PROCESSES = "COVERAGE_PROCESS_CONFIG"
"""In the environment, it lets coverage measure the processes that a test starts."""
UNMEASURED = ("browser", "chaos", "integration/ledger")
FIRST = {"sql_kind": "sqlite", "redis_kind": "redis"}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    measured = coverage.Coverage.current()
    if measured is None or is_measured(item):
        return (yield)
    configured = os.environ.pop(PROCESSES, None)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()
        if configured is not None:
            os.environ[PROCESSES] = configured


def is_measured(item: pytest.Item) -> bool:
    folder = item.path.relative_to(item.config.rootpath / "tests").as_posix()
    if folder.startswith(UNMEASURED):
        return False
    if folder.startswith("contract") and isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        return all(item.callspec.params.get(kind, first) == first for kind, first in FIRST.items())
    return True
