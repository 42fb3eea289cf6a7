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

from engagement.hot.keys import MOOD, Ballot, ballot_keys, page_keys, shard_keys

T = TypeVar("T")

BALLOT_SCRIPTS = frozenset({"choose", "hydrate", "settle", "tally", "choice", "due", "glance"})


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
    """A call of a script (or, with `script` None, of the plain command `words`)."""

    script: Script | None
    keys: tuple[str, ...]
    args: tuple[Any, ...]
    read: Callable[[Any], T]

    @property
    def words(self) -> tuple[Any, ...]:
        """What goes over the wire."""
        if self.script is None:
            return self.args
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.args)


# --- answers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tally:
    """Choices and how often each is chosen now, zeros left out; `moved` when this call moved it."""

    counts: dict[str, int]
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Cold:
    """There is no whole view of this run of the server (`run`); hydrate, then call again."""

    run: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The view doesn't know this reader's choice; bring it from SQL."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What was brought from SQL is older than what Redis has trimmed; bring it fresh."""


@dataclass(frozen=True, slots=True)
class Shut:
    """The ballot takes no choices."""


@dataclass(frozen=True, slots=True)
class Known:
    """A reader's choice in SQL (`""`: none) and the ballot's cursor, from one snapshot."""

    choice: str
    cursor: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What SQL holds of a ballot, read in one snapshot after the server's `run` was noted."""

    run: str
    generation: int
    cursor: str
    counts: dict[str, int]
    complete: bool
    open: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger entry: `reader` (16 bytes), the choice, server time (ms), keyed network hash."""

    id: str
    reader: bytes
    new: str
    time: int
    network: str


@dataclass(frozen=True, slots=True)
class Due:
    """What one shard has to flush: ballot name → floor; `lag` in milliseconds."""

    run: str
    lag: int
    floors: dict[str, str]


@dataclass(frozen=True, slots=True)
class Parts:
    """Rendered parts of an article's page as found (None: not there), and the stamp to store others with."""

    stamp: str
    found: dict[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Glance:
    """What a page shows of an article: its tally of moods, and rendered parts."""

    tally: Tally | Cold
    parts: Parts


def _counts(flat: Sequence[Any]) -> dict[str, int]:
    return {flat[i].decode(): int(flat[i + 1]) for i in range(0, len(flat), 2)}


def _chosen(reply: list[Any]) -> Tally | Cold | Unknown | Shut:
    match reply[0]:
        case b"COLD":
            return Cold(reply[1].decode())
        case b"UNKNOWN":
            return Unknown()
        case b"CLOSED":
            return Shut()
        case word:
            return Tally(_counts(reply[1]), moved=word == b"OK")


def _tally(reply: list[Any]) -> Tally | Cold:
    return Cold(reply[1].decode()) if reply[0] == b"COLD" else Tally(_counts(reply[1]))


def _choice(reply: list[Any]) -> str | Unknown | Behind:
    if reply[0] == b"KNOWN":
        choice: str = reply[1].decode()
        return choice
    return Unknown() if reply[0] == b"UNKNOWN" else Behind()


def _due(reply: list[Any]) -> Due | None:
    if not reply:
        return None
    return Due(
        reply[0].decode(),
        int(reply[1]),
        {reply[i].decode(): reply[i + 1].decode() for i in range(2, len(reply), 2)},
    )


def _entries(reply: list[Any]) -> list[Entry]:
    # The driver has made a mapping of the fields.
    return [Entry(id.decode(), f[b"r"], f[b"n"].decode(), int(f[b"t"]), f[b"w"].decode()) for id, f in reply]


# --- commands ------------------------------------------------------------------------------------------


def choose(
    ballot: Ballot, reader: bytes, choice: str, network: str, known: Known | None = None
) -> Command[Tally | Cold | Unknown | Shut]:
    """Set the reader's choice (`""` takes it back). Sent twice by the driver, it changes nothing."""
    args: tuple[Any, ...] = (ballot.name, reader, choice, network)
    if known is not None:
        args += (known.choice, known.cursor)
    return Command(script("choose"), ballot_keys(ballot), args, _chosen)


def hydrate(ballot: Ballot, snapshot: Snapshot, replay_limit: int, ttl: int) -> Command[str]:
    """Build the view from an SQL snapshot. Answers PRESENT, RETRY, BEHIND, FLUSH or DONE. `ttl`: seconds."""
    args: list[Any] = [
        ballot.name, snapshot.cursor, snapshot.run, snapshot.generation,
        int(snapshot.complete), replay_limit, ttl, int(snapshot.open),
    ]  # fmt: skip
    for choice, count in snapshot.counts.items():
        args += (choice, count)
    return Command(script("hydrate"), ballot_keys(ballot), tuple(args), lambda reply: str(reply.decode()))


def settle(ballot: Ballot, cursor: str, keep_ms: int) -> Command[int]:
    """After a commit: trim what SQL has up to `cursor` and is older than `keep_ms`."""
    return Command(script("settle"), ballot_keys(ballot), (ballot.name, cursor, keep_ms, 1_000), int)


def tally(ballot: Ballot) -> Command[Tally | Cold]:
    """The ballot's tally now."""
    return Command(script("tally"), ballot_keys(ballot), (), _tally)


def choice(
    ballot: Ballot, reader: bytes, replay_limit: int, known: Known | None = None
) -> Command[str | Unknown | Behind]:
    """The reader's choice now (`""`: none)."""
    args: tuple[Any, ...] = (ballot.name, reader, replay_limit)
    if known is not None:
        args += (known.choice, known.cursor)
    return Command(script("choice"), ballot_keys(ballot), args, _choice)


def due(shard: int, limit: int) -> Command[Due | None]:
    """The ballots of a shard that are due for a flush, at most `limit`; None if there are none."""
    return Command(script("due"), shard_keys(shard), (limit,), _due)


def entries(ballot: Ballot, after: str, limit: int) -> Command[list[Entry]]:
    """The ledger after the id `after`, oldest first."""
    words = ("XRANGE", ballot_keys(ballot)[2], f"({after}", "+", "COUNT", limit)
    return Command(None, (), words, _entries)


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
    keys = (*ballot_keys(Ballot(site, article, MOOD))[:2], *page_keys(site, article))

    def read(reply: list[Any]) -> Glance:
        run, flat, stamp, *found = reply
        return Glance(
            Cold(run.decode()) if run else Tally(_counts(flat)),
            Parts(stamp.decode(), dict(zip(fields, found, strict=True))),
        )

    return Command(script("glance"), keys, tuple(fields), read)


def store_parts(site: str, article: str, stamp: str, ttl: int, values: dict[str, bytes]) -> Command[int]:
    """Keep rendered parts read since `stamp`; refused (0) if the article changed since. `ttl`: seconds."""
    args: list[Any] = [stamp, ttl]
    for field, value in values.items():
        args += (field, value)
    return Command(script("store_page"), page_keys(site, article), tuple(args), int)


def drop_parts(site: str, article: str) -> Command[int]:
    """Forget the rendered parts of an article, and those being built."""
    return Command(script("drop_pages"), page_keys(site, article), (), int)


def ping() -> Command[bool]:
    """Is the server there?"""
    return Command(None, (), ("PING",), lambda reply: True)
