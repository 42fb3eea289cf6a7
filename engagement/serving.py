"""The web processes: how gunicorn is told to serve the application.

`config/gunicorn.conf.py` gives the same options to those who start gunicorn themselves.
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from engagement import logs
from engagement.embedded.gate import wait_at_gate
from engagement.metrics import share_metrics
from engagement.settings import Settings, load

if TYPE_CHECKING:
    from flask import Flask

GRACEFUL_TIMEOUT = 10
"""Seconds that a stopping worker gives its requests."""
KEEPALIVE = 20
"""Seconds; a waiting connection costs no thread."""
HEARTBEATS = "/dev/shm"
"""Workers touch a file each second: in memory, because a busy disk would stall them."""


def gunicorn_options(settings: Settings, *, bind: str | None = None) -> dict[str, object]:
    """gunicorn's settings by their names; `bind` goes before `settings.host` and `port`."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    options: dict[str, object] = {
        "bind": bind or f"{host}:{settings.port}",
        "worker_class": "engagement.gunicorn_worker.SlowClientWorker",
        "workers": settings.web_workers,
        "threads": settings.web_threads,
        # Loaded once, before the workers are forked: they share its memory.
        "preload_app": True,
        "control_socket_disable": True,
        # Not whichever is installed: `framing` and the parser must agree on where a request ends.
        "http_parser": "python",
        "graceful_timeout": GRACEFUL_TIMEOUT,
        "keepalive": KEEPALIVE,
        # The longest that gunicorn takes: the batch call may name 100 articles in its query.
        "limit_request_line": 8190,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        "accesslog": None,
        "errorlog": "-",
        "logger_class": "engagement.gunicorn_logs.Logger",
        "loglevel": settings.log_level.lower(),
        # Never FORWARDED_ALLOW_IPS, which is gunicorn's default, nor the loopback address by itself.
        "forwarded_allow_ips": ",".join(map(str, settings.trusted_proxies)),
        "forwarder_headers": "",
        "worker_tmp_dir": HEARTBEATS if os.access(HEARTBEATS, os.W_OK) else None,
        "when_ready": _keep_shared,
        "post_fork": _tell_body_max(settings.body_max_bytes),
    }
    if settings.metrics_dir:
        options["child_exit"] = _mark_dead(settings.metrics_dir)
    return options


def serve_web(settings: Settings, *, fd: int | None = None) -> None:
    """Serve until SIGTERM, on the inherited listening socket `fd` if there is one. Ends in `SystemExit`."""
    share_metrics(settings)
    _Server(settings, bind=None if fd is None else f"fd://{fd}").run()


def application() -> Flask:
    """The application by the settings in the environment, for a WSGI server that was started by hand."""
    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    return _application(settings)


def _application(settings: Settings) -> Flask:
    from engagement.app import create_app

    return create_app(settings)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Our application and our options; no file and no command line of gunicorn's is read."""

    def __init__(self, settings: Settings, *, bind: str | None) -> None:
        self._settings = settings
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_options(self._settings, bind=self._bind).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        app = _application(self._settings)
        wait_at_gate()
        return app


def _keep_shared(server: Any) -> None:
    """Keep the collector off what was loaded before the fork: it would copy those pages into each worker."""
    gc.collect()
    gc.freeze()


def _tell_body_max(body_max_bytes: int) -> Any:
    def post_fork(server: Any, worker: Any) -> None:
        """Tell the worker up to what size a body is worth waiting for."""
        worker.body_max = body_max_bytes

    return post_fork


def _mark_dead(metrics_dir: str) -> Any:
    def child_exit(server: Any, worker: Any) -> None:
        """Take the gauges of a worker that has ended out of the sums."""
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid, metrics_dir)  # type: ignore[no-untyped-call]

    return child_exit
