"""The protocol with one of its rules taken away, on purpose: the machine must find it.

A break is a piece of the product's own source that is replaced while a test runs. One whose piece isn't there
any more fails loudly: then the rule has moved, and so must its break.
"""

from __future__ import annotations

import contextlib
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

import pytest

from engagement.hot import commands, protocol
from engagement.hot.commands import Script
from engagement.worker import flush, outbox, rewind, storing


@dataclass(frozen=True)
class Cut:
    """In a script (`common.lua` goes before all others) or in a function of an owner, `old` becomes `new`."""

    where: str | tuple[Any, str]
    old: str
    new: str = ""


@dataclass(frozen=True)
class Break:
    """`what` is missing; it takes a world in which `redis` or `sql` goes back to find some."""

    what: str
    cuts: tuple[Cut, ...]
    redis: bool = False
    sql: bool = False


@contextlib.contextmanager
def broken(what: Break) -> Iterator[None]:
    """While it lasts, the product lacks the rule. Raises `AssertionError` at once if it had none like it."""
    real = commands.script
    scripts: dict[str, Script] = {}
    with pytest.MonkeyPatch.context() as patches:
        for cut in what.cuts:
            if isinstance(cut.where, str):
                verb = cut.where.removesuffix(".lua")
                for name in commands.BALLOT_SCRIPTS if verb == "common" else [verb]:
                    scripts[name] = _cut_script(scripts.get(name) or real(name), cut)
            else:
                owner, name = cut.where
                patches.setattr(owner, name, _cut_function(getattr(owner, name), cut))
        patches.setattr(commands, "script", lambda name: scripts.get(name) or real(name))
        yield


def _cut_script(script: Script, cut: Cut) -> Script:
    source = _replace(script.source, cut)
    return Script(script.name, source, sha1(source.encode(), usedforsecurity=False).hexdigest())


def _cut_function(function: Any, cut: Cut) -> Any:
    """The function anew, from its changed source, among the names of its module."""
    source = textwrap.dedent(_replace(inspect.getsource(function), cut))
    made: dict[str, Any] = {}
    exec(compile(source, f"<{function.__name__}, broken>", "exec"), function.__globals__, made)
    return made[function.__name__]


def _replace(source: str, cut: Cut) -> str:
    assert source.count(cut.old) == 1, f"{cut.where} has no rule any more that reads: {cut.old}"
    return source.replace(cut.old, cut.new)


COMPARED = (flush.Flusher, "_still_good")
"""Where a commit finds out what is late."""

SEVEN = [
    Break(
        "entries are settled before they are committed",
        (
            Cut(
                (flush.Flusher, "_flush_part"),
                "done = self._commit_what_can_be(batch)\n        pending = self.settle(done)",
                "pending = self.settle(batch.readings)\n        done = self._commit_what_can_be(batch)",
            ),
        ),
    ),
    Break(
        "a hydration doesn't look at the floor",
        (Cut("hydrate.lua", "if floor and before(ARGV[2], floor) then return 'BEHIND' end"),),
    ),
    Break(
        "a hydration doesn't replay the ledger",
        (Cut("hydrate.lua", "local entries = replay(ARGV[2], ARGV[6])", "local entries = {}"),),
    ),
    Break(
        "ids are given out again",
        (
            Cut(
                "choose.lua",
                "local lg, ln = last:match(",
                "local newest = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]\n"
                "local lg, ln = (newest and newest[1] or '0-0'):match(",
            ),
        ),
    ),
    Break(
        "a flush doesn't compare the cursor",
        (Cut(COMPARED, "now.get(reading.key) == reading.cursor", "reading.key in now"),),
    ),
    Break(
        "a flush doesn't compare the generation",
        (
            Cut(
                COMPARED,
                "if newest.get((r.ballot.shard, r.run)) == generations[r.ballot.shard]",
                "if r.ballot.shard in generations",
            ),
        ),
        redis=True,
    ),
    Break(
        "a looked-up choice that is older than the base is taken",
        (
            Cut("choose.lua", "or ARGV[9] ~= stamp then", "then"),
            Cut("choose.lua", "elseif before(ARGV[8], base) then", "elseif false then"),
        ),
    ),
]
"""Without any of these, the counts are wrong sooner or later: the model of the design says so as well."""

