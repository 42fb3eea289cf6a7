"""The statements of a flush, all inside its one transaction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from engagement.db.ballots import Key, on_ballot
from engagement.db.tables import choices, comments, cursors, dead_letters, tallies
from engagement.hot.answers import Entry
from engagement.hot.keys import MOOD, Ballot

log = structlog.get_logger()
DEAD = Counter("engagement_dead_letters_total", "Ledger entries that SQL refused, kept aside")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one ballot before the transaction."""

    ballot: Ballot
    key: Key
    cursor: str
    entries: list[Entry]

    @property
    def end(self) -> str:
        """The cursor once this is committed."""
        return self.entries[-1].id if self.entries else self.cursor


def lock_cursors(connection: Connection, readings: list[Reading]) -> None:
    """Make and lock the cursor rows, in one order everywhere."""
    rows = [
        {"article_id": a, "kind": k, "subject_id": s, "generation": 0, "number": 0}
        for a, k, s in sorted(reading.key for reading in readings)
    ]
    if rows:
        connection.execute(upsert(cursors).on_conflict_do_nothing(), rows)


def sift(connection: Connection, readings: list[Reading]) -> list[Reading]:
    """Put entries that SQL can't take (their comment is gone) aside as dead letters; answer the others."""
    wanted: dict[UUID, set[UUID]] = defaultdict(set)
    for reading in readings:
        if reading.ballot.kind != MOOD:
            wanted[reading.key[0]].add(reading.key[2])
    there = {
        (article_id, id)
        for article_id, ids in wanted.items()
        for id in connection.scalars(
            select(comments.c.id).where(comments.c.article_id == article_id, comments.c.id.in_(ids))
        )
    }
    good = [r for r in readings if r.ballot.kind == MOOD or (r.key[0], r.key[2]) in there]
    lost = [
        {
            "ballot": r.ballot.name, "entry_id": e.id, "reader_id": UUID(bytes=e.reader), "choice": e.new,
            "chosen_at": _time(e.time), "reason": "no such comment",
        }
        for r in readings if r not in good for e in r.entries
    ]  # fmt: skip
    if lost:
        connection.execute(insert(dead_letters), lost)
        DEAD.inc(len(lost))
        log.error("entries put aside: their comment is gone", entries=len(lost))
    return good


@dataclass(frozen=True, slots=True)
class Stored:
    """How stored choices moved the ballots' tallies, and which views differ from SQL.

    A view differs where an entry's old choice is not what SQL held: SQL went back behind it.
    """

    changed: dict[Key, dict[str, int]]
    off: set[Key]


def store_choices(connection: Connection, readings: list[Reading]) -> Stored:
    """Keep each reader's last choice."""
    changed: dict[Key, dict[str, int]] = {}
    off: set[Key] = set()
    kept, gone = [], []
    for reading in readings:
        last = {entry.reader: entry for entry in reading.entries}
        a, k, s = reading.key
        stored: dict[UUID, str] = {}
        stored.update(
            row
            for row in connection.execute(
                select(choices.c.reader_id, choices.c.choice)
                .where(on_ballot(choices, reading.key))
                .where(choices.c.reader_id.in_([UUID(bytes=reader) for reader in last]))
            )
        )
        first = {entry.reader: entry.old for entry in reversed(reading.entries)}
        if any(stored.get(UUID(bytes=reader), "") != old for reader, old in first.items()):
            off.add(reading.key)
        delta: dict[str, int] = defaultdict(int)
        for entry in last.values():
            reader_id = UUID(bytes=entry.reader)
            old = stored.get(reader_id, "")
            if old == entry.new:
                continue
            delta[old] -= 1
            delta[entry.new] += 1
            if entry.new:
                kept.append(
                    {"article_id": a, "kind": k, "subject_id": s, "reader_id": reader_id,
                     "choice": entry.new, "chosen_at": _time(entry.time), "network": entry.network}
                )  # fmt: skip
            else:
                gone.append({"a": a, "k": k, "s": s, "r": reader_id})
        moved = {choice: by for choice, by in delta.items() if choice and by}
        if moved:
            changed[reading.key] = moved
    if kept:
        new = upsert(choices)
        connection.execute(
            new.on_conflict_do_update(
                index_elements=["article_id", "kind", "subject_id", "reader_id"],
                set_={c: new.excluded[c] for c in ("choice", "chosen_at", "network")},
            ),
            kept,
        )
    if gone:
        connection.execute(
            delete(choices).where(
                choices.c.article_id == bindparam("a"),
                choices.c.kind == bindparam("k"),
                choices.c.subject_id == bindparam("s"),
                choices.c.reader_id == bindparam("r"),
            ),
            gone,
        )
    return Stored(changed, off)


def store_tallies(connection: Connection, changed: dict[Key, dict[str, int]]) -> None:
    """Move the stored tallies by what changed in the stored choices."""
    rows = [
        {"article_id": a, "kind": k, "subject_id": s, "choice": choice, "count": by}
        for (a, k, s), delta in changed.items()
        for choice, by in delta.items()
    ]
    if rows:
        new = upsert(tallies)
        connection.execute(
            new.on_conflict_do_update(
                index_elements=["article_id", "kind", "subject_id", "choice"],
                set_={"count": tallies.c.count + new.excluded.count},
            ),
            rows,
        )


def store_sort_keys(connection: Connection, keys: list[Key]) -> None:
    """Recompute what comments are sorted by, from the stored tallies; comments in the order of their ids."""
    up, down = (
        func.coalesce(func.sum(case((tallies.c.choice == choice, tallies.c.count), else_=0)), 0)
        for choice in ("up", "down")
    )
    for key in sorted(keys):
        ups, downs = connection.execute(select(up, down).where(on_ballot(tallies, key))).one()
        connection.execute(
            update(comments)
            .where(comments.c.article_id == key[0], comments.c.id == key[2])
            .values(up=ups, down=downs, score=ups - downs)
        )


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
