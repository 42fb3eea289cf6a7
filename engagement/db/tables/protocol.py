"""Tables of the ledger protocol: shards, cursors, tallies, choices."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, SmallInteger, String, Table, Text

from engagement.db.tables.types import Id, Serial, Utc, ballot_columns, metadata

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

shards = Table(
    "shards",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),  # the newest; a flush shares it, a new run takes it
)

redis_runs = Table(
    "redis_runs",
    metadata,
    Column("shard", SmallInteger, ForeignKey("shards.shard"), primary_key=True),
    Column("run_id", String(64), primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("seen_at", Utc, nullable=False),
)

# Beside the cursor nothing else is in its row, so that nothing else locks it.
cursors = Table(
    "cursors",
    metadata,
    *ballot_columns(),
    Column("generation", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

tallies = Table(
    "tallies",
    metadata,
    *ballot_columns(),
    Column("choice", String(32), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

choices = Table(
    "choices",
    metadata,
    *ballot_columns(),
    Column("reader_id", Id, primary_key=True),
    Column("choice", String(32), nullable=False),
    Column("chosen_at", Utc, nullable=False),
    Column("network", String(32), nullable=False),
    Index(None, "reader_id"),
    sqlite_with_rowid=False,
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("ballot", Text, nullable=False),
    Column("entry_id", String(48), nullable=False),
    Column("reader_id", Id, nullable=False),
    Column("choice", String(32), nullable=False),
    Column("chosen_at", Utc, nullable=False),
    Column("reason", String(64), nullable=False),
)
