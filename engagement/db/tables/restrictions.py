"""Tables of what restricts readers, of their reports and their appeals."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from engagement.db.tables.types import Id, Utc, metadata

# Warnings, suspensions, bans of readers and of networks. Rows are lifted, never deleted.
bans = Table(
    "bans",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), ForeignKey("sites.key")),  # null: every site
    Column("reader_id", Id),
    Column("network", String(32)),  # a keyed hash; the number of its key stands before it
    Column("network_key", Integer),  # that number: the key is kept for as long
    Column("of_ban", Id),  # the ban of the same person on another site, with which it is lifted
    Column("kind", String(16), nullable=False),  # warning, suspension, ban, shadow
    Column("reason", String(64), nullable=False),
    Column("note", Text),
    Column("since", Utc, nullable=False),
    Column("until", Utc),  # null: for good
    Column("takes_choices", Boolean, nullable=False),
    Column("job_id", Id),
    Column("created_by", Id),
    Column("lifted_at", Utc),
    Column("lifted_by", Id),
    Index(None, "reader_id"),
    Index(None, "network"),
    Index(None, "of_ban"),
)

# How far a reader is trusted; no row: as everybody.
reader_standing = Table(
    "reader_standing",
    metadata,
    Column("reader_id", Id, primary_key=True),
    Column("site", String(64), nullable=False),
    Column("trust", String(16), nullable=False),  # new, usual, trusted
    Column("approved", Integer, nullable=False),  # comments that stand, as far as it was counted
    Column("reports_right", Integer, nullable=False),
    Column("reports_wrong", Integer, nullable=False),
)

reader_notes = Table(
    "reader_notes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), nullable=False),
    Column("reader_id", Id, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_by", Id),
    Column("created_at", Utc, nullable=False),
    Index(None, "reader_id", "id"),
)

reports = Table(
    "reports",
    metadata,
    Column("article_id", Id, primary_key=True),
    Column("comment_id", Id, primary_key=True),
    Column("reader_id", Id, primary_key=True),
    Column("site", String(64), nullable=False),
    Column("reason", String(16), nullable=False),  # spam, abuse, hate, false, illegal, other
    Column("note", Text),
    Column("weight", Double, nullable=False),
    Column("state", String(16), nullable=False),  # open, right, wrong, taken (with a ban)
    Column("created_at", Utc, nullable=False),
    Column("decided_at", Utc),
    Index(None, "reader_id"),
    sqlite_with_rowid=False,
)

# A statement of reasons (Digital Services Act, article 17): one for each restriction.
statements = Table(
    "statements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), nullable=False),
    Column("reader_id", Id, nullable=False),
    Column("article_id", Id),
    Column("comment_id", Id),
    Column("revision", Integer),
    Column("ban_id", Id),
    Column("decision_id", Id),
    Column("restriction", String(32), nullable=False),  # hold, removal, spam, suspension, ban, …
    Column("reason", String(64), nullable=False),
    Column("facts", Text, nullable=False),
    Column("ground", String(16), nullable=False),  # illegal, terms
    Column("ground_reference", Text, nullable=False),  # the law, or the rule of the house
    Column("rule_id", Id),
    Column("rule_version", Integer),
    Column("automated_detection", Boolean, nullable=False),
    Column("automated_decision", Boolean, nullable=False),
    Column("starts_at", Utc, nullable=False),
    Column("ends_at", Utc),
    Column("created_at", Utc, nullable=False),
    Column("withdrawn_at", Utc),  # the restriction is no more
    Index(None, "reader_id", "id"),
    Index(None, "site", "id"),
    Index(None, "article_id", "comment_id"),
)

# Appeals (article 20): decided by somebody else than who has restricted.
appeals = Table(
    "appeals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("statement_id", Id, ForeignKey("statements.id"), nullable=False),
    Column("site", String(64), nullable=False),
    Column("reader_id", Id, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(16), nullable=False),  # open, granted, refused, settled
    Column("created_at", Utc, nullable=False),
    Column("decided_at", Utc),
    Column("decided_by", Id),
    Column("answer", Text),
    UniqueConstraint("statement_id"),
    Index(None, "site", "state", "id"),
    Index(None, "reader_id"),
)
