"""Processes are killed while readers react: what was accepted is counted once, and verify says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from sqlalchemy import func, select

from engagement.db.engine import Database
from engagement.db.tables import articles, choices
from tests.chaos.clients import Load
from tests.servers import Served
from tests.waiting import until

ARTICLES = [f"article-{n}" for n in range(5)]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "data", tmp_path / "log", RATELIMIT_ENABLED="false")
    yield served
    if served.process is not None and served.process.poll() is None:
        assert served.stop() == 0


def children(served: Served, what: str) -> list[psutil.Process]:
    """Processes of the service whose command line has the word `what`."""
    assert served.process is not None
    found = []
    for process in psutil.Process(served.process.pid).children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if what in line and process.is_running():
            found.append(process)
    return found


def kill(served: Served, what: str) -> None:
    """SIGKILL the process, and wait until another has taken its place."""
    until(lambda: children(served, what))
    victims = children(served, what)
    os.kill(victims[0].pid, signal.SIGKILL)
    until(lambda: any(p.pid not in {v.pid for v in victims[:1]} for p in children(served, what)))


def load(served: Served, *, readers: int, moves: int, clients: int, seed: int = 1) -> Load:
    secret = (served.data / "secret.key").read_text().strip()
    return Load(served.url, secret, readers, moves, clients, ARTICLES, seed)


def check(served: Served, load: Load) -> None:
    """Tallies in Redis, in SQL, and by `engagement verify`, against what was accepted."""

    def tallies() -> dict[str, dict[str, int]]:
        return {
            article: {
                mood["key"]: mood["count"]
                for mood in requests.get(
                    f"{served.url}/v1/demo/articles/{article}/reactions", timeout=10
                ).json()["moods"]
                if mood["count"]
            }
            for article in ARTICLES
        }

    expected = {article: load.expected(article) for article in ARTICLES}
    assert tallies() == expected
    until(lambda: stored(served) == {a: counts for a, counts in expected.items() if counts})
    verified = subprocess.run(
        [sys.executable, "-m", "engagement", "verify", "--json", "--data", str(served.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(verified.stdout)
    assert (verified.returncode, report["differences"]) == (0, []), verified.stdout + verified.stderr
    assert report["choices"] == sum(sum(counts.values()) for counts in expected.values())
    assert served.stop() == 0
    served.start()
    assert tallies() == expected


def stored(served: Served) -> dict[str, dict[str, int]]:
    """Article → mood → how many choices SQL holds."""
    database = Database(f"sqlite:///{served.data}/engagement.db")
    found: dict[str, dict[str, int]] = {}
    with database.read() as connection:
        rows = connection.execute(
            select(articles.c.external_id, choices.c.choice, func.count())
            .join(articles, articles.c.id == choices.c.article_id)
            .group_by(articles.c.external_id, choices.c.choice)
        )
        for article, choice, count in rows:
            found.setdefault(article, {})[choice] = count
    database.close()
    return found


@pytest.mark.timeout(400)
def test_twenty_thousand_moves_are_counted_once_while_the_worker_is_killed(served: Served) -> None:
    moves = load(served, readers=2_000, moves=20_000, clients=16)
    kills = []

    def kill_the_worker() -> None:
        for n in range(1, 8):
            until(lambda n=n: moves.done >= n * 2_400, within=120)  # type: ignore[misc]
            kill(served, "engagement worker")
            kills.append(n)

    moves.run(kill_the_worker)
    assert len(kills) >= 5
    assert moves.answers[200] == 20_000
    check(served, moves)


@pytest.mark.timeout(300)
def test_web_redis_and_worker_come_back_and_nothing_accepted_is_lost(served: Served) -> None:
    moves = load(served, readers=200, moves=2_400, clients=4, seed=2)

    def kill_each() -> None:
        order = ["engagement web", "redis-server", "engagement worker"] * 2
        for n, what in enumerate(order, 1):
            until(lambda n=n: moves.done >= n * 300, within=120)  # type: ignore[misc]
            kill(served, what)

    moves.run(kill_each)
    assert moves.answers[200] == 2_400
    check(served, moves)


@pytest.mark.timeout(120)
def test_stopping_brings_the_whole_ledger_into_sql(served: Served) -> None:
    moves = load(served, readers=300, moves=1_200, clients=4, seed=3)
    moves.run(lambda: None)
    assert served.stop(signal.SIGINT) == 0
    expected = {article: counts for article in ARTICLES if (counts := moves.expected(article))}
    assert stored(served) == expected
