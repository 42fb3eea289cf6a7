"""From the ledger to SQL: read, commit, settle. Any number of workers may do it at once.

Redis is read first, with no transaction open. The commit goes on only with ballots whose cursor is still
the one read, while the generation read is still the newest; so a reading that is late, or of a run of
Redis that is over, changes nothing. Tallies move by what changes in SQL's own rows, so that a stored
tally is the count of stored choices by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil
from random import shuffle
from uuid import UUID

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, select

from engagement import clock
from engagement.db.articles import Name, article_ids, insert_articles
from engagement.db.ballots import (
    Key,
    StoredBallots,
    lock_cursors,
    move_cursors,
    order,
    read_cursors,
    sql_key,
)
from engagement.db.engine import Database
from engagement.db.tables import redis_runs, shards, sites
from engagement.errors import RedisUnavailable, Unavailable
from engagement.hot import commands
from engagement.hot.answers import Due, Entry
from engagement.hot.connection import Hot
from engagement.hot.keys import SHARDS, VOTE, Ballot
from engagement.hot.protocol import healing
from engagement.worker import storing
from engagement.worker.storing import Reading

log = structlog.get_logger()
FLUSHED = Counter("engagement_flushed_entries_total", "Ledger entries stored in SQL")
FENCED = Counter("engagement_flush_fenced_total", "Flushes given up because Redis was restarted meanwhile")
RACED = Counter("engagement_flush_raced_total", "Ballots left to another worker that was faster")
OFF = Counter("engagement_views_off_total", "Views that differed from SQL and were built anew")
PUT_OFF = Counter("engagement_flush_put_off_total", "Ballots that can't be stored for now")

BALLOTS = 64
"""Of one shard in one round, and of one SQL transaction: most often far more than there are."""
MANY, TOGETHER = 2_000, 500
"""The same where a shard has more than that, for most have one entry then: a ban takes votes on thousands of
comments. What one transaction takes is bounded by its entries as well."""
PAUSE_MS = 30_000
"""How long a ballot that can't be stored is left alone."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction takes: readings, and the generation read for each of their shards.

    `more`: there was more than it takes.
    """

    generations: dict[int, int]
    readings: list[Reading]
    more: bool


@dataclass(slots=True)
class Flushed:
    """What came of one round; `pending`: is there more to do at once? `fault`: of shards that are away."""

    entries: int = 0
    pending: bool = False
    fault: RedisUnavailable | None = None


class Flusher:
    """Flushes due ballots. Each step can be called, late or never, by any number of processes."""

    def __init__(
        self,
        hot: Hot,
        database: Database,
        stored: StoredBallots,
        keep: float,
        voted: Callable[[set[Name]], None] = lambda names: None,
        threads: int = 1,
    ) -> None:
        """`keep`: seconds that a flushed entry stays in the ledger, for an SQL that goes back a little.

        `voted` is told the (site, article) whose comments' stored votes moved, after each commit, by any of
        the `threads`: they are to each other as workers are, and one reads while another waits for SQL.
        """
        self._hot = hot
        self._database = database
        self._stored = stored
        self._entries = database.batch
        self._keep_ms = int(keep * 1000)
        self._voted = voted
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "flush") if threads > 1 else None

    def flush(self, only: Sequence[int] = range(SHARDS)) -> Flushed:
        """One round over the given shards. Raises `Unavailable`; nothing is half done then.

        Shards of a Cluster's node that is away don't keep the others waiting.
        """
        found = self._hot.execute_each([commands.due(shard, BALLOTS) for shard in only])
        faults = [answer for answer in found if isinstance(answer, RedisUnavailable)]
        if len(faults) == len(only):
            raise faults[0]
        due = {shard: d for shard, d in zip(only, found, strict=True) if isinstance(d, Due)}
        full = [shard for shard, d in due.items() if len(d.floors) == BALLOTS]
        if full and (most := MANY // len(full)) > BALLOTS:
            again = self._hot.execute_each([commands.due(shard, most) for shard in full])
            due |= {shard: d for shard, d in zip(full, again, strict=True) if isinstance(d, Due)}
        result = Flushed(pending=bool(full), fault=faults[0] if faults else None)
        most = min(TOGETHER, self._entries // 4) if full else BALLOTS
        parts = _parts(due, self._threads, most)
        shuffle(parts)  # so that two workers seldom take the same at the same time
        for flushed in self._flush_parts(parts):
            result.entries += flushed.entries
            result.pending |= flushed.pending
        return result

    def _flush_parts(self, parts: list[dict[int, Due]]) -> list[Flushed]:
        """Each by whichever thread is free. After the first that fails none is begun, and none goes on."""
        if self._pool is None or len(parts) < 2:
            return [self._flush_part(part) for part in parts]
        running = [self._pool.submit(self._flush_part, part) for part in parts]
        wait(running, return_when=FIRST_EXCEPTION)
        for flush in running:
            flush.cancel()
        wait(running)
        return [flush.result() for flush in running if not flush.cancelled()]

    def _flush_part(self, part: dict[int, Due]) -> Flushed:
        batch = self.read(part)
        done = self._commit_what_can_be(batch)
        pending = self.settle(done)
        pending |= batch.more or len(done) < len(batch.readings)
        return Flushed(sum(len(reading.entries) for reading in done), pending)

    def read(self, due: dict[int, Due]) -> Batch:
        """Generations, cursors and ledgers, in this order: what is late in it is found out by the commit."""
        generations = self._stored.generations({shard: d.run for shard, d in due.items()})
        floors = {Ballot.parse(name): floor for d in due.values() for name, floor in d.floors.items()}
        keys = self._keys(list(floors))
        self._put_off([ballot for ballot in floors if ballot not in keys], "sql knows no such site")
        with self._database.read() as connection:
            at = read_cursors(connection, list(keys.values()))
        behind = [ballot for ballot, key in keys.items() if order(at[key]) < order(floors[ballot])]
        for ballot in behind:
            self._hot.play(healing(ballot))
            del keys[ballot]  # next round
        ledgers = self._ledgers({ballot: at[key] for ballot, key in keys.items()})
        readings = [
            Reading(b, due[b.shard].run, keys[b], at[keys[b]], ledger) for b, ledger in ledgers.items()
        ]
        more = bool(behind) or sum(map(len, ledgers.values())) >= self._entries // 2
        return Batch(generations, readings, more)

    def commit(self, batch: Batch) -> list[Reading]:
        """One transaction. Answers the readings that SQL now has, which are to be settled."""
        quiet = [reading for reading in batch.readings if not reading.entries]
        busy = [reading for reading in batch.readings if reading.entries]
        if not busy:
            return quiet
        off: set[Key] = set()
        lost: list[Reading] = []
        with self._database.write() as connection:
            busy = self._still_good(connection, batch.generations, busy)
            if busy:
                good, lost = storing.sift(connection, busy)
                stored = storing.store_choices(connection, good)
                off = stored.off
                storing.store_tallies(connection, stored.changed)
                storing.store_sort_keys(connection, [key for key in stored.changed if key[1] == VOTE])
                move_cursors(connection, {reading.key: reading.end for reading in busy})
        FLUSHED.inc(sum(len(reading.entries) for reading in busy))
        self._voted({(r.ballot.site, r.ballot.article) for r in busy if r.ballot.kind == VOTE})
        for reading in [reading for reading in busy if reading.key in off]:
            OFF.inc()
            log.error("a view differed from sql and is built anew", ballot=reading.ballot.name)
        off |= {reading.key for reading in lost}  # a view of what is gone would take votes for ever
        self._hot.execute_many([commands.forget_view(r.ballot) for r in busy if r.key in off])
        return quiet + busy

    def settle(self, done: list[Reading]) -> bool:
        """After the commit only: trim the ledgers, raise the floors; True if there is more to trim at once.

        What fails is done another time.
        """
        held = self._hot.limits.held
        gone = self._hot.execute_each(
            [commands.settle(r.ballot, r.run, r.cursor, r.end, self._keep_ms, held) for r in done]
        )
        return any(isinstance(entries, int) and entries >= commands.TRIMMED for entries in gone)

    def _commit_what_can_be(self, batch: Batch) -> list[Reading]:
        """The batch; if one ballot makes it fail, each ballot by itself, so that the others go on."""
        try:
            return self.commit(batch)
        except Unavailable:
            raise
        except Exception:
            log.exception("a batch can't be stored; its ballots are tried one by one")
        done = []
        for reading in batch.readings:
            try:
                done += self.commit(Batch(batch.generations, [reading], more=False))
            except Unavailable:
                raise
            except Exception:
                log.exception("a ballot can't be stored", ballot=reading.ballot.name)
                self._put_off([reading.ballot], "it can't be stored")
        return done

    def _put_off(self, ballots: list[Ballot], why: str) -> None:
        """Look at these again in a while: what can't be stored now must not keep the others waiting."""
        if not ballots:
            return
        PUT_OFF.inc(len(ballots))
        log.error("ballots are put off", ballots=[ballot.name for ballot in ballots], why=why)
        until = int(clock.now().timestamp() * 1000) + PAUSE_MS
        self._hot.execute_many([commands.postpone(b.shard, [b.name], until) for b in ballots])

    def _ledgers(self, at: dict[Ballot, str]) -> dict[Ballot, list[Entry]]:
        """What is after the cursors, about `_entries` in all: equal shares, then more for who has more."""
        share = max(2, self._entries // max(1, 2 * len(at)))
        found = self._hot.execute_each([commands.entries(b, cursor, share) for b, cursor in at.items()])
        ledgers = {b: ledger for b, ledger in zip(at, found, strict=True) if isinstance(ledger, list)}
        hungry = [ballot for ballot, ledger in ledgers.items() if len(ledger) == share]
        left = self._entries - sum(map(len, ledgers.values()))
        if hungry and left >= len(hungry):
            rest = [commands.entries(b, ledgers[b][-1].id, left // len(hungry)) for b in hungry]
            for ballot, ledger in zip(hungry, self._hot.execute_each(rest), strict=True):
                ledgers[ballot] += ledger if isinstance(ledger, list) else []
        return ledgers

    def _keys(self, ballots: list[Ballot]) -> dict[Ballot, Key]:
        names = {(ballot.site, ballot.article) for ballot in ballots}
        with self._database.read() as connection:
            ids = article_ids(connection, names)
            known = set(connection.scalars(select(sites.c.key).where(sites.c.key.in_({s for s, _ in names}))))
        lost = {name for name in names - ids.keys() if name[0] in known}
        if lost:
            ids |= self._bring_back(lost)
        return {b: sql_key(ids[b.site, b.article], b) for b in ballots if (b.site, b.article) in ids}

    def _bring_back(self, names: set[Name]) -> dict[Name, UUID]:
        """An article that SQL lost with a restored backup: its ledger proves that it was there."""
        with self._database.write() as connection:
            for site, article in names:
                log.error(
                    "sql went back; an article is made anew from its ledger", site=site, article=article
                )
            insert_articles(connection, names)
            return article_ids(connection, names)

    def _still_good(
        self, connection: Connection, generations: dict[int, int], readings: list[Reading]
    ) -> list[Reading]:
        """Lock the cursors; leave out what another worker has flushed or a new run of Redis has fenced.

        Of the run too, for an SQL that went back gives generations again.
        """
        runs = redis_runs.c
        newest = {
            (shard, run): generation
            for shard, generation, run in connection.execute(
                select(shards.c.shard, shards.c.generation, runs.run_id)
                .join(redis_runs, (runs.shard == shards.c.shard) & (runs.generation == shards.c.generation))
                .where(shards.c.shard.in_(list(generations)))
                .with_for_update(read=True, of=shards)
            )
        }
        fresh = [r for r in readings if newest.get((r.ballot.shard, r.run)) == generations[r.ballot.shard]]
        FENCED.inc(len(readings) - len(fresh))
        now = lock_cursors(connection, [reading.key for reading in fresh])
        good = [reading for reading in fresh if now.get(reading.key) == reading.cursor]
        RACED.inc(len(fresh) - len(good))
        return good


def _parts(due: dict[int, Due], threads: int, most: int) -> list[dict[int, Due]]:
    """The due ballots in parts of at most `most`, whole shards together, and one for each thread."""
    parts: list[dict[int, Due]] = []
    fits = min(most, ceil(sum(len(found.floors) for found in due.values()) / threads))
    size = fits
    for shard, found in due.items():
        floors = iter(found.floors.items())
        while some := dict(islice(floors, most)):
            if size + len(some) > fits:
                parts.append({})
                size = 0
            parts[-1][shard] = replace(found, floors=some)
            size += len(some)
    return parts
