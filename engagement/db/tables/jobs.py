"""Tables of bars and jobs."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint
from sqlalchemy.types import JSON

from engagement.db.tables.types import Id, Serial, Utc, ballot_columns, metadata

# Readers who are kept out. Rows are put and replaced, never changed: what is new has a higher number.
bars = Table(
    "bars",
    metadata,
    Column("number", Serial, primary_key=True),
    Column("reader_id", Id, nullable=False),
    Column("site", String(64), ForeignKey("sites.key"), nullable=False),
    Column("kind", String(16), nullable=False),  # erased, banned, shadow, network, network-all
    Column("since", Utc, nullable=False),
    Column("until", Utc),  # null: for good
    Column("reason", String(64)),
    Column("network", String(32)),  # that is kept out; then `reader_id` is an id made of it
    UniqueConstraint("reader_id", "kind"),
    sqlite_autoincrement=True,  # no number comes twice, though rows go
)

# Who moves a job on names the version that it has seen.
jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("site", String(64), ForeignKey("sites.key"), nullable=False),
    Column("reader_id", Id, nullable=False),  # or, of a merge, the article that is merged
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("progress", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Column("next_at", Utc),  # when somebody shall look at it; null: there is nothing to do
    Column("faults", Integer, nullable=False),  # in a row
    Column("error", Text),
    Index(None, "next_at"),
    Index(None, "reader_id"),
)

# What a job took, to be given back.
job_choices = Table(
    "job_choices",
    metadata,
    Column("job_id", Id, ForeignKey("jobs.id"), primary_key=True),
    *ballot_columns(),
    Column("reader_id", Id, nullable=False),
    Column("choice", String(32), nullable=False),
    Column("network", String(32), nullable=False),
    Index(None, "reader_id"),
    sqlite_with_rowid=False,
)
