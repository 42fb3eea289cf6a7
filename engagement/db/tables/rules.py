"""Tables of what a site lets through: policies and rules."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, String, Table
from sqlalchemy.types import JSON

from engagement.db.tables.types import Id, Serial, Utc, metadata

# What was set for a site, a section or an article; all else is inherited.
policies = Table(
    "policies",
    metadata,
    Column("site", String(64), ForeignKey("sites.key"), primary_key=True),
    Column("scope", String(16), primary_key=True),  # site, section, article
    Column("name", String(1024), primary_key=True),  # of the section or article; "" for the site
    Column("settings", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Column("changed_by", Id),  # staff
)

rules = Table(
    "rules",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), ForeignKey("sites.key"), nullable=False),
    Column("name", String(80), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("mode", String(16), nullable=False),  # on, shadow, off
    Column("action", String(16), nullable=False),  # hold, reject, spam
    Column("reason", String(64), nullable=False),  # a reason code
    Column("settings", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Column("changed_by", Id),
    Column("deleted_at", Utc),
    Index(None, "site"),
)

# Each version of a rule as it was: what a comment was held for stays to be read.
rule_versions = Table(
    "rule_versions",
    metadata,
    Column("rule_id", Id, ForeignKey("rules.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("action", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("settings", JSON, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Column("changed_by", Id),
)

# Why a rule or a policy held or refused a text. Where in it, not what it says: the text is the comment's.
rule_hits = Table(
    "rule_hits",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("site", String(64), nullable=False),
    Column("article_id", Id, nullable=False),
    Column("comment_id", Id, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("rule_id", Id),  # null: a policy
    Column("version", Integer),
    Column("reason", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    Column("shadow", Boolean, nullable=False),  # it was only noted
    Column("found", JSON, nullable=False),  # {"phrase", "start", "end"}, {"score"}, …
    Column("score", Double),
    Column("created_at", Utc, nullable=False),
    Index(None, "article_id", "comment_id"),
    Index(None, "rule_id", "id"),
    Index(None, "site", "created_at"),
)

# What was said lately on sites that ask whether it was said before: keyed digests, kept for some days.
text_digests = Table(
    "text_digests",
    metadata,
    Column("site", String(64), primary_key=True),
    Column("digest", String(32), primary_key=True),
    Column("comment_id", Id, primary_key=True),
    Column("created_at", Utc, nullable=False),
    Index(None, "comment_id"),
    Index(None, "created_at"),
    sqlite_with_rowid=False,
)
