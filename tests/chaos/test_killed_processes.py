"""The one-machine default: processes are killed while readers write; what was accepted is counted once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from tests.chaos.load import Load
from tests.chaos.seen import unlike
from tests.chaos.stored import Stored, differences, read_stored
from tests.servers import Served
from tests.waiting import until

ARTICLES = [f"article-{n}" for n in range(5)]
VICTIMS = ("engagement web", "redis-server", "engagement worker")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "data", tmp_path / "log", RATELIMIT_ENABLED="false")
    yield served
    if served.process is not None and served.process.poll() is None:
        assert served.stop() == 0


def children(served: Served, what: str) -> list[psutil.Process]:
    """Processes of the service whose command line has the words `what`."""
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


@contextmanager
def loaded(served: Served, clients: int, **options: Any) -> Iterator[Load]:
    """Clients at work in the block; no answer may be wrong."""
    at = urlsplit(served.url)
    load = Load([(at.hostname or "", at.port or 0)], 1, ARTICLES, **options)
    load.does = load.does[:clients]
    with load.running():
        yield load
    assert not load.faults, load.faults[0]


def stored(served: Served) -> Stored:
    return read_stored(f"sqlite:///{served.data}/engagement.db")


def check(served: Served, load: Load) -> None:
    """Redis, SQL and `engagement verify`, against what was answered; before a restart and after it."""
    until(lambda: not list(differences(load, stored(served))) and not stored(served).waiting)
    at = [(urlsplit(served.url).hostname or "", urlsplit(served.url).port or 0)]
    assert list(unlike(load, stored(served), at)) == []
    verified = subprocess.run(
        [sys.executable, "-m", "engagement", "verify", "--json", "--data", str(served.data)],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(verified.stdout)
    assert (verified.returncode, report["differences"]) == (0, []), verified.stdout + verified.stderr
    assert report["choices"] == sum(map(len, stored(served).choices.values()))
    assert served.stop() == 0
    served.start()
    at = [(urlsplit(served.url).hostname or "", urlsplit(served.url).port or 0)]
    assert list(unlike(load, stored(served), at)) == []


@pytest.mark.timeout(600)
def test_what_was_accepted_is_counted_once_while_web_redis_and_worker_are_killed(served: Served) -> None:
    with loaded(served, 16) as load:
        for n, what in enumerate([*VICTIMS * 2, *VICTIMS[2:] * 3], 1):
            until(lambda n=n: load.acknowledged >= n * 150, within=60)  # type: ignore[misc]
            kill(served, what)
        until(lambda: load.acknowledged >= 1_500, within=60)
    check(served, load)


@pytest.mark.timeout(600)
def test_stopping_brings_the_whole_ledger_into_sql(served: Served) -> None:
    with loaded(served, 4, pause=0.0) as load:
        until(lambda: load.acknowledged >= 1_000, within=60)
    assert served.stop(signal.SIGINT) == 0
    assert list(differences(load, stored(served))) == []
    assert stored(served).waiting == 0
