"""What thousands of tests need not do again: nearly each makes an application, and all those are alike."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

BUILDERS: dict[tuple[object, ...], Callable[..., Any]] = {}
"""Rule of a path → what builds its URLs, which werkzeug writes and compiles as Python."""
compile_builder = Rule._compile_builder


class Compiled:
    """The statements that were compiled for one kind of store: all engines of this process share them."""

    def __init__(self) -> None:
        self._kept: LRUCache[Any, Any] = LRUCache(2_000)

    def get(self, key: tuple[Any, ...]) -> Any:
        return self._kept.get(key[1:])

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        """`key` begins with the dialect, of which each engine has one of its own, like all the others."""
        self._kept[key[1:]] = compiled


class Templates(BytecodeCache):
    """Templates that any application of this process has compiled."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        kept = self._kept.get((bucket.key, bucket.checksum))
        if kept is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


COMPILED: defaultdict[str, Compiled] = defaultdict(Compiled)
"""By the name of a dialect."""


@event.listens_for(Engine, "engine_connect")
def _share(connection: Connection) -> None:
    connection.execution_options(compiled_cache=COMPILED[connection.dialect.name])


def pytest_configure() -> None:
    """An application costs less than half of what it would."""
    Rule._compile_builder = compiled_once  # type: ignore[method-assign, assignment]
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Templates()}


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
