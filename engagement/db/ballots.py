"""The stored side of ballots: snapshots, look-ups, healing, and the generations of Redis runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, select, update

from engagement import clock
from engagement.db import bulk
from engagement.db.articles import article_ids
from engagement.db.engine import Database
from engagement.db.tables import (
    BALLOT,
    articles,
    choices,
    comments,
    cursors,
    redis_runs,
    shards,
    tallies,
)
from engagement.errors import NotFound
from engagement.hot.answers import Known, Snapshot
from engagement.hot.keys import MOOD, Ballot

log = structlog.get_logger()
HEALS = Counter("engagement_heals_total", "Ballots healed after SQL went back behind what Redis had trimmed")
ZERO = "0-0"

Key = tuple[UUID, str, UUID]
"""A ballot in SQL: article, kind, subject."""


def sql_key(article_id: UUID, ballot: Ballot) -> Key:
    """The SQL key of a ballot on the article with this internal id."""
    return article_id, ballot.kind, article_id if ballot.kind == MOOD else UUID(ballot.subject)


def read_cursors(connection: Connection, keys: list[Key]) -> dict[Key, str]:
    """The cursor of each ballot; `0-0` where nothing was flushed yet."""
    found = dict.fromkeys(keys, ZERO)
    columns = (*BALLOT, "generation", "number")
    for a, k, s, generation, number in bulk.fetch(connection, cursors, BALLOT, keys, columns):
        found[a, k, s] = f"{generation}-{number}"
    return found


def move_cursors(connection: Connection, moved: dict[Key, str]) -> None:
    """Set cursors; the caller holds what it must hold."""
    rows = [(*key, *order(cursor)) for key, cursor in sorted(moved.items())]
    at = ("generation", "number")
    bulk.put(connection, cursors, (*BALLOT, *at), rows, replace=at)


def lock_cursors(connection: Connection, keys: list[Key], *, wait: bool = False) -> dict[Key, str]:
    """Make and lock the cursor rows, in one order everywhere, and answer what they say.

    Those that somebody else has are waited for, or left out.
    """
    keys = sorted(keys)
    bulk.put(connection, cursors, (*BALLOT, "generation", "number"), [(*key, 0, 0) for key in keys])
    locked = bulk.lock(connection, cursors, BALLOT, keys, skip_locked=not wait)
    return read_cursors(connection, [(a, k, s) for a, k, s in locked])


def order(id: str) -> tuple[int, int]:
    """A ledger id, `generation-number`, as what it sorts by."""
    generation, number = id.split("-")
    return int(generation), int(number)


class StoredBallots:
    """What plans need of SQL (`engagement.hot.protocol.Source`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def generation(self, shard: int, run: str) -> int:
        """Of this run of the server that serves the shard; a new run gets a higher one than all before."""
        return self.generations({shard: run})[shard]

    def generations(self, runs: Mapping[int, str]) -> dict[int, int]:
        """Of the runs of the servers that serve these shards, in few reads."""
        at = ("shard", "generation")
        with self._database.read() as connection:
            newest: dict[int, int] = dict(
                bulk.fetch(connection, shards, ("shard",), [(shard,) for shard in runs], at)
            )
            known: dict[int, int] = dict(
                bulk.fetch(connection, redis_runs, ("shard", "run_id"), list(runs.items()), at)
            )
        return {
            shard: known[shard] if known.get(shard) == newest[shard] else self._begin_generation(shard, run)
            for shard, run in runs.items()
        }

    def _begin_generation(self, shard: int, run: str) -> int:
        """For a new run, and for one that comes back after another: what was read in its first time is over.

        Takes the shard's row exclusively, so that flushes read from an older run don't commit after it.
        """
        known = select(redis_runs.c.generation).where(redis_runs.c.shard == shard, redis_runs.c.run_id == run)
        newest = select(shards.c.generation).where(shards.c.shard == shard)
        with self._database.write() as connection:
            last = connection.scalar(newest.with_for_update())
            generation = connection.scalar(known)
            if generation is None or generation != last:
                generation = int(last or 0) + 1
                connection.execute(
                    update(shards).where(shards.c.shard == shard).values(generation=generation)
                )
                bulk.put(
                    connection, redis_runs, ("shard", "run_id", "generation", "seen_at"),
                    [(shard, run, generation, clock.now())], replace=("generation", "seen_at"),
                )  # fmt: skip
        return int(generation)

    def snapshots(self, runs: Mapping[Ballot, str]) -> dict[Ballot, Snapshot | NotFound]:
        """Tally, cursor and policy of each ballot, all in one snapshot; an error for what SQL doesn't have.

        `runs`: of the servers that serve the ballots, noted before. Where two were noted of one shard, the
        snapshots are of either: both were noted before it.
        """
        of_shards = {ballot.shard: run for ballot, run in runs.items()}
        generations = self.generations(of_shards)
        found: dict[Ballot, Snapshot | NotFound] = {}
        with self._database.read() as connection:
            keys, is_open = _policies(connection, runs)
            at = read_cursors(connection, list(keys.values()))
            counts: dict[Key, dict[str, int]] = {key: {} for key in keys.values()}
            columns = (*BALLOT, "choice", "count")
            for a, k, s, choice, count in bulk.fetch(connection, tallies, BALLOT, list(counts), columns):
                if count:
                    counts[a, k, s][choice] = count
            chosen = set(bulk.present(connection, choices, BALLOT, list(counts)))
        for ballot in runs:
            if (key := keys.get(ballot)) is None:
                what = "article" if ballot not in is_open else "comment"
                found[ballot] = NotFound(f"There is no such {what}.")
                continue
            found[ballot] = Snapshot(
                run=of_shards[ballot.shard],
                generation=generations[ballot.shard],
                cursor=at[key],
                counts=counts[key],
                complete=key not in chosen,
                open=is_open[ballot],
            )
        return found

    def look_up(self, asked: Sequence[tuple[Ballot, bytes]]) -> list[Known]:
        """The stored choices of these readers on their ballots, with the cursors, in one snapshot.

        None, and the first cursor, for what SQL doesn't know.
        """
        by = (*BALLOT, "reader_id")
        with self._database.read() as connection:
            keys, at = _cursors(connection, {ballot for ballot, _ in asked})
            voters = [(*keys[ballot], UUID(bytes=reader)) for ballot, reader in asked if ballot in keys]
            rows = bulk.fetch(connection, choices, by, voters, (*by, "choice"))
        chosen = {row[:-1]: row[-1] for row in rows}
        none = Known("", ZERO)
        return [
            Known(chosen.get((*keys[ballot], UUID(bytes=reader)), ""), at[keys[ballot]])
            if ballot in keys
            else none
            for ballot, reader in asked
        ]

    def behind(self, floors: Mapping[Ballot, str]) -> list[Ballot]:
        """Those of the ballots whose cursor is before the floor: SQL went back behind what Redis has trimmed.

        Among them are those whose article is not there any more.
        """
        keys, at = self._read_cursors(floors)
        return [b for b, floor in floors.items() if b not in keys or order(at[keys[b]]) < order(floor)]

    def heal(self, floors: Mapping[Ballot, str]) -> None:
        """SQL went back behind what Redis has trimmed: what is between is lost; go on from the floors."""
        keys, at = self._read_cursors(floors)
        behind = {key: ballot for ballot, key in keys.items() if order(at[key]) < order(floors[ballot])}
        if not behind:
            return
        with self._database.write() as connection:
            now = lock_cursors(connection, list(behind), wait=True)
            healed = {
                key: floors[ballot]
                for key, ballot in behind.items()
                if order(now[key]) < order(floors[ballot])
            }
            move_cursors(connection, healed)
        HEALS.inc(len(healed))
        for key, floor in healed.items():
            log.error(
                "sql went back; entries are lost", ballot=behind[key].name, cursor=now[key], floor=floor
            )

    def _read_cursors(self, ballots: Collection[Ballot]) -> tuple[dict[Ballot, Key], dict[Key, str]]:
        with self._database.read() as connection:
            return _cursors(connection, ballots)


def _cursors(connection: Connection, ballots: Collection[Ballot]) -> tuple[dict[Ballot, Key], dict[Key, str]]:
    """The keys of those that SQL has an article for, and their cursors."""
    if not ballots:
        return {}, {}
    ids = article_ids(connection, {(ballot.site, ballot.article) for ballot in ballots})
    keys = {
        ballot: sql_key(id, ballot)
        for ballot in ballots
        if (id := ids.get((ballot.site, ballot.article))) is not None
    }
    return keys, read_cursors(connection, list(keys.values()))


def _policies(
    connection: Connection, ballots: Collection[Ballot]
) -> tuple[dict[Ballot, Key], dict[Ballot, bool]]:
    """The keys of those that SQL has; whether they take choices, of every one whose article it has."""
    names = sorted({(ballot.site, ballot.article) for ballot in ballots})
    by, columns = ("site", "external_id"), ("site", "external_id", "id", "reactions_open", "closed_by")
    found = {row[:2]: row[2:] for row in bulk.fetch(connection, articles, by, names, columns)}
    keys, is_open = {}, {}
    for ballot in ballots:
        if (article := found.get((ballot.site, ballot.article))) is not None:
            id, reactions_open, closed_by = article
            keys[ballot] = sql_key(id, ballot)
            is_open[ballot] = bool(reactions_open or ballot.kind != MOOD) and closed_by is None
    subjects = [(key[0], key[2]) for ballot, key in keys.items() if ballot.kind != MOOD]
    on = ("article_id", "id")
    rows = bulk.fetch(connection, comments, on, subjects, (*on, "shown", "status"))
    takes_votes = {(a, id): bool(shown) and status == "approved" for a, id, shown, status in rows}
    for ballot, key in list(keys.items()):
        if ballot.kind != MOOD:
            is_open[ballot] &= takes_votes.get((key[0], key[2]), False)
            if (key[0], key[2]) not in takes_votes:
                del keys[ballot]
    return keys, is_open
