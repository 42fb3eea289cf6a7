"""The TCP side of the one-machine default: the listening socket, its address, and whether it answers yet.

The supervisor owns the socket and the web process inherits it: while that one is restarted, readers wait
in the socket's queue instead of being refused.
"""

from __future__ import annotations

import errno
import os
import socket
import time

from engagement.errors import StartError

BACKLOG = 2048
RETRY = 0.05
"""Seconds."""


def listen(host: str, port: int, *, patience: float = 0.0) -> socket.socket:
    """A listening socket; port 0 is the kernel's choice.

    A taken port is tried again for `patience` seconds. Raises `StartError`.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise StartError(f"{host} is not an address to listen on: {error.strerror}") from error
    deadline = time.monotonic() + patience
    while True:
        try:
            return socket.create_server(address, family=family, backlog=BACKLOG)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                time.sleep(RETRY)
            else:
                raise _refused(host, port, error) from error


def _refused(host: str, port: int, error: OSError) -> StartError:
    if error.errno == errno.EADDRINUSE:
        return StartError(f"port {port} on {host} is taken: choose another with --port")
    return StartError(f"can't listen on {host} port {port}: {os.strerror(error.errno or 0)}")


def public_address(listener: socket.socket) -> str:
    """The URL to open in a browser on this machine."""
    host, port = _reachable(listener)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _reachable(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


class ReadyProbe:
    """Asks `GET /readyz` without blocking: call it until it is true.

    The request waits in the socket's queue until a web process takes it, so one is usually enough.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._address = _reachable(listener)
        self._connection: socket.socket | None = None
        self._answer = b""

    def __call__(self) -> bool:
        """Whether it has answered 200."""
        try:
            if self._connection is None:
                self._ask()
            else:
                part = self._connection.recv(256)
                self._answer += part
                if b"\n" in self._answer or not part:
                    self._hang_up()
                    return self._answer.split(b" ", 2)[1:2] == [b"200"]
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up()
        return False

    def _ask(self) -> None:
        self._answer = b""
        self._connection = socket.create_connection(self._address, timeout=1.0)
        lines = ["GET /readyz HTTP/1.1", f"Host: {self._address[0]}", "Connection: close", "", ""]
        self._connection.sendall("\r\n".join(lines).encode())
        self._connection.setblocking(False)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
