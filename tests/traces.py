"""Where a reader's id still stands: every column of every table, every key and value in Redis."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from engagement.db.engine import Database
from engagement.db.tables import metadata
from engagement.hot.connection import Hot


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
