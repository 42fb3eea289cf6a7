"""`python -m tests.bench.ledger`: from the ledger to PostgreSQL, and what a hot article costs in Redis.

Everything real and durable: PostgreSQL with fsync, Redis with an append-only file, `engagement worker` as a
process of its own. Beside the rate at which the worker stores distinct readers stands the rate at which
PostgreSQL alone takes the same rows, in one INSERT after the other, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select

from engagement import clock
from engagement.db import bulk
from engagement.db.articles import article_ids, insert_articles
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.migrate import upgrade
from engagement.db.tables import BALLOT, choices, cursors, tallies
from engagement.hot import commands
from engagement.hot.connection import Hot, connect
from engagement.hot.keys import MOOD, SHARDS, Ballot, ballot_keys
from engagement.hot.protocol import Limits, choosing
from engagement.sites.publishing import add_site
from tests.servers import PostgresServer, RedisServer
from tests.waiting import until

MOODS = ["happy", "sad", "angry", "dont_care", "inspired", "afraid", "amused", "annoyed"]
NETWORK = "a" * 24
ARTICLES = 50
STEP = 500
"""Choices of one round trip."""
HELD = 10_000_000


class Bench:
    """Both stores, and `ARTICLES` articles."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        postgres = PostgresServer(folder / "postgres", durable=True)
        stack.callback(postgres.stop)
        (folder / "redis").mkdir()
        redis = RedisServer(folder / "redis", "everysec")
        stack.callback(redis.stop)
        self.redis_url, self.url = redis.url, postgres.url
        upgrade(self.url)
        self.database = Database(self.url, timeout=60)
        stack.callback(self.database.close)
        add_site(self.database, "bench", name="Bench")
        with self.database.write() as connection:
            insert_articles(connection, [("bench", f"a{n}") for n in range(ARTICLES)])
            self.ids = article_ids(connection, [("bench", f"a{n}") for n in range(ARTICLES)])
        self.ballots = [Ballot("bench", f"a{n}", MOOD) for n in range(ARTICLES)]
        self.stored = StoredBallots(self.database)
        self.hot = Hot(connect(self.redis_url, 60), self.stored, Limits(5_000, 86_400, HELD))

    def clean(self) -> None:
        """As if nobody had chosen yet."""
        self.hot.client.flushall()
        with self.database.write() as connection:
            for table in (choices, tallies, cursors):
                connection.execute(delete(table))
        with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE choices")

    def choose(self, ballot: Ballot, many: int) -> None:
        """So many distinct readers choose, in one round trip."""
        self.hot.execute_many(
            [
                commands.choose(ballot, uuid4().bytes, MOODS[n % len(MOODS)], NETWORK, limit=HELD)
                for n in range(many)
            ]
        )

    def warm(self, ballots: list[Ballot]) -> None:
        """A view of each."""
        for ballot in ballots:
            self.hot.play(choosing(ballot, clock.new_id().bytes, "happy", NETWORK, HELD))

    def rows(self) -> int:
        """As the stored tallies tell it: counting the rows themselves would take the worker's time."""
        with self.database.read() as connection:
            return int(connection.scalar(select(func.sum(tallies.c.count))) or 0)

    def lag(self) -> float:
        """Seconds."""
        due = self.hot.execute_many([commands.due(shard, 1) for shard in range(SHARDS)])
        return max((found.lag for found in due if found is not None), default=0) / 1000

    @contextmanager
    def worker(self, keep: float = 60.0) -> Iterator[None]:
        """One, as long as the block lasts."""
        environment = {
            "DATABASE_URL": self.url, "REDIS_URL": self.redis_url, "SECRET_KEY": "x" * 32,
            "LEDGER_KEEP": str(keep), "LEDGER_LIMIT": str(HELD),
        }  # fmt: skip
        with (self.folder / "worker.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "engagement", "worker"],
                env={**os.environ, **{f"ENGAGEMENT_{k}": v for k, v in environment.items()}},
                stderr=log,
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def flush_rate(bench: Bench, entries: int) -> float:
    """Rows a second of one worker, from its first to its last."""
    bench.clean()
    bench.warm(bench.ballots)
    for ballot in bench.ballots:
        for _ in range(entries // ARTICLES // STEP):
            bench.choose(ballot, STEP)
    total = ARTICLES + entries // ARTICLES // STEP * STEP * ARTICLES
    with bench.worker():
        until(lambda: bench.rows() > 0)
        before, began = bench.rows(), time.perf_counter()
        until(lambda: bench.rows() == total, within=300)
        return (total - before) / (time.perf_counter() - began)


def bare_rate(bench: Bench, entries: int) -> float:
    """Rows a second that PostgreSQL takes from one client, as one INSERT for each 10,000, committed."""
    bench.clean()
    columns = (*BALLOT, "reader_id", "choice", "chosen_at", "network")
    ids, now = list(bench.ids.values()), clock.now()
    rows: list[tuple[UUID, str, UUID, UUID, str, object, str]] = [
        (id, MOOD, id, uuid4(), MOODS[n % len(MOODS)], now, NETWORK)
        for id in ids
        for n in range(entries // ARTICLES)
    ]
    began = time.perf_counter()
    for start in range(0, len(rows), 10_000):
        with bench.database.write() as connection:
            bulk.put(connection, choices, columns, rows[start : start + 10_000])
    return len(rows) / (time.perf_counter() - began)


def lag_under_load(bench: Bench, rate: int, seconds: int) -> dict[str, float]:
    """The lag while so many events a second arrive, every tenth of a second."""
    bench.clean()
    bench.warm(bench.ballots)
    lags: list[float] = []
    each = rate // 100
    with bench.worker():
        until(lambda: bench.rows() > 0)
        began = time.perf_counter()
        for turn in range(seconds * 100):
            bench.choose(bench.ballots[turn % ARTICLES], each)
            if turn % 10 == 0:
                lags.append(bench.lag())
            left = began + (turn + 1) / 100 - time.perf_counter()
            if left > 0:
                time.sleep(left)
        took = time.perf_counter() - began
    lags.sort()
    return {
        "events/s": round(each * seconds * 100 / took),
        "median lag, s": round(statistics.median(lags), 3),
        "longest lag, s": round(lags[-1], 3),
    }


def memory_of_a_hot_article(bench: Bench, readers: int) -> dict[str, float]:
    """MB in Redis for one article on which so many readers have reacted, with the ledger and without."""
    bench.clean()
    before = used(bench)
    ballot = bench.ballots[0]
    bench.warm([ballot])
    for _ in range(readers // STEP):
        bench.choose(ballot, STEP)
    waiting = used(bench) - before
    with bench.worker(keep=0.0):
        until(lambda: bench.hot.client.xlen(ballot_keys(ballot)[2]) == 0, within=300)
    assert bench.rows() == readers // STEP * STEP + 1
    return {
        "nothing stored yet, MB": round(waiting / 1e6, 1),
        "stored and trimmed, MB": round((used(bench) - before) / 1e6, 1),
    }


def used(bench: Bench) -> int:
    """Bytes."""
    return int(bench.hot.client.info("memory")["used_memory"])


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="tests.bench.ledger", description=__doc__)
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--readers", type=int, default=1_000_000, help="of the hot article")
    parser.add_argument("--seconds", type=int, default=20, help="of the load")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        bench = Bench(folder, stack)
        ours, bare = [], []
        for _ in range(options.rounds):
            bare.append(bare_rate(bench, options.entries))
            ours.append(flush_rate(bench, options.entries))
        found = {
            "ledger to SQL, distinct readers, one worker": {
                "rows/s": round(statistics.median(ours)),
                "bare INSERT rows/s": round(statistics.median(bare)),
                "ratio": round(statistics.median(o / b for o, b in zip(ours, bare, strict=True)), 2),
            },
            "lag at 5,000 events/s": lag_under_load(bench, 5_000, options.seconds),
            f"memory of a hot article with {options.readers:,} readers": memory_of_a_hot_article(
                bench, options.readers
            ),
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
