"""The statements of a flush, all inside its one transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import prometheus_client
import structlog
from sqlalchemy import Connection

from engagement.comments.ranked import rank
from engagement.db import bulk
from engagement.db.ballots import Key
from engagement.db.tables import BALLOT, choices, comments, dead_letters, tallies
from engagement.hot.answers import Entry
from engagement.hot.keys import MOOD, Ballot

log = structlog.get_logger()
READER_BYTES = 16
NOBODY = UUID(int=0)
LONGEST = 32
"""Characters of a choice and of a network hash, in the table."""
VOTER = (*BALLOT, "reader_id")
"""What names a choice: the ballot's key and its reader."""
CHOSEN = ("choice", "chosen_at", "network")
CHOICE = (*VOTER, *CHOSEN)
DEAD = prometheus_client.Counter(
    "engagement_dead_letters_total", "Ledger entries that SQL refused, kept aside"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one ballot, in this run of its Redis, before the transaction."""

    ballot: Ballot
    run: str
    key: Key
    cursor: str
    entries: list[Entry]

    @property
    def end(self) -> str:
        """The cursor once this is committed."""
        return self.entries[-1].id if self.entries else self.cursor


def sift(connection: Connection, readings: list[Reading]) -> tuple[list[Reading], list[Reading]]:
    """Put entries that SQL can't take aside as dead letters.

    Answers the readings with the others, and those whose comment is gone.
    """
    votes = [reading for reading in readings if reading.ballot.kind != MOOD]
    ids = ("article_id", "id")
    there = set(bulk.fetch(connection, comments, ids, [(r.key[0], r.key[2]) for r in votes], ids))
    good, gone, letters = [], [], []
    for reading in readings:
        lost = reading.ballot.kind != MOOD and (reading.key[0], reading.key[2]) not in there
        if lost:
            gone.append(reading)
        kept = []
        for entry in reading.entries:
            reason = "no such comment" if lost else _fault(entry)
            if reason:
                letters.append((reading.ballot.name, *_letter(entry), reason))
            else:
                kept.append(entry)
        if kept:
            good.append(replace(reading, entries=kept))
    columns = ("ballot", "entry_id", "reader_id", "choice", "chosen_at", "reason")
    if bulk.put(connection, dead_letters, columns, letters):
        DEAD.inc(len(letters))
        log.error("entries put aside", entries=len(letters), reasons=sorted({row[-1] for row in letters}))
    return good, gone


def _fault(entry: Entry) -> str:
    """Why the table of choices could not take the entry; empty if it can. No script of ours writes such."""
    if len(entry.reader) != READER_BYTES:
        return "no reader id"
    fits = max(len(entry.new), len(entry.network)) <= LONGEST and "\0" not in entry.new + entry.network
    return "" if fits else "not a choice"


def _letter(entry: Entry) -> tuple[str, UUID, str, datetime]:
    """What can be kept of an entry, whatever it is."""
    reader = UUID(bytes=entry.reader) if len(entry.reader) == READER_BYTES else NOBODY
    choice = entry.new.replace("\0", "")[:LONGEST]
    return entry.id, reader, choice, _time(entry.time)


@dataclass(frozen=True, slots=True)
class Stored:
    """How stored choices moved the ballots' tallies, and which views differ from SQL.

    A view differs where an entry's old choice is not what SQL held: SQL went back behind it.
    """

    changed: dict[Key, dict[str, int]]
    off: set[Key]


def store_choices(connection: Connection, readings: list[Reading]) -> Stored:
    """Keep each reader's last choice.

    A choice that is its reader's first by the ledger is inserted without a look. SQL refuses it if there is
    one, for SQL went back; then all are looked up.
    """
    first = {r.key: {entry.reader: entry.old for entry in reversed(r.entries)} for r in readings}
    rest = {r.key: {entry.reader: entry for entry in r.entries} for r in readings}
    new = {
        key: {reader: entry for reader, entry in last.items() if entry.new and not first[key][reader]}
        for key, last in rest.items()
    }
    changed: dict[Key, Counter[str]] = {key: Counter() for key in rest}
    rows = [_row(key, entry) for key, last in new.items() for entry in last.values()]
    if bulk.put_new(connection, choices, CHOICE, rows):
        for key, last in new.items():
            changed[key].update(entry.new for entry in last.values())
            rest[key] = {reader: entry for reader, entry in rest[key].items() if reader not in last}
    stored = _look_up(connection, rest)
    off, kept, gone = set(), [], []
    for key, last in rest.items():
        delta = changed[key]
        for reader, entry in last.items():
            old = stored.get((*key, reader), "")
            if old != first[key][reader]:
                off.add(key)
            if entry.new == old:
                continue
            delta[old] -= 1
            delta[entry.new] += 1
            if entry.new:
                kept.append(_row(key, entry))
            else:
                gone.append((*key, reader))
    bulk.put(connection, choices, CHOICE, kept, replace=CHOSEN)
    bulk.remove(connection, choices, VOTER, gone)
    moved = {
        key: {choice: by for choice, by in delta.items() if choice and by} for key, delta in changed.items()
    }
    return Stored({key: delta for key, delta in moved.items() if delta}, off)


def _look_up(connection: Connection, of: dict[Key, dict[bytes, Entry]]) -> dict[bulk.Row, str]:
    """The stored choices of these readers."""
    voters = [(*key, reader) for key, last in of.items() for reader in last]
    found = bulk.fetch(connection, choices, VOTER, voters, (*VOTER, "choice"))
    return {(*key, reader.bytes): choice for *key, reader, choice in found}


def _row(key: Key, entry: Entry) -> bulk.Row:
    """Of `choices`, by `CHOICE`."""
    return (*key, entry.reader, entry.new, _time(entry.time), entry.network)


def store_tallies(connection: Connection, changed: dict[Key, dict[str, int]]) -> None:
    """Move the stored tallies by what changed in the stored choices."""
    rows = [(*key, choice, by) for key, delta in sorted(changed.items()) for choice, by in delta.items()]
    bulk.put(connection, tallies, (*BALLOT, "choice", "count"), rows, add=("count",))


def store_sort_keys(connection: Connection, keys: list[Key]) -> None:
    """Recompute what comments are sorted by, from the stored tallies; comments in the order of their ids."""
    votes = {key: [0, 0] for key in sorted(keys)}
    counted = bulk.fetch(connection, tallies, BALLOT, list(votes), (*BALLOT, "choice", "count"))
    for a, k, s, choice, count in counted:
        votes[a, k, s][choice == "down"] += count
    rank(connection, {(a, s): (up, down) for (a, _, s), (up, down) in votes.items()})


@lru_cache(maxsize=1_024)
def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
