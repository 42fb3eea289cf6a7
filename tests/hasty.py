"""What the gunicorn of the tests of slow clients serves: it is up soon, as this module imports little."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from engagement.gunicorn_worker import SlowClientWorker


class Hasty(SlowClientWorker):
    """Waits a second where the real one waits ten or thirty."""

    request_timeout = 1.0
    answer_timeout = 1.0


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers with the length of the body, or what the path asks for."""
    length = 0
    while piece := environ["wsgi.input"].read(8192):
        length += len(piece)
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/large":
        return [b"x" * 30_000_000]
    if environ["PATH_INFO"] == "/slow":
        return slowly(1.5)
    return [str(length).encode()]


def slowly(seconds: float) -> Iterator[bytes]:
    yield b"begun "
    time.sleep(seconds)  # what is tested is an application that takes longer than the timeouts
    yield b"ended"
