"""Real servers for tests: a private Redis, and the whole service as `engagement serve` starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import redis
import requests

from engagement.embedded.redis import RedisFolder, find_server
from tests.waiting import until


class RedisServer:
    """A real Redis in a folder of its own, that can be killed and come back with what it answered."""

    def __init__(self, folder: Path, durability: str = "always") -> None:
        self._folder = RedisFolder(folder)
        self._durability = durability
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return self._folder.url

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        argv = self._folder.prepare(find_server(), self._durability)
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        until(self._folder.answers)

    def kill(self) -> None:
        """SIGKILL; the socket stays, as it does in life."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        self._folder.remove_socket()

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None


class Served:
    """`engagement serve` on a data folder, in a process of its own."""

    def __init__(self, data: Path, log: Path, **environment: str) -> None:
        self.data = data
        self.log = log
        self._environment = {f"ENGAGEMENT_{name}": value for name, value in environment.items()}
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        self.start()

    def start(self) -> None:
        """Up when it has said where it is."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engagement", "serve", "--port", "0", "--data", str(self.data)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self._environment},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Engagement is at http"), self.log.read_text()
        self.url = line.split()[3].rstrip("/")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """The exit code."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.process.stdout.close()
        return code

    def mint(self, site: str = "demo") -> dict[str, str]:
        """The headers of a new reader."""
        answer = requests.post(f"{self.url}/v1/{site}/readers", json={}, timeout=10)
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['token']}"}
