"""`python -m tests.bench.queue`: pages of moderation's queues at 1,000,000 comments, PostgreSQL and SQLite.

Comments of an article, and a case for each, of which 1 in 100 waits, 1 in 20 was refused and 1 in 500 is
reported; most were seen by a moderator. Each page is built by the service's own code, in this process, with
all that it tells of each comment: the first one of each queue, and one deep inside it. Then pages of the
console, as a browser gets them. Medians, in ms.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import insert, select

from engagement import clock
from engagement.app import create_app
from engagement.console.links import Links
from engagement.db.engine import Database
from engagement.db.migrate import upgrade
from engagement.db.tables import articles, cases, comments, readers
from engagement.moderation.queue.cases import priority
from engagement.moderation.queue.service import OLDEST, PRIORITY, QUEUES, After, Queue, Search
from engagement.settings import load
from engagement.sites.publishing import add_site
from engagement.staff.members import Member
from engagement.staff.service import Staff
from tests.bench.million import COLUMNS, TYPES, _rows
from tests.servers import PostgresServer, RedisServer

SECTIONS = ("news", "sports", "culture", "opinion")
CASE = tuple(column.name for column in cases.c)
STATUSES = (("approved", 0.92), ("rejected", 0.05), ("spam", 0.02), ("pending", 0.01))


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(prog="tests.bench.queue", description=__doc__)
    parser.add_argument("--comments", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40, help="of each page")
    parser.add_argument("--stores", nargs="*", default=["postgresql", "sqlite"])
    options = parser.parse_args()
    found: dict[str, Any] = {}
    for store in options.stores:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            url = f"sqlite:///{folder / 'engagement.db'}"
            if store == "postgresql":
                server = PostgresServer(folder / "postgresql")
                stack.callback(server.stop)
                url = server.url
            upgrade(url)
            database = Database(url, timeout=60.0, bounded=False)
            stack.callback(database.close)
            add_site(database, "demo", name="Demo", admission="open")
            began = time.monotonic()
            some = fill(database, url, options.comments)
            print(f"{store}: {options.comments} comments in {time.monotonic() - began:.0f} s", flush=True)
            found[store] = measure(database, some, options.rounds)
            (folder / "redis").mkdir()
            redis = RedisServer(folder / "redis")
            stack.callback(redis.stop)
            found[store] |= console(database, url, redis.url, some, options.rounds)
            for what, figures in found[store].items():
                print(f"  {what}: {json.dumps(figures)}", flush=True)
    worst = {
        store: max(f["median"] for n, f in rows.items() if "search" not in n and "console" not in n)
        for store, rows in found.items()
    }
    print(f"the slowest page, ms: {json.dumps(worst)}")


def fill(database: Database, url: str, many: int) -> dict[str, Any]:
    """Articles, readers, comments, cases; answers some ids to filter by."""
    random, now = Random(0), clock.now()
    article_ids = [clock.new_id() for _ in SECTIONS]
    people = [clock.new_id() for _ in range(10_000)]
    with database.write() as connection:
        connection.execute(
            insert(articles),
            [
                {
                    "id": id, "site": "demo", "external_id": f"a{n}", "section": SECTIONS[n],
                    "comments_open": True, "reactions_open": True, "created_at": now,
                }
                for n, id in enumerate(article_ids)
            ],
        )  # fmt: skip
        connection.execute(
            insert(readers),
            [
                {"id": id, "site": "demo", "name": f"Reader {n}", "created_at": now}
                for n, id in enumerate(people)
            ],
        )
    rules = [clock.new_id() for _ in range(20)]
    rows = _both(random, article_ids, people, rules, many, now)
    if database.engine.dialect.name == "postgresql":
        _copy(url, rows)
    else:
        _insert(database, rows)
    return {"article": "a0", "section": "news", "reader": people[0], "rule": rules[0]}


def _both(
    random: Random, article_ids: list[UUID], people: list[UUID], rules: list[UUID], many: int, now: Any
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Rows of comments, each with its case."""
    names, weights = [name for name, _ in STATUSES], [share for _, share in STATUSES]
    where = {name: n for n, name in enumerate(COLUMNS)}
    for n, article_id in enumerate(article_ids):
        for row in _rows(random, article_id, people, many // len(article_ids), now):
            values = list(row)
            # Ids of each article of their own.
            values[where["id"]] = UUID(int=values[where["id"]].int + (n << 70))
            (status,) = random.choices(names, weights)
            reason = None if status == "approved" else "phrase_suspect"
            values[where["status"]] = status
            values[where["shown"]] = status == "approved"
            reports = int(status in ("approved", "pending") and random.random() < 0.002)
            reach = values[where["up"]] + values[where["down"]]
            created = values[where["created_at"]]
            case = {
                "article_id": article_id, "comment_id": values[where["id"]], "site": "demo",
                "section": SECTIONS[n], "reader_id": values[where["reader_id"]], "status": status,
                "revision": 1, "seen": status != "pending" and random.random() < 0.6, "reports": reports,
                "weight": float(reports), "priority": priority(reports, None, reach), "reason": reason,
                "rule_id": random.choice(rules) if reason else None, "created_at": created,
                "queued_at": created + timedelta(microseconds=random.randrange(1000)),
            }  # fmt: skip
            yield tuple(values), tuple(case.get(name) for name in CASE)


def _copy(url: str, rows: Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]) -> None:
    types = [column.type.compile(_dialect(url)).split("(")[0].lower() for column in cases.c]
    kinds = {"timestamp with time zone": "timestamptz", "double precision": "float8"}
    into = (("comments", COLUMNS, TYPES), ("cases", CASE, [kinds.get(kind, kind) for kind in types]))
    kept: list[tuple[Any, ...]] = []
    with psycopg.connect(url) as connection:
        for table, columns, kind in into:
            with connection.cursor().copy(
                f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
            ) as copy:
                copy.set_types(kind)
                if table == "comments":
                    for comment, case in rows:
                        copy.write_row(comment)
                        kept.append(case)
                else:
                    for case in kept:
                        copy.write_row(case)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _dialect(url: str) -> Any:
    from sqlalchemy.dialects import postgresql

    return postgresql.dialect()  # type: ignore[no-untyped-call]


