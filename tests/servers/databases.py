"""Databases on a PostgreSQL server, ours or the one in TEST_DATABASE_URL; a quick way back to older rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from engagement.db.tables import metadata
from tests.waiting import until

TABLES = [*(table.name for table in metadata.sorted_tables), "alembic_version"]
SERIALS = [
    (table.name, table.autoincrement_column.name)
    for table in metadata.sorted_tables
    if table.autoincrement_column is not None
]


class Databases:
    """Of the server whose user at `url` may create some."""

    @property
    def url(self) -> str:
        """Of the server's first database."""
        raise NotImplementedError

    def create_database(self) -> str:
        """The URL of a new one, empty."""
        name = f"test_{uuid4().hex[:16]}"
        self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Whoever is still connected loses the connection."""
        _let_go(url)
        until(lambda: self._is_dropped(url))

    def close_database(self, url: str) -> None:
        """Nobody can connect any more, and who was connected is not; `open_database` ends it."""
        _let_go(url)
        self._administer(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(_name(url)))
        own = sql.Literal(make_url(url).database)
        self._administer(
            sql.SQL(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = {} AND usename = current_user"
            ).format(own)
        )

    def open_database(self, url: str) -> None:
        self._administer(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(_name(url)))

    def _is_dropped(self, url: str) -> bool:
        """False while the server looks after the database itself (autovacuum): that is not ours to end."""
        try:
            self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(_name(url)))
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True

    def _administer(self, command: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(command)


class ConfiguredPostgres(Databases):
    """The server that TEST_DATABASE_URL names: not ours to kill."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def url(self) -> str:
        return self._url

    def stop(self) -> None:
        """It goes on."""


def keep_rows(url: str, name: str = "kept") -> None:
    """Put a copy of every row aside, for `bring_rows_back`. A copy of that `name` is replaced.

    Its tables stay for the next: to make them costs many times as much as to fill them.
    """
    commands: list[sql.Composable] = [
        sql.SQL("SET LOCAL client_min_messages = warning"),
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)),
    ]
    for table in TABLES:
        names = sql.Identifier(name, table), sql.Identifier(table)
        commands += [
            sql.SQL("CREATE TABLE IF NOT EXISTS {} AS TABLE {} WITH NO DATA").format(*names),
            sql.SQL("DELETE FROM {}").format(names[0]),
            sql.SQL("INSERT INTO {} SELECT * FROM {}").format(*names),
        ]
    with _transaction(url) as connection:
        connection.execute(sql.SQL("; ").join(commands))


def bring_rows_back(url: str, name: str = "kept") -> None:
    """Every row is as it was when it was kept: 3 to 5 ms, a database from a template costs 30 to 300."""
    commands: list[sql.Composable] = [sql.SQL("SET LOCAL lock_timeout = '10s'")]
    commands += [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in reversed(TABLES)]
    commands += [
        sql.SQL("INSERT INTO {} SELECT * FROM {}").format(sql.Identifier(table), sql.Identifier(name, table))
        for table in TABLES
    ]
    commands += [
        sql.SQL(
            "SELECT setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 0) + 1, false) FROM {}"
        ).format(sql.Literal(table), sql.Literal(column), sql.Identifier(column), sql.Identifier(table))
        for table, column in SERIALS
    ]
    with _transaction(url) as connection:
        connection.execute(sql.SQL("; ").join(commands))


_connections: dict[str, psycopg.Connection[Any]] = {}
"""URL → ours, for as long as the database is there."""


@contextmanager
def _transaction(url: str) -> Iterator[psycopg.Connection[Any]]:
    """On a connection that is kept: a new one has to look up every table, which takes four times as long."""
    connection = _connections.get(url)
    if connection is None:
        connection = psycopg.connect(url, autocommit=True, prepare_threshold=None, connect_timeout=10)
        _connections[url] = connection
    with connection.transaction():
        yield connection


def _let_go(url: str) -> None:
    if url in _connections:
        _connections.pop(url).close()


def _name(url: str) -> sql.Identifier:
    return sql.Identifier(make_url(url).database or "")
