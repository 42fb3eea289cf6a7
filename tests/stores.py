"""The SQL stores that a test can run on: databases made from a template, taken back, taken away."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import Pool

from tests.servers.databases import Databases, bring_rows_back, keep_rows
from tests.servers.ports import HeldPort

Fill = Callable[[str], None]
"""Makes the template out of the empty database at a URL."""


class SqlStore(Protocol):
    """One template, and what can happen to a database that was made from it."""

    def fresh(self, folder: Path) -> str:
        """The URL of a database as the template is; a file would be in `folder`."""

    def discard(self, url: str) -> None:
        """Remove a database that `fresh` made and nobody uses any more; pytest would keep it for a while."""

    def empty(self, folder: Path) -> str:
        """The URL of a database without a schema."""

    def nowhere(self, folder: Path) -> str:
        """The URL of a database that is not there."""

    def back_up(self, url: str) -> None:
        """Keep what is in the database now."""

    def restore(self, url: str) -> None:
        """Go back to what `back_up` kept, under whoever is connected."""

    def take_away(self, url: str) -> None:
        """An outage, until the next `fresh`."""

    def close(self) -> None:
        """At the end of all tests."""


class SqliteStore:
    """Files; `folder` is for the template."""

    def __init__(self, folder: Path, fill: Fill) -> None:
        self._numbers = itertools.count()
        self._template = folder / "engagement.db"
        fill(f"sqlite:///{self._template}")
        sqlite3.connect(self._template).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()

    def fresh(self, folder: Path) -> str:
        file = folder / f"engagement-{next(self._numbers)}.db"
        return f"sqlite:///{shutil.copy(self._template, file)}"

    def discard(self, url: str) -> None:
        file = _file(url)
        for each in file.parent.glob(f"{file.name}*"):
            each.unlink()

    def empty(self, folder: Path) -> str:
        return f"sqlite:///{folder}/empty-{next(self._numbers)}.db"

    def nowhere(self, folder: Path) -> str:
        return f"sqlite:///{folder}/no/folder/engagement.db"

    def back_up(self, url: str) -> None:
        self._copy(_file(url), _kept(url))

    def restore(self, url: str) -> None:
        self._copy(_kept(url), _file(url))

    def take_away(self, url: str) -> None:
        file = _file(url)
        for each in file.parent.glob(f"{file.name}*"):
            each.write_bytes(b"this is no database")

    def close(self) -> None:
        """The files are pytest's to remove."""

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        reading, writing = sqlite3.connect(source), sqlite3.connect(target, timeout=10)
        try:
            reading.backup(writing)
        finally:
            reading.close()
            writing.close()


class PostgresStore:
    """One database on the server, whose rows become the template's again."""

    def __init__(self, server: Databases, fill: Fill) -> None:
        self._server = server
        self._url = server.create_database()
        self._empty: list[str] = []
        self._away = False
        self._deaf = HeldPort()
        fill(self._url)
        keep_rows(self._url)

    def fresh(self, folder: Path) -> str:
        if self._away:
            self._server.open_database(self._url)
            self._away = False
        while self._empty:
            self._server.drop_database(self._empty.pop())
        bring_rows_back(self._url)
        return self._url

    def discard(self, url: str) -> None:
        """There is but one, which becomes the next."""

    def empty(self, folder: Path) -> str:
        self._empty.append(self._server.create_database())
        return self._empty[-1]

    def nowhere(self, folder: Path) -> str:
        return f"postgresql://nobody@127.0.0.1:{self._deaf.number}/nothing"

    def back_up(self, url: str) -> None:
        keep_rows(url, "backup")

    def restore(self, url: str) -> None:
        bring_rows_back(url, "backup")

    def take_away(self, url: str) -> None:
        self._away = True
        self._server.close_database(url)

    def close(self) -> None:
        self._deaf.release()
        for url in (self._url, *self._empty):
            self._server.drop_database(url)


_connections: list[psycopg.Connection[Any]] = []
"""Of this process, so that none outlives its test: applications that tests make are nobody's to close."""


@event.listens_for(Pool, "connect")
def _note(connection: object, _record: object) -> None:
    if isinstance(connection, psycopg.Connection):
        _connections.append(connection)


@event.listens_for(Pool, "checkout")
def _hurry(connection: object, record: Any, _proxy: object) -> None:
    """No machine crashes in this process: a commit of SQLite need not wait for its disk."""
    if isinstance(connection, sqlite3.Connection) and not record.info.get("hurries"):
        connection.execute("PRAGMA synchronous = OFF")
        record.info["hurries"] = True


def close_connections() -> None:
    """Close what a test has left of its connections to PostgreSQL."""
    while _connections:
        _connections.pop().close()


def _file(url: str) -> Path:
    return Path(make_url(url).database or "")


def _kept(url: str) -> Path:
    return Path(f"{_file(url)}-kept")
