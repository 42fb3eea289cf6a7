"""Where a reader's id still stands: every column of every table, every key and value in Redis."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from engagement.db.engine import Database
from engagement.db.tables import comments, metadata, readers
from engagement.hot.connection import Hot
from engagement.verify import verify

KNOWN_IN_SQL = {"readers.id", "comments.reader_id", "bars.reader_id", "jobs.reader_id"}
"""Where an erased reader's id stays: on rows without a choice, a text or a name."""


def no_trace(database: Database, hot: Hot, reader: UUID) -> None:
    """Nothing of an erased reader is left but the rows of `KNOWN_IN_SQL`, and the bar for the time being."""
    assert in_sql(database, reader) <= KNOWN_IN_SQL
    assert {key.split("}:")[1] for key in in_redis(hot, reader)} <= {"barred"}
    with database.read() as connection:
        mine = select(comments.c.body, comments.c.body_html, comments.c.network)
        written = connection.execute(mine.where(comments.c.reader_id == reader)).all()
        assert {tuple(row) for row in written} <= {("", "", "")}
        assert connection.scalar(select(readers.c.name).where(readers.c.id == reader)) is None
    assert verify(database, hot).differences == []


def in_sql(database: Database, reader_id: UUID) -> set[str]:
    """`table.column` of each place."""
    found = set()
    with database.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                found |= {
                    f"{table.name}.{column}"
                    for column, value in row._mapping.items()
                    if _names(value, reader_id)
                }
    return found


def in_redis(hot: Hot, reader_id: UUID) -> set[str]:
    """Keys whose name or value names the reader, on every server."""
    found = set()
    for server in hot.primaries():
        client: Any = server.client
        for key in client.scan_iter(count=1_000):
            if _names(key, reader_id) or _names(_value(client, key), reader_id):
                found.add(key.decode())
    return found


def _value(client: Any, key: bytes) -> Any:
    match client.type(key):
        case b"string":
            return client.get(key)
        case b"hash":
            return client.hgetall(key)
        case b"zset":
            return client.zrange(key, 0, -1)
        case b"set":
            return client.smembers(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"stream":
            return client.xrange(key)
    raise AssertionError(f"what is in {key!r}?")


def _names(value: Any, reader_id: UUID) -> bool:
    match value:
        case bytes():
            return any(
                form in value for form in (reader_id.bytes, reader_id.hex.encode(), str(reader_id).encode())
            )
        case str():
            return reader_id.hex in value or str(reader_id) in value
        case UUID():
            return value == reader_id
        case dict():
            return any(_names(key, reader_id) or _names(v, reader_id) for key, v in value.items())
        case list() | tuple() | set():
            return any(_names(one, reader_id) for one in value)
    return False
