"""A client's socket, for a worker whose threads have no time to lose to the kernel."""

from __future__ import annotations

import socket
from typing import Any


class ClientSocket(socket.socket):
    """A socket on which the kernel never waits: who has to wait polls, and nearly all need not.

    gthread turns waiting on and off for each request, and with a time-out Python polls before it sends. Each
    is a system call, and around each another thread may take the interpreter.
    """

    _seconds: float | None = 0.0

    @classmethod
    def of(cls, sock: socket.socket) -> ClientSocket:
        """In place of `sock`, which is closed."""
        found = cls(sock.family, sock.type, sock.proto, sock.detach())
        found._wait_no_more()
        return found

    def setblocking(self, flag: bool) -> None:
        """Say whether calls wait, from now on."""
        self._seconds = None if flag else 0.0

    def settimeout(self, value: float | None) -> None:
        """Say for how many seconds calls wait, from now on; None: as long as it takes."""
        self._seconds = value

    def gettimeout(self) -> float | None:
        """As it was set."""
        return self._seconds

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send what the kernel takes at once, and wait for the rest. Raises `TimeoutError`, `OSError`."""
        try:
            sent = self.send(data, flags)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            super().settimeout(self._seconds)
            try:
                super().sendall(memoryview(data)[sent:], flags)
            finally:
                self._wait_no_more()

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """As far as `data` has come. Raises `BlockingIOError`, `TimeoutError`, `OSError`."""
        if self._seconds == 0.0:
            return super().recv(bufsize, flags)
        super().settimeout(self._seconds)
        try:
            return super().recv(bufsize, flags)
        finally:
            self._wait_no_more()

    def _wait_no_more(self) -> None:
        super().setblocking(False)
