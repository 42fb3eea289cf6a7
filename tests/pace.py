"""What thousands of tests need not do again: nearly each makes an application, and all those are alike."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.routing import Rule

BUILDERS: dict[tuple[object, ...], Callable[..., Any]] = {}
"""Rule of a path → what builds its URLs, which werkzeug writes and compiles as Python."""
compile_builder = Rule._compile_builder


def pytest_configure() -> None:
    """An application costs less than half of what it would."""
    Rule._compile_builder = compiled_once  # type: ignore[method-assign, assignment]


def compiled_once(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    key = (rule.rule, rule.subdomain, str(rule.defaults), append_unknown)
    if key not in BUILDERS:
        BUILDERS[key] = compile_builder(rule, append_unknown)
    return BUILDERS[key]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look through it all the time."""
    gc.collect()
    gc.freeze()