def _insert(database: Database, rows: Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]) -> None:
    """In order of their keys, as far as memory allows."""
    dialect = database.engine.dialect
    places = {"comments": (comments, COLUMNS), "cases": (cases, CASE)}
    words: dict[str, str] = {}
    writers: dict[str, list[Any]] = {}
    for name, (table, columns) in places.items():
        words[name] = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        types = (table.c[column].type.dialect_impl(dialect) for column in columns)
        writers[name] = [type.bind_processor(dialect) for type in types]

    def written(name: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(write(v) if write else v for write, v in zip(writers[name], row, strict=True))

    assert database.engine.url.database is not None
    with sqlite3.connect(database.engine.url.database) as connection:
        for comment, case in rows:
            connection.execute(words["comments"], written("comments", comment))
            connection.execute(words["cases"], written("cases", case))
    connection.close()


def measure(database: Database, some: dict[str, Any], rounds: int) -> dict[str, dict[str, Any]]:
    """Page → its median and longest time in ms, and how many comments it told."""
    queue, member = Queue(database), Member(clock.new_id(), "demo", "moderator", "A moderator")
    asked: dict[str, Search] = {
        f"{name}, {sort}": Search(name, sort) for name in QUEUES for sort in (OLDEST, PRIORITY)
    }
    asked = {
        what: search
        for what, search in asked.items()
        if search.sort == OLDEST or search.queue in ("pending", "reported", "unmoderated")
    }
    asked |= {f"approved, one {name}": Search("approved", **{name: value}) for name, value in some.items()}
    asked |= {f"pending, one {name}": Search("pending", **{name: value}) for name, value in some.items()}
    asked |= {"unmoderated, one section": Search("unmoderated", section=some["section"])}
    asked |= {"approved, an author's name": Search("approved", author="reader 77")}
    found = {}
    for what, search in asked.items():
        found[what] = _time(partial(queue.page, "demo", search, member), rounds)
        deep = _deep(database, search)
        if deep is not None and what.split(", ")[1] in (OLDEST, PRIORITY):
            later = Search(search.queue, search.sort, cursor=deep)
            found[f"{what}, deep"] = _time(partial(queue.page, "demo", later, member), rounds)
    found["counts of all queues"] = _time(partial(queue.counts, "demo"), rounds)
    for word in ("ferries", "nothing-of-the-kind"):
        search = Search("approved", q=word)
        found[f"approved, search for {word}"] = _time(partial(queue.page, "demo", search, member), 5)
    return found


def console(
    database: Database, url: str, redis_url: str, some: dict[str, Any], rounds: int
) -> dict[str, dict[str, Any]]:
    """Page of the console → as `measure`; `items`: its bytes."""
    settings = load(
        database_url=url, redis_url=redis_url, secret_key="a secret of benches, and long enough for it",
        database_timeout=60.0,
    )  # fmt: skip
    desk = create_app(settings).test_client()
    link = Links(database).make(Staff(database).named("demo", "admin", "An admin").id)
    assert desk.post("/moderate/link", data={"token": link}).status_code == 303
    asked = [f"queue?queue={name}" for name in QUEUES]
    asked += [
        f"queue?queue=pending&article={some['article']}", f"readers/{some['reader']}", "readers?q=77",
        "counts", "figures?span=month", "log", "appeals", "rules",
    ]  # fmt: skip

    def page(path: str) -> str:
        answer = desk.get(f"/moderate/demo/{path}")
        assert answer.status_code == 200, answer.text
        return answer.text

    return {f"console, {path}": _time(partial(page, path), max(rounds // 4, 3)) for path in asked}


def _deep(database: Database, search: Search) -> str | None:
    """A cursor in the middle of a queue: of a case of about the middle key."""
    c = cases.c
    if search.sort == PRIORITY:
        return After(PRIORITY, -0.3, UUID(int=0)).encode()
    with database.read() as connection:
        middle = connection.scalar(select(c.queued_at).order_by(c.site, c.created_at).offset(1).limit(1))
    return None if middle is None else After(OLDEST, middle + timedelta(days=3), UUID(int=0)).encode()


def _time(build: Callable[[], Any], rounds: int) -> dict[str, Any]:
    told: Any = build()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        build()
        times.append((time.perf_counter() - began) * 1_000)
    items = len(told["items"]) if isinstance(told, dict) and "items" in told else len(told)
    return {"median": round(statistics.median(times), 1), "longest": round(max(times), 1), "items": items}


if __name__ == "__main__":
    main()
