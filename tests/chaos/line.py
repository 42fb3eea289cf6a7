"""A client's connection: kept alive, to one of several addresses, and honest about what it doesn't know."""

from __future__ import annotations

import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from random import Random
from typing import Any

import orjson

from tests.chaos.history import UNKNOWN, UNSENT

Address = tuple[str, int]
PATIENCE = 60.0
"""Seconds that a client waits for an answer: longer than anything hangs, so that it knows what is over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is UNSENT or UNKNOWN where there is none."""

    status: int
    body: Any
    seconds: float
    degraded: str = ""
    """The store that could not be asked."""


class Line:
    """One connection at a time; another address is tried when one refuses to connect."""

    def __init__(self, addresses: Sequence[Address], random: Random) -> None:
        self._addresses = list(addresses)
        self._random = random
        self._connection: HTTPConnection | None = None

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request, sent once."""
        began = time.monotonic()
        try:
            connection = self._connected()
        except OSError:
            return Answer(UNSENT, None, time.monotonic() - began)
        sent = {"Host": "news.example", **(headers or {})}
        content = None
        if body is not None:
            content = orjson.dumps(body)
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            data = response.read()
        except (OSError, HTTPException):
            self.close()
            return Answer(UNKNOWN, None, time.monotonic() - began)
        seconds = time.monotonic() - began
        degraded = response.headers.get("Engagement-Degraded", "")
        return Answer(response.status, _read(data), seconds, degraded)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> HTTPConnection:
        """The one that is open, unless the server has closed it. Raises `OSError` if nobody listens."""
        if self._connection is not None:
            if self._connection.sock is not None and not _is_readable(self._connection.sock):
                return self._connection
            self.close()
        for n, (host, port) in enumerate(self._random.sample(self._addresses, len(self._addresses)), 1):
            connection = HTTPConnection(host, port, timeout=PATIENCE)
            try:
                connection.connect()
            except OSError:
                if n == len(self._addresses):
                    raise
            else:
                self._connection = connection
                return connection
        raise ConnectionError("there are no addresses")


def _is_readable(sock: Any) -> bool:
    """On a connection between two requests that is the server's end of it."""
    waiting = select.poll()
    waiting.register(sock, select.POLLIN)
    return bool(waiting.poll(0))


def _read(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except ValueError:
        return data.decode(errors="replace")
