"""A real web server of a test's own, over http or TLS, that answers as the test says."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

NAME = "scorer.example"
"""Whom the certificate is of."""


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Told:
    """What is answered. `raw`: everything, in pieces, in place of the rest."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: Callable[[Callable[[bytes], None]], None] | None = None


class WebServer:
    """Up from the beginning until `stop`. What it answers may be changed at any time."""

    def __init__(self, answer: Callable[[Asked], Told], *, tls: bool = False) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.server_names: list[str | None] = []
        self.authority = trustme.CA()
        self.stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.authority.issue_cert(NAME).configure_cert(context)
            context.sni_callback = lambda _s, name, _c: self.server_names.append(name)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.url = f"http{'s' if tls else ''}://{NAME if tls else '127.0.0.1'}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def trusting(self) -> ssl.SSLContext:
        """For a client that trusts this server."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def stop(self) -> None:
        """Nobody is answered any more."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(length))
                server.asked.append(asked)
                told = server.answer(asked)
                if told.raw is not None:
                    self.close_connection = True
                    told.raw(self._send)
                    return
                self.send_response(told.status)
                for name, value in {"Content-Length": str(len(told.body)), **told.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told.body)

            do_POST = do_GET  # noqa: N815 - as the library names it

            def _send(self, piece: bytes) -> None:
                self.wfile.write(piece)
                self.wfile.flush()

            def log_message(self, *_: Any) -> None:
                """The tests ask what came in."""

        return Handler
