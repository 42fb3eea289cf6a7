"""What gunicorn is told."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from engagement.serving import gunicorn_options, share_metrics
from engagement.settings import Settings

SETTINGS = Settings(database_url="sqlite://", redis_url="redis://x", secret_key="s" * 32)


def config_of(settings: Settings, bind: str | None = None) -> Config:
    config = Config()
    for name, value in gunicorn_options(settings, bind=bind).items():
        config.set(name, value)
    return config


def test_gunicorn_takes_every_option() -> None:
    config = config_of(replace(SETTINGS, web_workers=3, web_threads=5))
    assert (config.workers, config.threads, config.worker_class_str) == (
        3,
        5,
        "engagement.gunicorn_worker.SlowClientWorker",
    )
    assert issubclass(config.worker_class, ThreadWorker)
    assert config.preload_app
    assert config.control_socket_disable
    assert config.accesslog is None


def test_it_binds_to_the_host_and_port_of_the_settings_or_to_the_inherited_socket() -> None:
    assert config_of(SETTINGS).address == [("127.0.0.1", 8000)]
    assert config_of(replace(SETTINGS, host="::1", port=80)).address == [("::1", 80)]
    assert config_of(SETTINGS, bind="fd://7").address == [7]


def test_no_proxy_is_believed_unless_a_setting_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert config_of(SETTINGS).forwarded_allow_ips == []
    named = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128"))
    believing = config_of(replace(SETTINGS, trusted_proxies=named))
    assert believing.forwarded_allow_ips == ["10.0.0.0/8", "::1/128"]


def test_the_gauges_of_a_worker_that_ended_leave_the_shared_metrics(tmp_path: Path) -> None:
    gauge = tmp_path / "gauge_livesum_123.db"
    gauge.touch()
    config_of(replace(SETTINGS, metrics_dir=str(tmp_path))).child_exit(None, SimpleNamespace(pid=123))
    assert not gauge.exists()


def test_the_shared_metrics_are_told_to_prometheus_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    share_metrics(SETTINGS)
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == ""
    share_metrics(replace(SETTINGS, metrics_dir=str(tmp_path / "metrics")))
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "metrics")
    assert (tmp_path / "metrics").is_dir()
