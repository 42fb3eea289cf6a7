"""Tables of sites and articles."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.types import JSON

from engagement.db.tables.types import Id, Utc, metadata

sites = Table(
    "sites",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("origins", JSON, nullable=False),  # ["https://news.example"]
    Column("articles", String(16), nullable=False),  # who may bring one into being: open, known, signed
    Column("created_at", Utc, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), ForeignKey("sites.key"), nullable=False),
    Column("external_id", String(1024), nullable=False),
    Column("url", String(2048)),
    Column("title", String(500)),
    Column("section", String(100)),
    Column("comments_open", Boolean, nullable=False),
    Column("reactions_open", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("closed_by", String(16)),  # alias, merge: its name stands for another article, which takes all
    UniqueConstraint("site", "external_id"),
)

# Other names of an article.
article_aliases = Table(
    "article_aliases",
    metadata,
    Column("site", String(64), ForeignKey("sites.key"), primary_key=True),
    Column("external_id", String(1024), primary_key=True),
    Column("article_id", Id, ForeignKey("articles.id"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Index(None, "article_id"),
)

# Articles that were, or are being, merged into another one. `leads`: does the name lead there by now?
merges = Table(
    "merges",
    metadata,
    Column("article_id", Id, ForeignKey("articles.id"), primary_key=True),
    Column("into_id", Id, ForeignKey("articles.id"), nullable=False),
    Column("job_id", Id, nullable=False),
    Column("leads", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
    Index(None, "into_id"),
)

# The moods that a merge has moved. `given`: or did the reader have another one there, which stands?
merged_moods = Table(
    "merged_moods",
    metadata,
    Column("job_id", Id, primary_key=True),
    Column("reader_id", Id, primary_key=True),
    Column("choice", String(32), nullable=False),
    Column("given", Boolean),  # null: it isn't known yet
    Index(None, "reader_id"),
    sqlite_with_rowid=False,
)

article_counts = Table(
    "article_counts",
    metadata,
    Column("article_id", Id, ForeignKey("articles.id"), primary_key=True),
    Column("comments", BigInteger, nullable=False),
    Column("threads", BigInteger, nullable=False),  # comments that are no replies
)

# The keys that network hashes are made with; without its key, a hash tells nothing any more.
network_keys = Table(
    "network_keys",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary(32), nullable=False),
    Column("created_at", Utc, nullable=False),
)
