"""What thousands of tests need not do again: nearly each makes an application, and all those are alike."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import Schema
from werkzeug.routing import Rule

BUILDERS: dict[tuple[object, ...], Callable[..., Any]] = {}
"""Rule of a path → what builds its URLs, which werkzeug writes and compiles as Python."""
compile_builder = Rule._compile_builder


def pytest_configure() -> None:
    """An application costs a quarter of what it would."""
    Rule._compile_builder = compiled_once  # type: ignore[method-assign, assignment]
    Schema.__deepcopy__ = itself  # type: ignore[attr-defined]


def compiled_once(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    key = (rule.rule, rule.subdomain, str(rule.defaults), append_unknown)
    if key not in BUILDERS:
        BUILDERS[key] = compile_builder(rule, append_unknown)
    return BUILDERS[key]


def itself(schema: Schema, _memo: object) -> Schema:
    """Schemas are copied with what is documented of each call, often, and changed by nobody."""
    return schema


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look through it all the time."""
    gc.collect()
    gc.freeze()
