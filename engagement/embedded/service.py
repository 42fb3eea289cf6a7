"""`engagement serve`: everything on one machine, in one terminal, out of one data folder.

What is configured (`ENGAGEMENT_DATABASE_URL`, `ENGAGEMENT_REDIS_URL`, `ENGAGEMENT_SECRET_KEY`, or a
file for each) is used; what isn't is found in the data folder.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from engagement import logs
from engagement.embedded.folder import (
    FolderLock,
    Paths,
    empty_metrics,
    ensure_secret_key,
    make_folder,
    paths_for,
)
from engagement.embedded.gate import VARIABLE as GATE
from engagement.embedded.gate import Gate
from engagement.embedded.listening import ReadyProbe, listen, public_address
from engagement.embedded.redis import RedisFolder, find_server
from engagement.embedded.supervisor import READY_TICK, Child, Supervisor, spawn
from engagement.errors import StartError
from engagement.settings import PREFIX, Settings, load

START_WITHIN = 30.0
"""Seconds until the service must be ready."""
REMAINS_WITHIN = 15.0
"""Seconds that the web processes of a killed `serve` may hold the port while they finish."""
WEB_GRACE = 15.0
"""More than gunicorn's own `graceful_timeout`."""
WORKER_GRACE = 30.0
"""To bring the ledger into SQL."""
REDIS_GRACE = 30.0
"""To sync its file."""
STOP_ORDER = ("web", "worker", "redis")
"""Web finishes its requests, then the worker brings the ledger into the database, then Redis may go."""
ENGAGEMENT = (sys.executable, "-m", "engagement")

log = structlog.get_logger(__name__)


def serve(
    data: Path, *, host: str | None = None, port: int | None = None, workers: int | None = None
) -> None:
    """Run the service until SIGINT or SIGTERM; what isn't given is a setting.

    Prints two lines to standard output when it is ready. Raises `StartError` or `SettingsError`.
    """
    # Whatever a child makes in the data folder is its owner's alone.
    os.umask(0o077)
    paths = paths_for(data)
    make_folder(paths)
    lock = FolderLock(paths)
    try:
        ensure_secret_key(paths)
        empty_metrics(paths)
        asked = {"host": host, "port": port, "web_workers": workers}
        settings = _settings(paths, **{name: value for name, value in asked.items() if value is not None})
        logs.configure(settings.log_level, settings.log_format)
        _serve(paths, settings, patience=REMAINS_WITHIN if lock.owner_was_killed else 0.0)
    finally:
        lock.release()


def settings_for_data(data: Path) -> Settings:
    """What another command needs to work on the data folder `data`: the URLs and the secret of its `serve`.

    Raises `StartError` if no `serve` ever ran there.
    """
    paths = paths_for(data)
    if not paths.secret_key.exists():
        raise StartError(f"there is no data of engagement in {paths.data}")
    return _settings(paths)


@contextlib.contextmanager
def stores(data: Path) -> Iterator[Settings]:
    """The settings of the data folder, with its stores up: the Redis of its `serve`, else one for the block.

    Raises `StartError` like `settings_for_data`, and if Redis can't be started.
    """
    settings = settings_for_data(data)
    paths = paths_for(data)
    redis = RedisFolder(paths.redis)
    if _is_configured("REDIS_URL") or redis.answers():
        yield settings
        return
    lock = FolderLock(paths)
    try:
        process = spawn(_redis_child(redis, settings))
        try:
            _wait_for(redis, process)
            yield _settings(paths)
        finally:
            process.terminate()
            process.wait()
            redis.remove_socket()
    finally:
        lock.release()


