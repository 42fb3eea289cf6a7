"""A publisher's page with what is put into it, on another origin and without a policy of what may run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Newspaper:
    """Serves one page at a time: `show` sets it and gives its address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.page = ""

    def show(self, content: str, style: str | None = None) -> str:
        """A small story with `content` below it; `style`: the address of a style sheet."""
        link = f'<link rel="stylesheet" href="{style}">' if style else ""
        self.page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>News</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="icon" href="data:,">{link}<h1>A story</h1><p>Its text.</p>{content}</html>'
        )
        return self.url


@contextmanager
def newspaper() -> Iterator[Newspaper]:
    """A server for as long as the block lasts."""

    class Story(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(paper.page.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Story) as server:
        paper = Newspaper(f"http://127.0.0.1:{server.server_port}/")
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield paper
        finally:
            server.shutdown()
            thread.join()
