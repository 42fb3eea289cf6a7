"""Commands as values: a script, its keys and arguments, and how to read the reply.

A command does nothing by itself. A runner, sync or async, executes it, so that every process shares the
rules. One `.lua` file per verb stands in `lua/`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any, Generic, TypeVar

from engagement.hot.answers import (
    Audit,
    Barred,
    Behind,
    Cold,
    Due,
    Entry,
    Full,
    Glance,
    Known,
    Moved,
    Over,
    Parts,
    Shut,
    Snapshot,
    SomeDue,
    Tally,
    TooMuch,
    Unknown,
    read_audit,
    read_choice,
    read_chosen,
    read_due,
    read_entries,
    read_moved,
    read_some_due,
    read_tally,
)
from engagement.hot.keys import (
    MOOD,
    Ballot,
    ballot_keys,
    barred_key,
    beat_key,
    moving_key,
    page_keys,
    shard_keys,
)

T = TypeVar("T")

LIMIT = 1_000_000
"""Entries that a shard may hold, unless it is set."""
TRIMMED = 1_000
"""Entries that one settling trims at most: Redis is never kept from others for long."""
BALLOT_SCRIPTS = frozenset(
    {"choose", "hydrate", "settle", "tally", "choice", "due", "some_due", "glance", "audit"}
)


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the SHA-1 that EVALSHA knows it by."""

    name: str
    source: str
    sha: str


