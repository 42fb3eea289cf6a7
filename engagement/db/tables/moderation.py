"""Tables of moderation: cases, decisions, the log."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    false,
    literal_column,
)
from sqlalchemy.types import JSON

from engagement.db.tables.types import Id, Serial, Utc, metadata

QUEUED = ("queued_at", "comment_id")
PRESSING = ("priority", "comment_id")
"""The two orders of queues."""

# What moderation knows of a comment: one row for each, made in the transaction that holds or refuses it, else
# by a worker within a second.
cases = Table(
    "cases",
    metadata,
    Column("article_id", Id, primary_key=True),
    Column("comment_id", Id, primary_key=True),
    Column("site", String(64), nullable=False),
    Column("section", String(100)),
    Column("reader_id", Id, nullable=False),
    Column("status", String(16), nullable=False),  # as the comment's
    Column("revision", Integer, nullable=False),
    Column("seen", Boolean, nullable=False),  # has a moderator decided on it as it stands?
    Column("reports", Integer, nullable=False),  # that wait for a decision
    Column("weight", Double, nullable=False),  # of those reports
    Column("score", Double),  # of a scorer, 0 to 1
    Column("priority", Double, nullable=False),
    Column("reason", String(64)),  # why it is held or refused
    Column("rule_id", Id),
    Column("created_at", Utc, nullable=False),  # of the comment
    Column("queued_at", Utc, nullable=False),  # since when it waits for a decision
    Column("claimed_by", Id),  # staff
    Column("claimed_until", Utc),
    Column("decision_id", Id),  # the last one that stands
    Index(None, "comment_id"),
    Index(None, "site", "created_at"),
    Index("ix_cases_by_status", "site", "status", *QUEUED),
    Index("ix_cases_by_section", "site", "section", "status", *QUEUED),
    Index("ix_cases_by_article", "article_id", "status", *QUEUED),
    Index("ix_cases_by_reader", "reader_id", "status", *QUEUED),
    sqlite_with_rowid=False,
)

# As SQLite's queries say them, word for word.
WAITS = cases.c.status == literal_column("'pending'")
REPORTED = cases.c.reports > literal_column("0")
UNSEEN = and_(cases.c.status == literal_column("'approved'"), cases.c.seen == false())
BY_RULE = cases.c.rule_id.is_not(None)


def _queue(name: str, where: ColumnElement[bool], *columns: str) -> Index:
    """An index of one queue in one order."""
    key = [-cases.c[column] if column == "priority" else cases.c[column] for column in columns]
    return Index(f"ix_cases_{name}", *key, postgresql_where=where, sqlite_where=where)


_queue("pressing_pending", WAITS, "site", *PRESSING)
_queue("reported", REPORTED, "site", *QUEUED)
_queue("pressing_reported", REPORTED, "site", *PRESSING)
# The columns of its condition too: SQLite would rather look through all that is approved.
_queue("unmoderated", UNSEEN, "site", "status", "seen", *QUEUED)
_queue("pressing_unmoderated", UNSEEN, "site", *PRESSING)
_queue("by_rule", BY_RULE, "rule_id", "status", *QUEUED)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), nullable=False),
    Column("article_id", Id, nullable=False),
    Column("comment_id", Id, nullable=False),
    Column("revision", Integer, nullable=False),  # of the text that was seen
    Column("action", String(16), nullable=False),  # approve, reject, spam, delete, pin, unpin, feature, …
    Column("before", JSON, nullable=False),  # {"status", "pinned", "featured", …}, for undo
    Column("after", JSON, nullable=False),
    Column("reason", String(64)),
    Column("note", Text),
    Column("actor_kind", String(16), nullable=False),  # staff, rule, system
    Column("actor_id", Id),
    Column("rule_id", Id),
    Column("waited", Double),  # seconds since it waited for a decision
    Column("created_at", Utc, nullable=False),
    Column("undone_by", Id),  # a decision
    Index(None, "site", "id"),
    Index(None, "article_id", "comment_id", "id"),
)

# Append-only. Each entry's MAC is over itself and the MAC before.
moderation_log = Table(
    "moderation_log",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("site", String(64)),
    Column("actor_kind", String(16), nullable=False),
    Column("actor_id", Id),
    Column("action", String(64), nullable=False),
    Column("subject", JSON, nullable=False),  # ids and digests, no texts
    Column("previous", String(64), nullable=False),
    Column("mac", String(64), nullable=False),
    Index(None, "site", "number"),
)
