"""How a Redis is named."""

from __future__ import annotations

import pytest

from engagement.errors import SettingsError
from engagement.hot.cluster import Cluster
from engagement.hot.connection import connect
from engagement.hot.server import Server
from engagement.settings import load

SERVERS = ["redis://h:6379/0", "rediss://u:p@h:6379/0", "unix:///run/redis.sock"]
CLUSTERS = [
    "redis+cluster://a:7000",
    "redis+cluster://a:7000,b.example:7001,10.0.0.1:7002",
    "redis+cluster://user:p%40ss@a:7000,b:7001",
    "redis+cluster://:password@a:7000/",
    "redis+cluster://[::1]:7000,[fe80::1]:7001",
    "rediss+cluster://a:7000,b:7001?ssl_ca_certs=/etc/ca.pem",
]
NEITHER = [
    "http://h",
    "redis+cluster://",
    "redis+cluster://a",
    "redis+cluster://a:7000,",
    "redis+cluster://a:7000,b",
    "redis+cluster://a:7000/1",
    "unix+cluster:///run/redis.sock",
]


def of_redis(monkeypatch: pytest.MonkeyPatch, url: str) -> str:
    monkeypatch.setenv("ENGAGEMENT_REDIS_URL", url)
    return load(database_url="sqlite://", secret_key="x" * 32).redis_url


@pytest.mark.parametrize("url", SERVERS)
def test_one_server(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert isinstance(connect(of_redis(monkeypatch, url), 1.0), Server)


@pytest.mark.parametrize("url", CLUSTERS)
def test_a_cluster_to_which_nothing_is_connected_yet(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert isinstance(connect(of_redis(monkeypatch, url), 1.0), Cluster)


@pytest.mark.parametrize("url", NEITHER)
def test_what_names_neither_is_refused_at_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(SettingsError, match="ENGAGEMENT_REDIS_URL: must be"):
        of_redis(monkeypatch, url)
