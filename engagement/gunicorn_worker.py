"""gunicorn's threaded worker, made so that slow clients hold no threads.

gthread reads a request in a thread, for as long as the client likes. Here the main loop takes in what
arrives, and a thread gets the request when all of it is there, or so much that it can be refused.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from engagement.framing import Stage
from engagement.gunicorn_connection import ClientSocket, Connection

MODESTY, MOST_MODEST = 0.0001, 10
"""Seconds, for each connection that it has up to so many, for which a worker leaves a new one to others."""
NOTICE = 1.0
"""Seconds between two signs of life: gunicorn waits for thirty."""
LINGER, LINGER_BYTES = 2.0, 1_048_576
"""Seconds for which, and bytes with which, a client that was refused may go on before it is cut off."""

PROBLEM = b'{"type":"urn:engagement:problem:request-timeout","title":"Request Timeout","status":408}'
TIMED_OUT = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
    b"Cache-Control: no-store\r\nContent-Length: %d\r\n\r\n%s" % (len(PROBLEM), PROBLEM)
)


class SlowClientWorker(ThreadWorker):  # type: ignore[misc]
    """gthread under which a slow client costs a socket, and no thread.

    A connection is with a thread, or in one of `receiving`, `lingering` and gunicorn's `keepalived_conns`.
    The dicts are in the order of their connections' timeouts. It stays in the poller, unless something
    arrives while it is with a thread.
    """

    request_timeout = 10.0
    """Seconds for each of: the first byte on a new connection, the rest of the head, the body."""
    answer_timeout = 30.0
    """Seconds for a client to take one piece of an answer, beyond what the kernel holds for it."""
    sockets: list[Any]
    body_max = 65_536
    """Bytes of a body that the application takes; `gunicorn_options` sets it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.receiving: dict[Connection, None] = {}
        self.lingering: dict[Connection, None] = {}
        self._next_notice = 0.0

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Raises `RuntimeError` for protocols that the main loop can't follow."""
        super().check_config(cfg, log)
        if cfg.is_ssl or cfg.protocol != "http" or cfg.http2_cleartext != "off":
            raise RuntimeError("this worker speaks HTTP/1.1 only: end TLS, HTTP/2 and uWSGI at a proxy")

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, at the cost of the one that has waited longest if there are too many.

        All workers are woken for it, and who has fewer is to be first. Else one of them may get nearly all
        that a proxy keeps open, and nobody moves them later.
        """
        time.sleep(min(self.nr_conns, MOST_MODEST) * MODESTY)
        self._accept(listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._shed()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        self._await(Connection(self, ClientSocket.of(sock), client, listener.getsockname()))
        if self.nr_conns >= self.worker_connections:
            self._shed()

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Answer. In a thread."""
        if conn.framing.stage is Stage.REFUSABLE:
            req.force_close()  # where its body ends is not known, or far off
        elif conn.framing.continue_expected:
            req._expected_100_continue = False  # noqa: SLF001 - the body is here
        conn.sock.settimeout(self.answer_timeout)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            self.log.info("A client was too slow to be answered.")
            return False

    def enqueue_req(self, conn: Connection) -> None:
        """Let a thread answer."""
        self.tpool.submit(self._work, conn)

    def _work(self, conn: Connection) -> None:
        """Answer, and see to what comes next: most often the main loop need not know. In a thread."""
        is_kept = False
        try:
            is_kept = bool(self.handle(conn))
        finally:
            conn.sock.setblocking(False)
            if is_kept:
                conn.next_request()
            if is_kept and not conn.received:
                self._keep(conn)
            else:
                self.method_queue.defer(self._advance if is_kept else self._linger, conn)

    def notify(self) -> None:
        """Say that the worker is alive: after each event, gthread would say so a hundred times a second."""
        now = time.monotonic()
        if now >= self._next_notice:
            self._next_notice = now + NOTICE
            super().notify()

    def murder_pending(self) -> None:
        """Close what has had its time."""
        now = time.monotonic()
        for waiting in (self.receiving, self.lingering):
            while (conn := next(iter(waiting), None)) and conn.timeout <= now:
                if conn.received:
                    self._say(conn, TIMED_OUT)
                self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """What a worker that ends does first."""
        self._stop_listening()
        for conn in list(self.keepalived_conns):  # a copy: threads append to it
            conn.timeout = min(conn.timeout, deadline)
        for conn in self.receiving:
            if not conn.received:
                conn.timeout = min(conn.timeout, deadline)
        self.receiving = dict.fromkeys(sorted(self.receiving, key=lambda conn: conn.timeout))

    def _stop_listening(self) -> None:
        """Take who has connected, and refuse who comes, who then goes elsewhere.

        gthread keeps the sockets open to its end: who connects meanwhile sends, waits, and is cut off.
        """
        for listener in self.sockets:
            listener.setblocking(False)
            before = -1
            while self.nr_conns != before:
                before = self.nr_conns
                self._accept(listener)
            listener.close()
        self.sockets = []

    def _keep(self, conn: Connection) -> None:
        """Wait for the next request. In a thread: what the main loop does meanwhile is looked at last."""
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        conn.then = self._begin
        if not (conn.is_polled and self.alive):
            self.method_queue.defer(self._mind, conn)

    def _mind(self, conn: Connection) -> None:
        """Listen to a kept connection; for a short time only, once the worker ends."""
        if conn in self.keepalived_conns:
            if not self.alive:
                conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
            self._listen(conn, self._begin)

    def _begin(self, conn: Connection) -> None:
        """The next request on a kept connection begins."""
        try:
            self.keepalived_conns.remove(conn)
        except ValueError:  # it had to give way, when its thread was about to keep it
            return
        self._receive(conn)

    def _receive(self, conn: Connection) -> None:
        data = self._take(conn)
        if data == b"":
            self._drop(conn)
            return
        conn.received += data or b""
        self._advance(conn)

    def _advance(self, conn: Connection) -> None:
        """Give the request to a thread, or wait for the rest of it."""
        before = conn.framing.stage
        stage = conn.framing.look(conn.received)
        if stage in (Stage.WHOLE, Stage.REFUSABLE):
            self._forget(conn)
            self.enqueue_req(conn)
        elif stage is not before or conn not in self.receiving:
            if stage is Stage.BODY and conn.framing.continue_expected:
                self._say(conn, b"HTTP/1.1 100 Continue\r\n\r\n")
            self._await(conn)

    def _await(self, conn: Connection) -> None:
        """Wait for the next stage, in a time of its own."""
        self._forget(conn)
        self._wait(conn, self.receiving, self.request_timeout, self._receive)

    def _linger(self, conn: Connection) -> None:
        """Say that this was all, and let the client read it: a reset by what it still sends would lose it."""
        conn.received.clear()
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
        else:
            self._wait(conn, self.lingering, LINGER, self._discard)

    def _discard(self, conn: Connection) -> None:
        data = self._take(conn)
        conn.discarded += len(data or b"")
        if data == b"" or conn.discarded > LINGER_BYTES:
            self._drop(conn)

    def _take(self, conn: Connection) -> bytes | None:
        """What has arrived; None if nothing has, no bytes at the end."""
        try:
            return conn.sock.recv(65_536)  # type: ignore[no-any-return]
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _say(self, conn: Connection, text: bytes) -> None:
        try:
            conn.sock.send(text)
        except OSError:
            self.log.debug("A client doesn't listen.")

    def _wait(
        self,
        conn: Connection,
        among: dict[Connection, None],
        seconds: float,
        then: Callable[[Connection], None],
    ) -> None:
        conn.timeout = time.monotonic() + seconds
        among[conn] = None
        self._listen(conn, then)

    def _listen(self, conn: Connection, then: Callable[[Connection], None]) -> None:
        conn.then = then
        if not conn.is_polled:
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_arrival, conn))
            conn.is_polled = True

    def _on_arrival(self, conn: Connection, _: Any) -> None:
        then = conn.then
        if then is not None:
            then(conn)
            return
        self._unlisten(conn)  # or the poller would say it again and again, until the thread is done
        then = conn.then
        if then is not None:  # it was, just now
            self._listen(conn, then)

    def _unlisten(self, conn: Connection) -> None:
        if conn.is_polled:
            self.poller.unregister(conn.sock)
            conn.is_polled = False

    def _forget(self, conn: Connection) -> None:
        conn.then = None
        self.receiving.pop(conn, None)
        self.lingering.pop(conn, None)

    def _drop(self, conn: Connection) -> None:
        self._forget(conn)
        self._unlisten(conn)
        self.nr_conns -= 1
        conn.close()

    def _shed(self) -> None:
        """Close the connection that has waited longest: of the unfinished, else of the kept."""
        if conn := next(iter(self.receiving), None):
            self._drop(conn)
        elif self.keepalived_conns:
            self._drop(self.keepalived_conns.popleft())
