"""The whole service, as `engagement serve` starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import requests


class Served:
    """`engagement serve` on a data folder, in a process of its own."""

    def __init__(self, data: Path, log: Path, *, release: Path | None = None, **environment: str) -> None:
        """`release`: a folder with the package of another release, to be served instead of this one."""
        self.data = data
        self.log = log
        self.release = release
        self._environment = {f"ENGAGEMENT_{name}": value for name, value in environment.items()}
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        self.start()

    def start(self) -> None:
        """Up when it has said where it is."""
        path = {} if self.release is None else {"PYTHONPATH": str(self.release)}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engagement", "serve", "--port", "0", "--data", str(self.data)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.release,
                env={**os.environ, **path, **self._environment},
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
