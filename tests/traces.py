"""Where a reader still stands: every column of every table, every key and value in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from engagement.db.engine import Database
from engagement.db.tables import comments, metadata, readers
from engagement.hot.connection import Hot
from engagement.verify import verify

KNOWN_IN_SQL = {
    "readers.id", "comments.reader_id", "bars.reader_id", "jobs.reader_id", "cases.reader_id",
    "bans.reader_id", "statements.reader_id", "appeals.reader_id", "reports.reader_id",
    "moderation_log.subject", "moderation_log.actor_id",
}  # fmt: skip
"""Where an erased reader's id stays: on rows without a choice, a text or a name."""


def no_trace(database: Database, hot: Hot, reader: UUID, words: Sequence[str] = ()) -> None:
    """Nothing of an erased reader is left but the rows of `KNOWN_IN_SQL`, and the bar for the time being.

    `words`: what else is not to be found, anywhere: name, texts, network hashes.
    """
    assert in_sql(database, reader) <= KNOWN_IN_SQL
    assert {key.split("}:")[1] for key in in_redis(hot, reader)} <= {"barred"}
    for word in words:
        assert not (there := in_sql(database, word)), (word, there)
        assert not (there := in_redis(hot, word)), (word, there)
    with database.read() as connection:
        mine = select(comments.c.body, comments.c.body_html, comments.c.network)
        written = connection.execute(mine.where(comments.c.reader_id == reader)).all()
        assert {tuple(row) for row in written} <= {("", "", "")}
        assert connection.scalar(select(readers.c.name).where(readers.c.id == reader)) is None
    assert verify(database, hot).differences == []


def in_sql(database: Database, wanted: UUID | str) -> set[str]:
    """`table.column` of each place where an id or a word is."""
    found = set()
    with database.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                found |= {
                    f"{table.name}.{column}" for column, value in row._mapping.items() if _has(value, wanted)
                }
    return found


def in_redis(hot: Hot, wanted: UUID | str) -> set[str]:
    """Keys whose name or value has the id or the word, on every server."""
    found = set()
    for server in hot.primaries():
        client: Any = server.client
        for key in client.scan_iter(count=1_000):
            if _has(key, wanted) or _has(_value(client, key), wanted):
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


def _has(value: Any, wanted: UUID | str) -> bool:
    match value:
        case bytes():
            return any(form in value for form in _forms(wanted))
        case str():
            return _has(value.encode(), wanted)
        case UUID():
            return value == wanted
        case dict():
            return any(_has(key, wanted) or _has(v, wanted) for key, v in value.items())
        case list() | tuple() | set():
            return any(_has(one, wanted) for one in value)
    return False


def _forms(wanted: UUID | str) -> list[bytes]:
    if isinstance(wanted, UUID):
        return [wanted.bytes, wanted.hex.encode(), str(wanted).encode()]
    return [wanted.encode()]
