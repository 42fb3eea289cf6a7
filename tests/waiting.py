"""Waiting for a condition, the only way that a test here may wait."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], object], within: float = 60.0) -> None:
    """Return as soon as `condition()` is true; fail if it isn't within `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {within} seconds: {condition}"
        time.sleep(0.01)