@cache
def script(name: str) -> Script:
    """The script of the verb `name`."""
    folder = files("engagement.hot") / "lua"
    source = (folder / f"{name}.lua").read_text()
    if name in BALLOT_SCRIPTS:
        source = (folder / "common.lua").read_text() + source
    return Script(name, source, sha1(source.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Command(Generic[T]):
    """A call of a script (or, with `script` None, of the plain command `args`)."""

    script: Script | None
    keys: tuple[str, ...]
    args: tuple[Any, ...]
    read: Callable[[Any], T]

    @property
    def key(self) -> str:
        """A key that it touches: all of a command's keys are in one slot."""
        return self.keys[0] if self.keys else str(self.args[1])

    @property
    def words(self) -> tuple[Any, ...]:
        """What goes over the wire."""
        if self.script is None:
            return self.args
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.args)

    @property
    def with_source(self) -> tuple[Any, ...]:
        """The same for a server that doesn't know the script yet, and does then."""
        if self.script is None:
            return self.args
        return ("EVAL", self.script.source, len(self.keys), *self.keys, *self.args)


def choose(
    ballot: Ballot,
    reader: bytes,
    choice: str,
    network: str,
    known: Known | None = None,
    limit: int = LIMIT,
    owner: str = "",
) -> Command[Tally | Cold | Unknown | Shut | Full | Barred]:
    """Set the reader's choice (`""` takes it back). Sent twice by the driver, it changes nothing.

    `limit`: entries that the shard may hold. `owner`: of the bar under which it is played for the reader.
    """
    args: tuple[Any, ...] = (ballot.name, reader, choice, network, limit, owner)
    if known is not None:
        args += (known.choice, known.cursor, known.stamp)
    return Command(script("choose"), _choosing_keys(ballot), args, read_chosen)


def move(
    ballot: Ballot, reader: bytes, choice: str, network: str, known: Known | None, limit: int, fence: str,
    only: str | None,
) -> Command[Moved | Cold | Unknown | Full | Barred | Over]:  # fmt: skip
    """Set the choice of a reader who is not barred, for the job whose `fence` is up; closed or not.

    `only`: where this is chosen, and neither the reader nor this job has settled it since the fence is up.
    """
    read = (known.choice, known.cursor, known.stamp) if known is not None else ("", "", "")
    args = (ballot.name, reader, choice, network, limit, "", *read, fence, *([] if only is None else [only]))
    return Command(script("choose"), _choosing_keys(ballot), args, read_moved)


def fence(site: str, article: str, name: str) -> Command[int]:
    """Put a fence up, in place of any other: one job at a time moves choices from or to an article."""
    return Command(script("fence"), (moving_key(site, article),), (name,), int)


def unfence(site: str, article: str, name: str) -> Command[int]:
    """Take this fence away."""
    return Command(script("unfence"), (moving_key(site, article),), (name,), int)


def _choosing_keys(ballot: Ballot) -> tuple[str, ...]:
    moving = moving_key(ballot.site, ballot.article)
    return (*ballot_keys(ballot), barred_key(ballot.shard), moving)


def hydrate(ballot: Ballot, snapshot: Snapshot, policy: str, replay_limit: int, ttl: int) -> Command[str]:
    """Build the view from an SQL snapshot. Answers PRESENT, RETRY, BEHIND, FLUSH or DONE. `ttl`: seconds."""
    args: list[Any] = [
        ballot.name, snapshot.cursor, snapshot.run, snapshot.generation,
        int(snapshot.complete), replay_limit, ttl, int(snapshot.open), policy,
    ]  # fmt: skip
    for choice, count in snapshot.counts.items():
        args += (choice, count)
    return Command(script("hydrate"), ballot_keys(ballot), tuple(args), lambda reply: str(reply.decode()))


def postpone(shard: int, ballots: Sequence[str], until: int) -> Command[int]:
    """Look at these due ballots again at `until` (ms since the epoch), or when somebody chooses."""
    return Command(script("postpone"), (shard_keys(shard)[4],), (until, *ballots), int)


def change_policy(ballot: Ballot) -> Command[int]:
    """After a commit that changed the ballot's policy: its view goes, no older snapshot may build one."""
    view, choices, *_, policies, _ = ballot_keys(ballot)
    return Command(script("change_policy"), (view, choices, policies), (ballot.name,), int)


def settle(
    ballot: Ballot, run: str, before: str, cursor: str, keep_ms: int, limit: int = LIMIT
) -> Command[int]:
    """After a commit that moved the cursor from `before`: trim what SQL has for longer than `keep_ms`.

    Does nothing on another run than that which the entries were read from.
    At once, where the shard holds more than half of the entries that it may, or Redis has no memory left.
    Answers how many entries went, `TRIMMED` at most.
    """
    args = (ballot.name, cursor, keep_ms, TRIMMED, limit, before, run)
    return Command(script("settle"), ballot_keys(ballot), args, int)


def beat(committed: int) -> Command[int]:
    """Tell a beat that SQL has committed (0: none); answers the highest that was told."""
    return Command(script("beat"), (beat_key(),), (committed,), int)


def due_now(shard: int, limit: int) -> Command[int]:
    """Make ballots due at once that were to be looked at later, at most `limit`; answers how many."""
    return Command(script("due_now"), (shard_keys(shard)[4],), (limit,), int)


def held(shard: int) -> Command[int]:
    """How many entries the ledgers of a shard hold, stored and waiting."""
    return Command(None, (), ("HGET", shard_keys(shard)[6], "held"), lambda reply: int(reply or 0))


def all_due(shard: int, limit: int) -> Command[list[str]]:
    """The names of the ballots that are due, now or later; every ballot that has entries is."""
    words = ("ZRANGE", shard_keys(shard)[4], 0, limit - 1)
    return Command(None, (), words, lambda reply: [name.decode() for name in reply])


def recount(shard: int, names: Sequence[str]) -> Command[tuple[int, int] | None]:
    """Count again what the shard holds: before and after; None if `names` are not all that are due."""
    *_, due, _, own = shard_keys(shard)
    keys = (own, due, *(ballot_keys(Ballot.parse(name))[2] for name in names))
    return Command(script("recount"), keys, tuple(names), lambda reply: tuple(reply) if reply else None)


def tally(ballot: Ballot) -> Command[Tally | Cold]:
    """The ballot's tally now."""
    return Command(script("tally"), ballot_keys(ballot), (ballot.name,), read_tally)


def choice(
    ballot: Ballot, reader: bytes, replay_limit: int, known: Known | None = None
) -> Command[str | Unknown | Behind | TooMuch]:
    """The reader's choice now (`""`: none)."""
    args: tuple[Any, ...] = (ballot.name, reader, replay_limit)
    if known is not None:
        args += (known.choice, known.cursor)
    return Command(script("choice"), ballot_keys(ballot), args, read_choice)


def due(shard: int, limit: int) -> Command[Due | None]:
    """The ballots of a shard that are due for a flush, at most `limit`; None if there are none."""
    return Command(script("due"), shard_keys(shard), (limit,), read_due)


def some_due(shard: int, cursor: str, limit: int) -> Command[SomeDue]:
    """About `limit` of the ballots that are due, now or later: a walk of which `"0"` is the beginning."""
    return Command(script("some_due"), shard_keys(shard), (cursor, limit), read_some_due)


def entries(ballot: Ballot, after: str, limit: int) -> Command[list[Entry]]:
    """The ledger after the id `after`, oldest first."""
    words = ("XRANGE", ballot_keys(ballot)[2], f"({after}", "+", "COUNT", limit)
    return Command(None, (), words, read_entries)


def audit(ballot: Ballot, after: str, up_to: str = "+", limit: int = 1_000) -> Command[Audit]:
    """The ballot's view, and its ledger after one id and up to another, added up; changes nothing.

    At most `limit` entries are read at once, so that Redis is never kept from others.
    """
    args = (ballot.name, after, up_to, limit)
    return Command(script("audit"), ballot_keys(ballot), args, read_audit)


def has_ledger(ballot: Ballot) -> Command[bool]:
    """Is there a ledger, be it empty?"""
    return Command(None, (), ("EXISTS", ballot_keys(ballot)[2]), bool)


def make_due(ballot: Ballot) -> Command[int]:
    """Put the ballot on the workers' list, unless it is there."""
    return Command(None, (), ("ZADD", ballot_keys(ballot)[4], "NX", 0, ballot.name), int)


def floor(ballot: Ballot) -> Command[str | None]:
    """The id up to which the ledger has been trimmed, if it ever was."""
    words = ("HGET", ballot_keys(ballot)[3], ballot.name)
    return Command(None, (), words, lambda reply: reply.decode() if reply else None)


def forget_view(ballot: Ballot) -> Command[int]:
    """Drop the view (never the ledger): the next call rebuilds it from SQL."""
    return Command(None, (), ("UNLINK", *ballot_keys(ballot)[:2]), int)


def read_parts(site: str, article: str, fields: Sequence[str]) -> tuple[Command[Any], Command[Any]]:
    """Two commands for one round trip: the stamp, and the parts (`Parts` in this order)."""
    pages, stamp = page_keys(site, article)
    return (
        Command(None, (), ("GET", stamp), lambda reply: (reply or b"0").decode()),
        Command(None, (), ("HMGET", pages, *fields), lambda reply: dict(zip(fields, reply, strict=True))),
    )


def glance(site: str, article: str, fields: Sequence[str]) -> Command[Glance]:
    """The article's tally of moods and rendered parts."""
    ballot = Ballot(site, article, MOOD)
    keys = (*ballot_keys(ballot), *page_keys(site, article))

    def read(reply: list[Any]) -> Glance:
        counted, stamp, *found = reply
        return Glance(read_tally(counted), Parts(stamp.decode(), dict(zip(fields, found, strict=True))))

    return Command(script("glance"), keys, (ballot.name, *fields), read)


def store_parts(site: str, article: str, stamp: str, ttl: int, values: dict[str, bytes]) -> Command[int]:
    """Keep rendered parts read since `stamp`; refused (0) if the article changed since. `ttl`: seconds."""
    args: list[Any] = [stamp, ttl]
    for field, value in values.items():
        args += (field, value)
    return Command(script("store_page"), page_keys(site, article), tuple(args), int)


def drop_parts(site: str, article: str) -> Command[int]:
    """Forget the rendered parts of an article, and those being built."""
    return Command(script("drop_pages"), page_keys(site, article), (), int)