MORE = [
    Break(
        "a view of another run of Redis is taken",
        (
            Cut(
                "common.lua",
                "if base and redis.call('HGET', KEYS[1], 'identity') == run() then",
                "if base then",
            ),
        ),
        redis=True,
    ),
    Break(
        "a promoted server is taken for the same run",
        (Cut("common.lua", "return history .. ':' .. (", "return ':' .. ("),),
        redis=True,
    ),
    Break(
        "an emptied server is taken for the same run",
        (Cut("common.lua", "(redis.call('HGET', KEYS[7], 'epoch') or '')", "''"),),
        redis=True,
    ),
    Break(
        "half a view is taken for a whole one",
        (
            Cut(
                "common.lua",
                "local base = redis.call('HGET', KEYS[2], '@')\n",
                "local base = redis.call('HGET', KEYS[2], '@') or redis.call('EXISTS', KEYS[1]) == 1 "
                "and '0-0'\n",
            ),
        ),
    ),
    Break(
        "a tally moves by what the ledger says was chosen before",
        (Cut((storing, "store_choices"), "delta[old] -= 1", "delta[entry.old] -= 1"),),
    ),
    Break(
        "a settle trims what was not flushed",
        (
            Cut(
                "settle.lua",
                "redis.call('XRANGE', KEYS[3], '-', ARGV[2], 'COUNT', ARGV[4])",
                "redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', ARGV[4])",
            ),
        ),
    ),
    Break(
        "what was trimmed is still held",
        (Cut("settle.lua", "redis.call('HINCRBY', KEYS[7], 'held', -gone)"),),
    ),
    Break(
        "replayed readers are not known to the view",
        (Cut("hydrate.lua", "  chosen[reader] = new\n"),),
    ),
    Break(
        "events are deleted in one transaction and counted in another",
        (
            Cut(
                (outbox.Outbox, "_count"),
                "counts.store(connection)",
                'connection.exec_driver_sql("COMMIT")\n'
                '            connection.exec_driver_sql("BEGIN IMMEDIATE")\n'
                "            counts.store(connection)",
            ),
        ),
    ),
    Break(
        "nobody looks whether SQL went back",
        (Cut((rewind.Rewind, "_mend"), "REWINDS.inc()", "return"),),
        sql=True,
    ),
    Break(
        "a snapshot from before SQL went back builds a view",
        (
            Cut((protocol, "healing"), "commands.change_policy(ballot)", "commands.forget_view(ballot)"),
            Cut((rewind.Rewind, "_heal"), "commands.change_policy(ballot)", "commands.forget_view(ballot)"),
        ),
        sql=True,
    ),
    Break(
        "a ballot is healed before older snapshots are refused",
        (
            Cut(
                (rewind.Rewind, "_heal"),
                "self._hot.execute_many([commands.change_policy(ballot) for ballot in behind])",
                "self._stored.heal({ballot: named[ballot] for ballot in behind})\n"
                "        self._hot.execute_many([commands.change_policy(ballot) for ballot in behind])",
            ),
        ),
        sql=True,
    ),
    Break(
        "a choice is taken that another view's reader was looked up for",
        (Cut("choose.lua", "or ARGV[9] ~= stamp then", "then"),),
        sql=True,
    ),
    Break(
        "a choice looked up in an SQL that went back is taken",
        (Cut("choose.lua", "elseif before(ARGV[8], base) then", "elseif false then"),),
        sql=True,
    ),
    Break(
        "a flush compares the generation alone",
        (
            Cut(
                COMPARED,
                "newest.get((r.ballot.shard, r.run)) == ",
                "{shard: g for (shard, _), g in newest.items()}.get(r.ballot.shard) == ",
            ),
        ),
        redis=True,
        sql=True,
    ),
    Break(
        "a settle is done on another run",
        (Cut("settle.lua", "if ARGV[7] ~= run() then return 0 end"),),
        redis=True,
        sql=True,
    ),
]
"""Found as well; most of them were written after this machine had found their lack."""

LOCKS = Break(
    "cursors are not locked",
    (
        Cut(
            (flush, "lock_cursors"),
            "locked = bulk.lock(connection, cursors, BALLOT, keys, skip_locked=not wait)",
            "locked = keys",
        ),
    ),
)
"""Not to be found by what takes one step after the other."""
