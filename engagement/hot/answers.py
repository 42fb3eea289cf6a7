"""What commands answer, and how the replies of the scripts are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tally:
    """Choices and how often each is chosen now, zeros left out."""

    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Cold:
    """There is no whole view of this run of the server; hydrate, then call again.

    `run` is the server's, `policy` how often the ballot's policy was changed; both noted before SQL is read.
    """

    run: str
    policy: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The view doesn't know this reader's choice; bring it from SQL. `stamp` is this view's alone."""

    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Behind:
    """What was brought from SQL is older than what Redis has trimmed; bring it fresh."""


@dataclass(frozen=True, slots=True)
class TooMuch:
    """More ledger entries than may be replayed wait to be stored."""


@dataclass(frozen=True, slots=True)
class Shut:
    """The ballot takes no choices."""


@dataclass(frozen=True, slots=True)
class Full:
    """The shard holds as many entries as it may; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Barred:
    """The reader may not choose; of a job: the bar is not its own."""


@dataclass(frozen=True, slots=True)
class Over:
    """The fence of the job that asks is not up any more."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A job's move was played. `done` False: the reader has chosen otherwise, which stands."""

    done: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A reader's choice in SQL (`""`: none) and the ballot's cursor, from one snapshot.

    `stamp` is of the view that asked for it.
    """

    choice: str
    cursor: str
    stamp: str = ""


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
    """One ledger entry: `reader` (16 bytes), old and new choice, server time (ms), keyed network hash."""

    id: str
    reader: bytes
    old: str
    new: str
    time: int
    network: str


@dataclass(frozen=True, slots=True)
class Audit:
    """A ballot at one moment: its view's tally (None: no whole view), its floor, its ledger after an id.

    `moved` is what `entries` entries of the ledger add to a tally, up to the entry `last`; `newest` is the
    newest there is. `age` of the first of them is in milliseconds; `due`: does a worker have it on its list?
    """

    counts: dict[str, int] | None
    floor: str
    due: bool
    newest: str | None
    entries: int
    last: str | None
    age: int
    moved: dict[str, int]


@dataclass(frozen=True, slots=True)
class Due:
    """What one shard has to flush: ballot name → floor; `lag` in milliseconds."""

    run: str
    lag: int
    floors: dict[str, str]


@dataclass(frozen=True, slots=True)
class SomeDue:
    """Names of ballots that a shard has to flush, and the cursor of those that follow (`"0"`: none).

    The cursor means something in this run of the server alone.
    """

    run: str
    cursor: str
    names: list[str]


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


def read_counts(flat: Sequence[Any]) -> dict[str, int]:
    """Choice, count, choice, count, … of a tally."""
    return {flat[i].decode(): int(flat[i + 1]) for i in range(0, len(flat), 2)}


def read_chosen(reply: list[Any]) -> Tally | Cold | Unknown | Shut | Full | Barred:
    """Of `choose`."""
    match reply[0]:
        case b"COLD":
            return Cold(reply[1].decode(), reply[2].decode())
        case b"UNKNOWN":
            return Unknown(reply[1].decode())
        case b"CLOSED":
            return Shut()
        case b"FULL":
            return Full()
        case b"BARRED":
            return Barred()
        case _:
            return Tally(read_counts(reply[1]))


def read_moved(reply: list[Any]) -> Moved | Cold | Unknown | Full | Barred | Over:
    """Of `choose`, for a job that moves choices."""
    if reply[0] == b"OVER":
        return Over()
    if reply[0] in (b"OK", b"SAME"):
        return Moved(reply[0] == b"OK" or reply[2:] == [b"moved"])
    answer = read_chosen(reply)
    assert not isinstance(answer, Tally | Shut)
    return answer


def read_tally(reply: list[Any]) -> Tally | Cold:
    """Of `tally`."""
    if reply[0] == b"COLD":
        return Cold(reply[1].decode(), reply[2].decode())
    return Tally(read_counts(reply[1]))


def read_choice(reply: list[Any]) -> str | Unknown | Behind | TooMuch:
    """Of `choice`."""
    if reply[0] == b"KNOWN":
        choice: str = reply[1].decode()
        return choice
    others: dict[bytes, Unknown | Behind | TooMuch] = {
        b"UNKNOWN": Unknown(),
        b"BEHIND": Behind(),
        b"FLUSH": TooMuch(),
    }
    return others[reply[0]]


def read_due(reply: list[Any]) -> Due | None:
    """Of `due`."""
    if not reply:
        return None
    return Due(
        reply[0].decode(),
        int(reply[1]),
        {reply[i].decode(): reply[i + 1].decode() for i in range(2, len(reply), 2)},
    )


def read_some_due(reply: list[Any]) -> SomeDue:
    """Of `some_due`."""
    run, cursor, *names = (word.decode() for word in reply)
    return SomeDue(run, cursor, names)


def read_entry(id: bytes, f: dict[bytes, bytes]) -> Entry:
    """One ledger entry, its fields by their names."""
    return Entry(id.decode(), f[b"r"], f[b"o"].decode(), f[b"n"].decode(), int(f[b"t"]), f[b"w"].decode())


def read_audit(reply: list[Any]) -> Audit:
    """Of `audit`."""
    counts, floor, due, newest, entries, last, age, *moved = reply
    return Audit(
        counts=None if counts is None else read_counts(counts),
        floor=floor.decode(),
        due=due is not None,
        newest=newest and newest.decode(),
        entries=entries,
        last=last and last.decode(),
        age=age,
        moved=read_counts(moved),
    )


def read_entries(reply: list[Any]) -> list[Entry]:
    """Of XRANGE."""
    return [read_entry(id, fields) for id, fields in reply]  # the driver has made a mapping of the fields
