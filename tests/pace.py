"""What thousands of tests need not do again: nearly each makes an application, and all those are alike."""

from __future__ import annotations

import gc
from collections import defaultdict
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

RULES: dict[tuple[object, ...], dict[str, Any]] = {}
"""Rule of a path → what werkzeug has made of it: how it is matched, and Python that builds its URLs."""
MADE = ("arguments", "_parts", "_trace", "_converters")
BUILDERS = ("_build", "_build_unknown")
compile_rule = Rule.compile


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
    """An application costs a fifth of what it would."""
    Rule.compile = compile_once  # type: ignore[method-assign, assignment]
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Templates()}


def compile_once(rule: Rule) -> None:
    key = (rule.rule, rule.subdomain, rule.merge_slashes, str(rule.defaults))
    made = RULES.get(key)
    if made is None:
        compile_rule(rule)
        RULES[key] = {name: getattr(rule, name) for name in MADE}
        RULES[key] |= {name: getattr(rule, name).__func__ for name in BUILDERS}
    else:
        rule.__dict__ |= made
        rule.__dict__ |= {name: made[name].__get__(rule) for name in BUILDERS}


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look through it all the time."""
    gc.collect()
    gc.freeze()
