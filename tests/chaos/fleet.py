"""The service on configured stores, as an operator runs it: web groups and workers, restarted when killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import psutil
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.ports import HeldPort
from tests.waiting import until

SECRET_KEY = "a secret of the chaos tests, long enough"
ENGAGEMENT = (sys.executable, "-m", "engagement")
KEEP_UP = 0.05
"""Seconds between two looks at whether a process has ended."""


class Unit:
    """One process of the service with all that it forks."""

    def __init__(self, name: str, command: str, log: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.log = log
        self.killed = True
        """Did we end it? What ends by itself is a fault."""
        self._command = command
        self._environment = environment
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*ENGAGEMENT, self._command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self._environment,
            )  # fmt: skip
        self.killed = False

    def processes(self) -> list[psutil.Process]:
        """The process itself, then its children."""
        with contextlib.suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        return []

    def kill(self) -> None:
        """SIGKILL, of all of it."""
        self.killed = True
        _signal(self.processes(), signal.SIGKILL)

    def kill_child(self, random: Random) -> None:
        """SIGKILL, of one process that it has forked."""
        children = self.processes()[1:]
        if children:
            _signal([random.choice(children)], signal.SIGKILL)

    def hang(self) -> Callable[[], None]:
        """SIGSTOP, of all of it; what is answered lets it go on."""
        stopped = self.processes()
        _signal(stopped, signal.SIGSTOP)
        return lambda: _signal(reversed(stopped), signal.SIGCONT)

    def stop(self, within: float = 60.0) -> int:
        """SIGTERM, and the exit code."""
        self.killed = True
        self.process.terminate()
        return self.process.wait(within)


class Web(Unit):
    """`engagement web` on a port of its own."""

    def __init__(self, name: str, log: Path, environment: dict[str, str], port: HeldPort) -> None:
        self._port = port
        self.address = ("127.0.0.1", port.number)
        self.url = f"http://127.0.0.1:{port.number}"
        super().__init__(name, "web", log, {**environment, "ENGAGEMENT_PORT": str(port.number)})

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False

    def release(self) -> None:
        self._port.release()


class Fleet:
    """Web groups and workers on two stores; what ends is started again, as any init system does."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        redis_url: str,
        *,
        webs: int = 2,
        workers: int = 2,
        **settings: str,
    ) -> None:
        """The database has its schema and the site `demo`. `settings`: as in the environment, no prefix."""
        folder.mkdir(parents=True, exist_ok=True)
        self.metrics_dir = folder / "metrics"
        self.metrics_dir.mkdir()
        own = {
            "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": SECRET_KEY,
            "WEB_WORKERS": "2", "RATELIMIT_ENABLED": "false", "REDIS_TIMEOUT": "1", "DATABASE_TIMEOUT": "2",
            "METRICS_DIR": str(self.metrics_dir),
        } | settings  # fmt: skip
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ENGAGEMENT_")},
            **{f"ENGAGEMENT_{name}": value for name, value in own.items()},
        }
        self.deaths: list[str] = []
        """What ended and was not killed by us."""
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep_up, name="keeper")
        self.webs: list[Web] = []
        self.workers: list[Unit] = []
        try:
            for n in range(1, webs + 1):
                log = folder / f"web-{n}.log"
                self.webs.append(Web(f"web {n}", log, self.environment, HeldPort()))
            for n in range(1, workers + 1):
                log = folder / f"worker-{n}.log"
                self.workers.append(Unit(f"worker {n}", "worker", log, self.environment))
            self._keeper.start()
            self.wait_ready()
        except BaseException:
            self.end()
            raise

    @property
    def units(self) -> list[Unit]:
        return [*self.webs, *self.workers]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [web.address for web in self.webs]

    def wait_ready(self) -> None:
        """Until every web group reaches both stores."""
        until(lambda: all(web.is_ready() for web in self.webs), within=120)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """One of the command line's commands, to its end."""
        return subprocess.run(
            [*ENGAGEMENT, *command], env=self.environment, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip

    def metrics(self) -> dict[str, float]:
        """The sum of each metric over all processes that there were, as any web group tells them.

        Empty while none answers; one of what a store is asked for at that moment is missing while it is down.
        """
        for web in self.webs:
            with contextlib.suppress(requests.RequestException):
                answer = requests.get(f"{web.url}/metrics", timeout=5)
                if answer.status_code == 200:
                    return _sums(answer.text)
        return {}

    def metric(self, name: str) -> float:
        """One of them, that must be there."""
        until(lambda: name in self.metrics())
        return self.metrics()[name]

    def lag(self) -> float | None:
        """Seconds: the age of the oldest entry that SQL lacks; None if nobody can tell now."""
        return self.metrics().get("engagement_flush_lag_seconds")

    def is_flushed(self) -> bool:
        """Is the lag a second at most?"""
        lag = self.lag()
        return lag is not None and lag <= 1.0

    def said(self, words: str) -> bool:
        """Did any process say this?"""
        return any(words in unit.log.read_text(errors="replace") for unit in self.units)

    def complaints(self) -> list[str]:
        """What the processes said at level error, and tracebacks."""
        return [
            f"{unit.name}: {said}"
            for unit in self.units
            for line in unit.log.read_text(errors="replace").splitlines()
            if (said := _complaint(line))
        ]

    def stop(self) -> dict[str, int]:
        """SIGTERM, web first, as one stops a service: the exit codes."""
        self._over.set()
        self._keeper.join()
        codes = {unit.name: unit.stop() for unit in self.units}
        for web in self.webs:
            web.release()
        return codes

    def end(self) -> None:
        """Leave nothing running, however it stands."""
        self._over.set()
        if self._keeper.is_alive():
            self._keeper.join()
        for unit in self.units:
            unit.kill()
            unit.process.wait(20)
        for web in self.webs:
            web.release()

    def _keep_up(self) -> None:
        while not self._over.wait(KEEP_UP):
            for unit in self.units:
                code = unit.process.poll()
                if code is None:
                    continue
                if not unit.killed:
                    self.deaths.append(f"{unit.name} ended by itself at {time.strftime('%X')}, code {code}")
                unit.start()


def _sums(text: str) -> dict[str, float]:
    found: defaultdict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] += sample.value
    return dict(found)


def _signal(processes: Any, number: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _complaint(line: str) -> str | None:
    try:
        said = json.loads(line)
    except ValueError:
        return line if "Traceback" in line or "[ERROR]" in line or "[CRITICAL]" in line else None
    if isinstance(said, dict) and said.get("level") in ("error", "critical"):
        return line[:2_000]
    return None
