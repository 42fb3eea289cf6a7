"""A client's connection, for a worker whose threads have no time to lose to the kernel."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn

from engagement.framing import Framing, Stage

if TYPE_CHECKING:
    from engagement.gunicorn_worker import SlowClientWorker


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


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection with what has arrived on it. gunicorn's parser takes it for the socket."""

    parser: Any

    def __init__(self, worker: SlowClientWorker, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self.data_ready = True  # or a thread would wait for data
        self.received = bytearray()
        self.framing = Framing(worker.body_max)
        self.discarded = 0
        self.then: Callable[[Connection], None] | None = None
        """What is to be done when something arrives; None while a thread has it."""
        self.is_polled = False
        self._worker = worker
        self._deadline: float | None = None

    def init(self) -> None:
        """Make the parser. In a thread."""
        if self.parser is None:
            self.initialized = True
            self.parser = get_parser(self.cfg, self, self.client)

    def next_request(self) -> None:
        """Begin again, with what came behind the last request."""
        self.received[:0] = self.parser.unreader.take_buffered()
        self.framing = Framing(self._worker.body_max)
        self._deadline = None

    def recv(self, size: int) -> bytes:
        """What has arrived. In a thread: it waits only if the application wants a body over `body_max`."""
        if self.received:
            piece = bytes(self.received[:size])
            del self.received[:size]
            return piece
        if self.framing.fault:
            raise self.framing.fault
        if self.framing.stage is Stage.WHOLE:  # never, unless the parser and we count differently
            raise ConnectionResetError(errno.ECONNRESET, "the request has ended")
        now = time.monotonic()
        self._deadline = self._deadline or now + self._worker.request_timeout
        before = self.sock.gettimeout()
        self.sock.settimeout(max(self._deadline - now, 0.001))
        try:
            return self.sock.recv(size)  # type: ignore[no-any-return]
        finally:
            self.sock.settimeout(before)
