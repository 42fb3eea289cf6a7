"""Web processes and workers on configured stores: what stops their start, and what they tell when up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from engagement.settings import Settings
from tests.servers.ports import HeldPort
from tests.waiting import until

ENGAGEMENT = (sys.executable, "-m", "engagement")


def environment(settings: Settings, **more: str) -> dict[str, str]:
    given = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        **more,
    }
    return {**os.environ, **{f"ENGAGEMENT_{name}": value for name, value in given.items()}}


@pytest.fixture
def evicting(redis_server: Any) -> Iterator[None]:
    """A Redis that may evict any key."""
    with redis_server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    yield
    with redis_server.client() as client:
        client.config_set("maxmemory-policy", "volatile-lru")


@pytest.mark.one_store("the setting of Redis is looked at before SQL is, or once SQL is found good")
@pytest.mark.usefixtures("evicting")
@pytest.mark.parametrize("words", [["web"], ["worker"], ["serve", "--port", "0", "--data", "data"]])
def test_a_redis_that_may_evict_the_ledger_stops_the_start(
    words: list[str], settings: Settings, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*ENGAGEMENT, *words], env=environment(settings), cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("engagement: ")]
    assert "maxmemory-policy is allkeys-lru" in line
    assert "set it to volatile-lru" in line


def test_a_worker_tells_its_metrics_at_a_port_of_its_own(
    client: FlaskClient, reader: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    client.put("/v1/demo/articles/story/reaction", json={"mood": "happy"}, headers=reader)
    port = HeldPort()
    port.release()
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen(
            [*ENGAGEMENT, "worker"],
            env=environment(settings, WORKER_METRICS_PORT=str(port.number)),
            stderr=log,
        )

    def metrics() -> str:
        try:
            return requests.get(f"http://127.0.0.1:{port.number}/metrics", timeout=5).text
        except requests.ConnectionError:
            return ""

    try:
        until(lambda: "engagement_flushed_entries_total 1.0" in metrics())
        assert "engagement_generation 1.0" in metrics()
        assert 'engagement_store_up{store="database"} 1.0' in metrics()
    finally:
        worker.terminate()
        assert worker.wait(30) == 0, (tmp_path / "log").read_text()
