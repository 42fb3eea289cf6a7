"""What gunicorn is told, where its worker sees a request end, what becomes of a body that can't be read."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import request
from gunicorn.config import Config
from gunicorn.http.errors import InvalidChunkSize
from gunicorn.workers.gthread import ThreadWorker

from engagement import http, openapi
from engagement.framing import HEAD_MAX, LINE_MAX, READ_AHEAD, Framing, Stage
from engagement.metrics import share_metrics
from engagement.serving import gunicorn_options
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
    assert config.http_parser == "python"
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


def test_the_worker_knows_how_large_a_body_may_be() -> None:
    worker = SimpleNamespace(body_max=0)
    config_of(replace(SETTINGS, body_max_bytes=2048)).post_fork(None, worker)
    assert worker.body_max == 2048


def test_the_worker_takes_no_tls() -> None:
    config = config_of(SETTINGS)
    config.set("certfile", "cert.pem")
    with pytest.raises(RuntimeError, match=r"HTTP/1\.1 only"):
        config.worker_class.check_config(config, None)


POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: Chunked\r\n\r\n"


@pytest.mark.parametrize(
    "message",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        POST + b"CONTENT-length:\t5 \r\n\r\nhello",
        CHUNKED + b"0\r\n\r\n",
        CHUNKED + b"4\r\n\r\n\r\n\r\nA;b=c\r\n0123456789\r\n0\r\nSum: 1\r\n\r\n",
    ],
)
def test_a_request_is_whole_with_its_last_byte_and_not_before(message: bytes) -> None:
    framing, data = Framing(100), bytearray()
    for byte in message[:-1]:
        data.append(byte)
        assert framing.look(data) in (Stage.HEAD, Stage.BODY)
    data.append(message[-1])
    assert framing.look(data) is Stage.WHOLE
    assert Framing(100).look(data + b"GET / HTTP") is Stage.WHOLE


@pytest.mark.parametrize(
    "message",
    [
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\nA: " + b"x" * HEAD_MAX,
        POST + b"Content-Length: 101\r\n\r\n",
        POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        POST + b"Transfer-Encoding: gzip\r\n\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"1_0\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"2\r\nabc\r\n",
        CHUNKED + b"5;" + b"x" * LINE_MAX,
        CHUNKED + b"1\r\na\r\n" * 30,
        CHUNKED + b"fffff\r\n" + b"x" * (READ_AHEAD + 200),
        CHUNKED + b"0\r\n" + b"A: b\r\n" * LINE_MAX,
    ],
)
def test_what_is_broken_or_too_large_is_not_waited_for(message: bytes) -> None:
    assert Framing(100).look(bytearray(message)) is Stage.REFUSABLE


def test_only_http_1_1_is_told_to_go_on() -> None:
    expecting = b" HTTP/1.%d\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"
    for minor in (0, 1):
        framing = Framing(100)
        assert framing.look(bytearray(b"PUT /" + expecting % minor)) is Stage.BODY
        assert framing.continue_expected is bool(minor)


class Failing:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, size: int = -1) -> bytes:
        raise self._error


@pytest.mark.parametrize(
    ("body", "length", "status"),
    [
        (BytesIO(b"x" * 100), None, 200),
        (BytesIO(b"x" * 101), None, 413),
        (BytesIO(b"x" * 101), 101, 413),
        (BytesIO(b"x" * 99), 100, 400),
        (Failing(InvalidChunkSize(b"zz")), None, 400),
        (Failing(ConnectionResetError()), None, 400),
        (Failing(TimeoutError()), None, 408),
    ],
)
def test_a_body_is_whole_or_a_problem(body: BytesIO | Failing, length: int | None, status: int) -> None:
    app = http.Application("bodies")
    http.init_app(app, 100, lambda: False)
    openapi.init_app(app)
    app.add_url_rule("/", view_func=lambda: str(len(request.get_data())), methods=["POST"])
    environ: dict[str, object] = {"wsgi.input": body, "wsgi.input_terminated": True}
    if length is not None:
        environ["CONTENT_LENGTH"] = str(length)
    answer = app.test_client().post("/", environ_overrides=environ)
    assert answer.status_code == status
    if status != 200:
        assert answer.json is not None
        assert answer.json["status"] == status
