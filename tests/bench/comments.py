"""`python -m tests.bench.comments`: pages built cold from PostgreSQL, and posting, as an article grows.

For 1,000, 100,000 and 1,000,000 comments on one article and each order: the first page and a page deep
inside, built by the service's own code without any cache, in this process; with `--plans` the query plans
too. Then posts per second of the whole service (two web processes, one worker) on an empty article, on
another with idempotency keys, and on the largest, beside a bare answer under the same gunicorn settings and
beside the least that could store such a comment; and the CPU time of a post, by whose it is. `--sizes`
without a number: posts alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import psycopg

from engagement import clock
from engagement.app import create_app
from engagement.comments.listing import listed
from engagement.comments.paging import PAGE, Cursor
from engagement.comments.ranking import ORDERS
from engagement.comments.service import Comments
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.migrate import upgrade
from engagement.hot.connection import Hot
from engagement.hot.pages import Pages
from engagement.readers.tokens import Token, Tokens
from engagement.settings import Settings, load
from engagement.sites.publishing import add_site
from engagement.sites.service import Article, Sites
from engagement.worker.backfill import Backfill
from engagement.worker.networks import Networks
from engagement.worker.refreshing import Refreshing
from tests.bench.load import Call, measure
from tests.bench.million import fill
from tests.bench.reference import Reference, make_table
from tests.chaos.fleet import Fleet
from tests.servers import PostgresServer, RedisServer
from tests.waiting import until

SIZES = (1_000, 100_000, 1_000_000)
READERS, TURNS = 2_000, 40
ROUNDS = 3
TEXT = "the ferry was never late, and now it is late every day; nobody says why, and nobody asks. " * 2
KEYED = "empty-with-keys"
"""The article on which every post has an idempotency key, as the widget's have."""
SECRET = "a secret of benches, and long enough for it"


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="tests.bench.comments", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--rounds", type=int, default=40, help="of each page")
    parser.add_argument("--seconds", type=int, default=8, help="of each posting load")
    parser.add_argument("--plans", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        postgres = PostgresServer(folder / "postgres", durable=True)
        stack.callback(postgres.stop)
        (folder / "redis").mkdir()
        redis = RedisServer(folder / "redis", "everysec")
        stack.callback(redis.stop)
        settings = load(
            database_url=postgres.url, redis_url=redis.url, secret_key=SECRET, ratelimit_enabled=False,
            database_timeout=30.0,
        )  # fmt: skip
        upgrade(settings.database_url)
        app = create_app(settings)
        sites: Sites = app.extensions["engagement.sites"]
        comments: Comments = app.extensions["engagement.comments"]
        database = Database(settings.database_url)
        stack.callback(database.close)
        add_site(database, "bench", name="Bench", admission="open")
        settle(settings, database)
        gc.collect()
        gc.freeze()  # as web processes do
        for size in options.sizes:
            began = time.monotonic()
            fill(settings.database_url, "bench", f"a{size}", size)
            with postgres.administrator() as connection:
                connection.execute("CHECKPOINT")  # what is measured doesn't wait for what was filled
            print(f"{size:,} comments, filled in {time.monotonic() - began:.0f} s", flush=True)
            found = sites.find("bench", f"a{size}")
            assert found is not None
            for sort in ORDERS:
                print(
                    f"  {sort}: " + json.dumps(pages(database, comments, found, sort, options.rounds)),
                    flush=True,
                )
                if options.plans:
                    print(plan(settings.database_url, found.id, sort), flush=True)
        stores = postgres.pid, redis.pid
        for article in ("empty", KEYED, *(f"a{size}" for size in options.sizes[-1:])):
            figures = posting(settings, folder, article, options.seconds, stores)
            print(f"posts to {article}: " + json.dumps(figures), flush=True)


def settle(settings: Settings, database: Database) -> None:
    """What workers do to all comments once, or once a day, is done: not while posts are measured."""
    pages = Pages(Hot.from_settings(settings, StoredBallots(database)), settings.page_ttl)
    networks = Networks(database, settings.network_keep_days)
    for steps in (Refreshing(database, pages), Backfill(database), networks):
        while steps.step():
            pass


def pages(
    database: Database, comments: Comments, article: Article, sort: str, rounds: int
) -> dict[str, float]:
    """Milliseconds, medians: the first page, one deep inside; where a list is made for the walk, that too."""
    figures = {"first": _median(lambda: comments.first_page(article, sort, PAGE), rounds)}
    first = json.loads(comments.first_page(article, sort, PAGE))
    if first["next_cursor"] is None:
        return figures
    began = time.perf_counter()
    second = comments.page(article.site, article.external_id, sort, PAGE, first["next_cursor"])
    figures["second, with its list"] = round((time.perf_counter() - began) * 1_000, 1)
    cursor = Cursor.decode(json.loads(second)["next_cursor"], sort)
    deep = min(article.threads // 2, 10_000)
    if ORDERS[sort].moves:
        deeper = Cursor(sort, walk=cursor.walk, at=deep, shown=cursor.shown)
    else:
        deeper = Cursor(sort, after=_middle(database, article))
    figures["deep"] = _median(
        lambda: comments.page(article.site, article.external_id, sort, PAGE, deeper.encode()), rounds
    )
    if ORDERS[sort].moves and article.threads > 20_000:
        rest = Cursor(sort, after=_middle(database, article), walk=cursor.walk, at=20_000, shown=cursor.shown)
        figures["past the list"] = _median(
            lambda: comments.page(article.site, article.external_id, sort, PAGE, rest.encode()), rounds
        )
    return figures


def _middle(database: Database, article: Article) -> UUID:
    with database.read() as connection:
        order = ORDERS["newest"]
        statement = listed(article.id, article.id, order).offset(article.threads // 2).limit(1)
        found: UUID = connection.scalars(statement).one()
        return found


def _median(build: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        build()
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken) * 1_000, 2)


def plan(url: str, article_id: UUID, sort: str) -> str:
    """How PostgreSQL finds the first page's ids."""
    statement = listed(article_id, article_id, ORDERS[sort]).limit(PAGE + 1)
    database = Database(url)
    with database.read() as connection:
        words = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        rows = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {words}").fetchall()
    database.close()
    return "\n".join(f"    {row[0]}" for row in rows)


def posting(
    settings: Settings, folder: Path, article: str, seconds: int, stores: tuple[int, int]
) -> dict[str, Any]:
    """Comments accepted a second, from many readers in turn, beside bare services.

    `stores`: the processes of PostgreSQL and of Redis.
    """
    tokens = Tokens(settings.secret_key, settings.token_max_age)
    ids = [clock.new_id() for _ in range(READERS)]
    with (
        psycopg.connect(settings.database_url) as connection,
        connection.cursor().copy("COPY readers (id, site, name, created_at) FROM STDIN") as copy,
    ):
        for id in ids:
            copy.write_row((id, "bench", None, clock.now()))
    own = [
        (f"/v1/bench/articles/{article}/comments", {"Authorization": f"Bearer {sign(tokens, id)}"})
        for id in ids
    ]
    fleet = Fleet(
        folder / article, settings.database_url, settings.redis_url, webs=1, workers=1,
        SECRET_KEY=settings.secret_key,
    )  # fmt: skip
    try:
        busy = Busy(
            web=fleet.webs[0].process.pid, worker=fleet.workers[0].process.pid,
            postgres=stores[0], redis=stores[1],
        )  # fmt: skip
        calls = [said(n, own, keyed=article == KEYED) for n in range(ROUNDS)]
        rates = [measure(fleet.webs[0].url, call, folder, seconds) for call in calls]
        spent = busy.milliseconds(sum(rates) * seconds)
        until(fleet.is_flushed)
    finally:
        fleet.stop()
    with Reference(folder, 900) as reference:
        answered = measure(reference.url, said(0, own), folder, seconds)
    make_table(settings.database_url)
    with Reference(folder, 900, settings.database_url) as reference:
        bare: list[tuple[str, dict[str, str]]] = [(f"/{ids[0]}/{id}", {}) for id in ids]
        busy = Busy(web=reference.pid, postgres=stores[0])
        stored = [measure(reference.url, said(n, bare), folder, seconds) for n in range(ROUNDS)]
        least_spent = busy.milliseconds(sum(stored) * seconds)
    rate, least = statistics.median(rates), statistics.median(stored)
    return {
        "posts/s": round(rate), "bare stores/s": round(least), "ratio": round(rate / least, 3),
        "bare answers/s": round(answered), "CPU ms": spent, "bare CPU ms": least_spent,
    }  # fmt: skip


def sign(tokens: Tokens, reader: UUID) -> str:
    """The reader's token."""
    return tokens.sign(Token("bench", reader))


def said(round: int, own: list[tuple[str, dict[str, str]]], *, keyed: bool = False) -> Call:
    """Comments of each in turn, by path and headers; nobody says the same twice."""
    posts = []
    for turn in range(TURNS):
        text = json.dumps({"body": f"My thought {round}.{turn}: {TEXT}"})
        key = {"Idempotency-Key": f"{round}.{turn}-{clock.new_id()}"} if keyed else {}
        posts += [("POST", path, headers | key, text) for path, headers in own]
    return Call("post", posts)


class Busy:
    """The CPU time of processes, each with all that it forks, from now on."""

    def __init__(self, **parts: int) -> None:
        """Name → process id."""
        self._parts = {name: psutil.Process(pid) for name, pid in parts.items()}
        self._before = {name: _cpu(process) for name, process in self._parts.items()}

    def milliseconds(self, posts: float) -> dict[str, float]:
        """Of each part, for one post."""
        spent = {name: _cpu(process) - self._before[name] for name, process in self._parts.items()}
        return {name: round(seconds / posts * 1_000, 2) for name, seconds in spent.items()}


def _cpu(process: psutil.Process) -> float:
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
    own = process.cpu_times()
    return total + own.children_user + own.children_system


if __name__ == "__main__":
    main()
