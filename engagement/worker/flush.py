"""From the ledger to SQL: read, commit, settle. Any number of workers may do it at once.

Redis is read first, with no transaction open. The commit goes on only with ballots whose cursor is still
the one read, while the generation read is still the newest; so a reading that is late, or of a run of
Redis that is over, changes nothing. Tallies move by what changes in SQL's own rows, so that a stored
tally is the count of stored choices by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert as upsert

from engagement import clock
from engagement.db.ballots import (
    Key,
    StoredBallots,
    article_ids,
    move_cursors,
    order,
    read_cursors,
    sql_key,
)
from engagement.db.engine import Database
from engagement.db.tables import articles, shards, sites
from engagement.hot import commands
from engagement.hot.answers import Due
from engagement.hot.connection import Hot
from engagement.hot.keys import SHARDS, VOTE, Ballot
from engagement.worker import storing
from engagement.worker.storing import Reading

log = structlog.get_logger()
FLUSHED = Counter("engagement_flushed_entries_total", "Ledger entries stored in SQL")
FENCED = Counter("engagement_flush_fenced_total", "Flushes given up because Redis was restarted meanwhile")
RACED = Counter("engagement_flush_raced_total", "Ballots left to another worker that was faster")

ENTRIES = 1_000
"""Of one SQL transaction at most (SQLite has one writer; others wait for it)."""
BALLOTS = 64
"""Of one SQL transaction at most."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction takes: readings, and the generation read for each of their shards."""

    generations: dict[int, int]
    readings: list[Reading]


@dataclass(slots=True)
class Flushed:
    """What came of one round."""

    entries: int = 0
    lag: float = 0.0
    """Seconds that the oldest entry found has been waiting."""
    pending: bool = False
    """Is there more to do at once?"""
    voted: set[tuple[str, str]] = field(default_factory=set)
    """(site, article) whose comments' votes moved."""


class Flusher:
    """Flushes due ballots. Each step can be called, late or never, by any number of processes."""

    def __init__(self, hot: Hot, database: Database, stored: StoredBallots, keep: float) -> None:
        """`keep`: seconds that a flushed entry stays in the ledger, for an SQL that goes back a little."""
        self._hot = hot
        self._database = database
        self._stored = stored
        self._keep_ms = int(keep * 1000)

    def flush(self, only: Sequence[int] = range(SHARDS)) -> Flushed:
        """One round over the given shards. Raises `Unavailable`; nothing is half done then."""
        found = self._hot.execute_many([commands.due(shard, BALLOTS) for shard in only])
        result = Flushed()
        due = {shard: d for shard, d in zip(only, found, strict=True) if d is not None}
        if not due:
            return result
        result.lag = max(d.lag for d in due.values()) / 1000
        for part in _parts(due):
            batch = self.read(part)
            done = self.commit(batch)
            self.settle(done)
            result.entries += sum(len(reading.entries) for reading in done)
            result.pending |= len(done) < len(batch.readings) or any(
                len(reading.entries) >= _share(batch) for reading in done
            )
            result.voted |= {
                (r.ballot.site, r.ballot.article) for r in done if r.entries and r.ballot.kind == VOTE
            }
        return result

    def read(self, due: dict[int, Due]) -> Batch:
        """Generations, cursors and ledgers, in this order: what is late in it is found out by the commit."""
        generations = {shard: self._stored.generation(shard, d.run) for shard, d in due.items()}
        floors = {Ballot.parse(name): floor for d in due.values() for name, floor in d.floors.items()}
        keys = self._keys(list(floors))
        with self._database.read() as connection:
            at = read_cursors(connection, list(keys.values()))
        for ballot in [b for b, key in keys.items() if order(at[key]) < order(floors[b])]:
            self._stored.heal(ballot, floors[ballot])
            del keys[ballot]  # next round
        share = max(16, ENTRIES // max(1, len(keys)))
        ledgers = self._hot.execute_many([commands.entries(b, at[key], share) for b, key in keys.items()])
        return Batch(
            generations,
            [
                Reading(b, key, at[key], ledger)
                for (b, key), ledger in zip(keys.items(), ledgers, strict=True)
            ],
        )

    def commit(self, batch: Batch) -> list[Reading]:
        """One transaction. Answers the readings that SQL now has, which are to be settled."""
        quiet = [reading for reading in batch.readings if not reading.entries]
        busy = [reading for reading in batch.readings if reading.entries]
        if not busy:
            return quiet
        with self._database.write() as connection:
            busy = self._still_good(connection, batch.generations, busy)
            if busy:
                changed = storing.store_choices(connection, storing.sift(connection, busy))
                storing.store_tallies(connection, changed)
                storing.store_sort_keys(connection, [key for key in changed if key[1] == VOTE])
                move_cursors(connection, {reading.key: reading.end for reading in busy})
        FLUSHED.inc(sum(len(reading.entries) for reading in busy))
        return quiet + busy

    def settle(self, done: list[Reading]) -> None:
        """After the commit only: trim the ledgers, raise the floors."""
        self._hot.execute_many([commands.settle(r.ballot, r.end, self._keep_ms) for r in done])

    def _keys(self, ballots: list[Ballot]) -> dict[Ballot, Key]:
        names = {(ballot.site, ballot.article) for ballot in ballots}
        with self._database.read() as connection:
            ids = article_ids(connection, names)
            known = set(connection.scalars(select(sites.c.key).where(sites.c.key.in_({s for s, _ in names}))))
        lost = {name for name in names - ids.keys() if name[0] in known}
        if lost:
            ids |= self._bring_back(lost)
        return {b: sql_key(ids[b.site, b.article], b) for b in ballots if (b.site, b.article) in ids}

    def _bring_back(self, names: set[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
        """An article that SQL lost with a restored backup: its ledger proves that it was there."""
        with self._database.write() as connection:
            for site, article in names:
                log.error(
                    "sql went back; an article is made anew from its ledger", site=site, article=article
                )
                connection.execute(
                    upsert(articles)
                    .values(
                        id=clock.new_id(),
                        site=site,
                        external_id=article,
                        comments_open=True,
                        reactions_open=True,
                        created_at=clock.now(),
                    )
                    .on_conflict_do_nothing()
                )
            return article_ids(connection, names)

    def _still_good(
        self, connection: Connection, generations: dict[int, int], readings: list[Reading]
    ) -> list[Reading]:
        """Lock the cursors; leave out what another worker has flushed or a new run of Redis has fenced."""
        newest = {
            shard: generation
            for shard, generation in connection.execute(
                select(shards.c.shard, shards.c.generation)
                .where(shards.c.shard.in_(list(generations)))
                .with_for_update(read=True)
            )
        }
        fresh = [r for r in readings if newest[r.ballot.shard] == generations[r.ballot.shard]]
        FENCED.inc(len(readings) - len(fresh))
        storing.lock_cursors(connection, fresh)
        now = read_cursors(connection, [reading.key for reading in fresh])
        good = [reading for reading in fresh if now[reading.key] == reading.cursor]
        RACED.inc(len(fresh) - len(good))
        return good


def _parts(due: dict[int, Due]) -> list[dict[int, Due]]:
    """The due ballots in parts of at most `BALLOTS`, whole shards together."""
    parts: list[dict[int, Due]] = []
    size = BALLOTS
    for shard, found in due.items():
        if size + len(found.floors) > BALLOTS:
            parts.append({})
            size = 0
        parts[-1][shard] = found
        size += len(found.floors)
    return parts


def _share(batch: Batch) -> int:
    return max(16, ENTRIES // max(1, len(batch.readings)))
