"""The bare answer: a WSGI function under the same gunicorn settings as the service."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests

from tests.waiting import until

BODY = b"x" * int(os.environ.get("BARE_BYTES", "400"))


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer, whatever is asked."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]


class Reference:
    """gunicorn with the bare answer, as long as the block lasts."""

    def __init__(self, folder: Path, size: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        words = ["gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "2"]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                *words,
                "--threads",
                "8",
                "--no-control-socket",
                "tests.bench.reference:application",
            ],
            env={**os.environ, "BARE_BYTES": str(size)},
            stderr=(folder / "reference.log").open("w"),
        )
        until(self._answers)

    def _answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=5).ok
        except requests.RequestException:
            return False

    def __enter__(self) -> Reference:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(20)
