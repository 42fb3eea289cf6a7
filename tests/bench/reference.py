"""Bare services under the same gunicorn settings as ours: one that answers, and one that stores a comment.

The second is the least that can: Flask reads the JSON, the driver inserts one row and commits.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import requests
from flask import Flask, Response, request

from engagement import clock
from tests.waiting import until

BODY = b"x" * int(os.environ.get("BARE_BYTES", "400"))


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer, whatever is asked."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]


TABLE = "bare_comments"
ROW = (
    "article_id", "id", "parent_id", "depth", "reader_id", "status", "shown", "body", "body_html", "renderer",
    "revision", "created_at", "network", "up", "down", "score", "reply_count", "pinned", "featured",
)  # fmt: skip


def storing() -> Flask:
    """Each thread has a connection of its own, and PostgreSQL has parsed the statement."""
    app, own, url = Flask(__name__), threading.local(), os.environ["BARE_DATABASE"]
    words = f"INSERT INTO {TABLE} ({', '.join(ROW)}) VALUES ({', '.join(['%s'] * len(ROW))})"

    @app.get("/")
    def answer() -> str:
        return "here"

    @app.post("/<uuid:article>/<uuid:reader>")
    def store(article: UUID, reader: UUID) -> Response:
        text = request.get_json()["body"]
        if not hasattr(own, "connection"):
            own.connection = psycopg.connect(url)
        row = (
            article, clock.new_id(), article, 0, reader, "approved", True, text, f"<p>{text}</p>", 1,
            1, clock.now(), "1:0123456789abcdef01234567", 0, 0, 0, 0, False, False,
        )  # fmt: skip
        own.connection.execute(words, row, prepare=True)
        own.connection.commit()
        return Response(BODY, 201, mimetype="application/json")

    return app


def make_table(url: str) -> None:
    """An empty one with the columns and indexes of `comments`."""
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (LIKE comments INCLUDING ALL)")


class Reference:
    """gunicorn with a bare service, as long as the block lasts."""

    def __init__(self, folder: Path, size: int, database_url: str | None = None) -> None:
        """`size`: bytes of the answer. With a database, it stores comments there."""
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
                "16",
                "--no-control-socket",
                "tests.bench.reference:" + ("storing()" if database_url else "application"),
            ],
            env={**os.environ, "BARE_BYTES": str(size), "BARE_DATABASE": database_url or ""},
            stderr=(folder / "reference.log").open("w"),
        )
        until(self._answers)

    @property
    def pid(self) -> int:
        return self._process.pid

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
