"""`python -m tests.bench.verify`: how long `engagement verify` takes on PostgreSQL, and how much memory.

Fills a PostgreSQL of its own with choices on articles and comments, in the order in which readers would
make them (so a ballot's rows lie all over the table), and Redis with a view of each ballot and some entries
in every tenth ledger; then runs the command as a person would, and prints seconds and peak memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import psycopg

from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.migrate import upgrade
from engagement.hot import commands
from engagement.hot.answers import Cold, Snapshot
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot
from engagement.settings import Settings, load
from tests.servers import PostgresServer, RedisServer

COMMENTS = 3
"""Of each article."""
FILL = """
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT ('00000000-0000-7000-' || kind || '-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO sites VALUES ('bench', 'Bench', '[]', 'open', now());
INSERT INTO readers SELECT pg_temp.id('8aaa', n), 'bench', NULL, now() FROM generate_series(1, {readers}) n;
INSERT INTO articles SELECT pg_temp.id('8bbb', n), 'bench', 'a' || n, NULL, NULL, true, true, now()
    FROM generate_series(1, {articles}) n;
ALTER TABLE choices DROP CONSTRAINT pk_choices;
DROP INDEX ix_choices_reader_id;
CREATE TEMP TABLE ballots AS
    SELECT pg_temp.id('8bbb', n) AS a, 'mood' AS k, pg_temp.id('8bbb', n) AS s
    FROM generate_series(1, {articles}) n
    UNION ALL
    SELECT pg_temp.id('8bbb', n), 'vote', pg_temp.id('8ccc', n * {comments} + m)
    FROM generate_series(1, {articles}) n, generate_series(1, {comments}) m;
INSERT INTO choices SELECT a, k, s, pg_temp.id('8aaa', r),
        CASE k WHEN 'mood' THEN (ARRAY['happy', 'sad', 'angry', 'inspired'])[1 + r % 4]
               ELSE (ARRAY['up', 'up', 'down'])[1 + r % 3] END, now(), 'network'
    FROM generate_series(1, {readers}) r, ballots;
ALTER TABLE choices ADD CONSTRAINT pk_choices PRIMARY KEY (article_id, kind, subject_id, reader_id);
CREATE INDEX ix_choices_reader_id ON choices (reader_id);
INSERT INTO tallies SELECT article_id, kind, subject_id, choice, count(*) FROM choices GROUP BY 1, 2, 3, 4;
INSERT INTO cursors SELECT a, k, s, 1, 1 FROM ballots;
INSERT INTO comments SELECT a, s, a, 0, pg_temp.id('8aaa', 1), 'approved', repeat('b', 200), repeat('b', 240),
        1, 1, now(), NULL, 'network', up, down, up - down, 0, false, false
    FROM ballots JOIN (SELECT article_id, subject_id,
            coalesce(sum(count) FILTER (WHERE choice = 'up'), 0) AS up,
            coalesce(sum(count) FILTER (WHERE choice = 'down'), 0) AS down
        FROM tallies WHERE kind = 'vote' GROUP BY 1, 2) t ON article_id = a AND subject_id = s;
INSERT INTO article_counts SELECT article_id, count(*), count(*) FROM comments GROUP BY 1;
"""


def main() -> None:
    """Fill, verify, print."""
    parser = argparse.ArgumentParser(prog="tests.bench.verify", description=__doc__)
    parser.add_argument("--choices", type=int, default=10_000_000)
    parser.add_argument("--ballots", type=int, default=20_000, help="articles and comments together")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    articles, readers = options.ballots // (1 + COMMENTS), options.choices // options.ballots
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        postgres = PostgresServer(folder)
        stack.callback(postgres.stop)
        redis = RedisServer(folder, "everysec")
        stack.callback(redis.stop)
        settings = load(
            database_url=postgres.url, redis_url=redis.url, secret_key="a secret of benches, and long enough"
        )
        began = time.monotonic()
        fill(settings, articles, readers)
        print(f"filled in {time.monotonic() - began:.0f} s", flush=True)
        for _ in range(options.rounds):
            print(run(settings), flush=True)


def fill(settings: Settings, articles: int, readers: int) -> None:
    """Of each ballot `readers` choices; its view says the same, with what is in its ledger."""
    upgrade(settings.database_url)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute(FILL.format(articles=articles, readers=readers, comments=COMMENTS))
        connection.execute("VACUUM ANALYZE")
        rows = connection.execute("SELECT kind, subject_id, choice, count FROM tallies").fetchall()
    counts: dict[tuple[str, UUID], dict[str, int]] = {}
    for kind, subject, choice, count in rows:
        counts.setdefault((kind, subject), {})[choice] = count
    database = Database(settings.database_url)
    hot = Hot.from_settings(settings, StoredBallots(database))
    for n in range(1, articles + 1):
        views, entries = [], []
        cold = hot.execute(commands.tally(Ballot("bench", f"a{n}", MOOD)))
        assert isinstance(cold, Cold)
        for ballot, subject in ballots(n):
            snapshot = Snapshot(cold.run, 1, "1-1", counts[ballot.kind, subject], complete=True, open=True)
            views.append(commands.hydrate(ballot, snapshot, cold.policy, 5_000, 86_400))
            choice = "up" if ballot.kind == VOTE else "sad"
            if n % 10 == 0:
                entries += [commands.choose(ballot, UUID(int=r).bytes, choice, "network") for r in range(20)]
        assert set(hot.execute_many(views)) == {"DONE"}
        hot.execute_many(entries)
    database.close()


def ballots(n: int) -> Iterator[tuple[Ballot, UUID]]:
    """Of the n-th article, with their subjects in SQL."""
    yield Ballot("bench", f"a{n}", MOOD), UUID(f"00000000-0000-7000-8bbb-{n:012x}")
    for m in range(1, COMMENTS + 1):
        subject = UUID(f"00000000-0000-7000-8ccc-{n * COMMENTS + m:012x}")
        yield Ballot("bench", f"a{n}", VOTE, str(subject)), subject


def run(settings: Settings) -> str:
    """What the command said, how long it took, and its peak memory."""
    given = {
        f"ENGAGEMENT_{name.upper()}": getattr(settings, name)
        for name in ("database_url", "redis_url", "secret_key")
    }
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "engagement", "verify"],
        env={**os.environ, **given}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    took = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return f"{done.stdout}{done.stderr}exit code {done.returncode}, {took:.1f} s, peak {peak} MB"


if __name__ == "__main__":
    main()