def _wait_for(redis: RedisFolder, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not redis.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartError(f"redis does not come up, see {redis.log}")
        time.sleep(READY_TICK)


def _serve(paths: Paths, settings: Settings, *, patience: float) -> None:
    redis = None if _is_configured("REDIS_URL") else RedisFolder(paths.redis)
    if redis is None:
        from engagement.vitals import require_kept_ledger  # here, as it takes its time

        require_kept_ledger(settings)
    with contextlib.ExitStack() as open_things:
        listener = open_things.enter_context(listen(settings.host, settings.port, patience=patience))
        gate = open_things.enter_context(Gate())
        if redis is not None:
            open_things.callback(redis.remove_socket)
        supervisor = open_things.enter_context(Supervisor(stop_order=STOP_ORDER))
        if redis is not None:
            supervisor.start(_redis_child(redis, settings))
        environment = _environment(paths, settings, redis, listener.getsockname()[1])
        # The largest part loads while Redis reads its file and the database is prepared.
        supervisor.start(_web_child(environment, listener, gate))
        if _prepare_database(supervisor, environment):
            gate.open()
            supervisor.start(_worker_child(environment))
            if supervisor.wait_ready(START_WITHIN):
                paths.address.write_text(public_address(listener))
                _announce(public_address(listener), paths)
                supervisor.run()
    log.info("stopped")


def _announce(address: str, paths: Paths) -> None:
    # Whoever started us may have closed our output; the service is up all the same.
    with contextlib.suppress(OSError):
        sys.stdout.write(f"Engagement is at {address} (data in {paths.data}; Ctrl-C stops it)\n")
        sys.stdout.write(f"Moderators: {address}moderate (engagement admin-link --data {paths.data})\n")
        sys.stdout.flush()


def _redis_child(redis: RedisFolder, settings: Settings) -> Child:
    return Child(
        name="redis",
        argv=redis.prepare(find_server(), settings.durability),
        ready=redis.answers,
        grace=REDIS_GRACE,
        told_in=str(redis.log),
    )


def _web_child(environment: Mapping[str, str], listener: socket.socket, gate: Gate) -> Child:
    return Child(
        name="web",
        argv=[*ENGAGEMENT, "web", "--fd", str(listener.fileno())],
        env={**environment, GATE: str(gate.fd)},
        pass_fds=[listener.fileno(), gate.fd],
        ready=ReadyProbe(listener),
        grace=WEB_GRACE,
    )


def _worker_child(environment: Mapping[str, str]) -> Child:
    return Child(
        name="worker", argv=[*ENGAGEMENT, "worker"], env=environment, drains=True, grace=WORKER_GRACE
    )


def _prepare_database(supervisor: Supervisor, environment: Mapping[str, str]) -> bool:
    """Whether the service may go on. A signal is heeded afterwards: no migration is cut short."""
    prepare = [sys.executable, "-m", "engagement.embedded.prepare"]
    code, said = supervisor.run_once(Child(name="prepare", argv=prepare, env=environment))
    if supervisor.asked_to_stop:
        return False
    if code != 0:
        raise StartError(f"the database can't be prepared: {said or 'see the lines above'}")
    return True


def _is_configured(name: str) -> bool:
    return PREFIX + name in os.environ or f"{PREFIX}{name}_FILE" in os.environ


def _settings(paths: Paths, **given: Any) -> Settings:
    if not _is_configured("DATABASE_URL"):
        given["database_url"] = database_url(paths.database)
    if not _is_configured("REDIS_URL"):
        given["redis_url"] = RedisFolder(paths.redis).url
    if not _is_configured("SECRET_KEY"):
        given["secret_key"] = paths.secret_key.read_text()
    return load(**given)


def database_url(path: Path) -> str:
    """The SQLAlchemy URL of the SQLite file `path`. Raises `StartError` for a path that it can't hold."""
    if "?" in str(path):
        raise StartError(
            f"the data folder {path.parent} has a '?' in its name, which SQLite's URL can't hold"
        )
    return f"sqlite:///{path}"


def _environment(paths: Paths, settings: Settings, redis: RedisFolder | None, port: int) -> dict[str, str]:
    """What web and worker are told; the secret only by the name of its file."""
    environment = {
        **os.environ,
        f"{PREFIX}HOST": settings.host,
        f"{PREFIX}PORT": str(port),
        f"{PREFIX}WEB_WORKERS": str(settings.web_workers),
        f"{PREFIX}METRICS_DIR": str(paths.metrics),
        # prometheus_client reads its own variable when it is first imported.
        "PROMETHEUS_MULTIPROC_DIR": str(paths.metrics),
    }
    if not _is_configured("DATABASE_URL"):
        environment[f"{PREFIX}DATABASE_URL"] = settings.database_url
    if redis is not None:
        environment[f"{PREFIX}REDIS_URL"] = redis.url
    if not _is_configured("SECRET_KEY"):
        environment[f"{PREFIX}SECRET_KEY_FILE"] = str(paths.secret_key)
    if sys.stderr.isatty():
        environment.setdefault(f"{PREFIX}LOG_FORMAT", "console")
    return environment
