"""Every table. Keys begin with the article, so that the rows of an article live together.

Rows of articles and comments are never deleted, only emptied. What changes here needs a migration.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
    true,
)
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine


class Utc(TypeDecorator[datetime]):
    """A moment in UTC; SQLite has no zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Any zone in, UTC stored."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Always aware, always UTC."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


class Id(TypeDecorator[UUID]):
    """A UUID: PostgreSQL's own type, 16 bytes elsewhere."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The dialect's best type."""
        return dialect.type_descriptor(Uuid() if dialect.name == "postgresql" else LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        """16 bytes where there is no UUID type."""
        return value.bytes if isinstance(value, UUID) and dialect.name != "postgresql" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        """Always a `UUID`."""
        return value if value is None or isinstance(value, UUID) else UUID(bytes=value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Serial = BigInteger().with_variant(Integer(), "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# --- the protocol ----------------------------------------------------------------------------------------

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

BALLOT = ("article_id", "kind", "subject_id")
"""What names a ballot in SQL; the subject of a mood is the article itself."""


def _ballot_columns() -> list[Column[Any]]:
    return [
        Column("article_id", Id, primary_key=True),
        Column("kind", String(16), primary_key=True),
        Column("subject_id", Id, primary_key=True),
    ]


# Beside the cursor nothing else is in its row, so that nothing else locks it.
cursors = Table(
    "cursors",
    metadata,
    *_ballot_columns(),
    Column("generation", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

tallies = Table(
    "tallies",
    metadata,
    *_ballot_columns(),
    Column("choice", String(32), primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

choices = Table(
    "choices",
    metadata,
    *_ballot_columns(),
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

# --- sites and articles ----------------------------------------------------------------------------------

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

# --- readers and comments --------------------------------------------------------------------------------

readers = Table(
    "readers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), ForeignKey("sites.key"), nullable=False),
    Column("name", String(200)),
    Column("created_at", Utc, nullable=False),
)

# `place_id` is where a comment is listed, if that is not below its parent: past the deepest level that is
# shown nested, replies stand flat below the last comment that has a level of its own.
comments = Table(
    "comments",
    metadata,
    Column("article_id", Id, ForeignKey("articles.id"), primary_key=True),
    Column("id", Id, primary_key=True),
    Column("parent_id", Id, nullable=False),  # the article's own id for a comment that is no reply
    Column("place_id", Id),
    Column("depth", SmallInteger, nullable=False),
    Column("reader_id", Id, ForeignKey("readers.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("held_for", String(64)),  # why it is pending
    Column("shown", Boolean, nullable=False, server_default=true()),  # approved, or the stone of a thread
    Column("body", Text, nullable=False),
    Column("body_html", Text, nullable=False),
    Column("renderer", SmallInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("edited_at", Utc),
    Column("network", String(32), nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("score", BigInteger, nullable=False),  # up - down, the sort key of `top`
    Column("best", Double, nullable=False, server_default=text("0")),
    Column("controversy", Double, nullable=False, server_default=text("0")),
    Column("hot", Double, nullable=False, server_default=text("0")),
    Column("reply_count", BigInteger, nullable=False),  # those that are shown below it
    Column("pinned", Boolean, nullable=False),
    Column("featured", Boolean, nullable=False),
    Column("came_from", Id),  # the article that a merge has brought it from
    Index(None, "article_id", "parent_id", "id"),
    Index(None, "article_id", "reader_id", "id"),
    Index(None, "reader_id"),
)


def place_of(comment: FromClause) -> ColumnElement[UUID]:
    """Below what a comment is listed: a comment's id, or the article's own for a thread."""
    return func.coalesce(comment.c.place_id, comment.c.parent_id)


# As SQLite's queries say it, word for word: `WHERE shown` would not serve them.
SHOWN = comments.c.shown == true()


def _listed(name: str, *columns: Any, where: Any = SHOWN) -> Index:
    """An index of one order: what is shown in one place, in that order."""
    key = (comments.c.article_id, place_of(comments), *columns)
    return Index(f"ix_comments_{name}", *key, postgresql_where=where, sqlite_where=where)


_listed("by_age", comments.c.id)
_listed("by_score", comments.c.score, comments.c.id)
_listed("by_best", comments.c.best, comments.c.id)
_listed("by_replies", comments.c.reply_count, comments.c.id)
_listed("by_controversy", comments.c.controversy, comments.c.id)
_listed("by_heat", comments.c.hot, comments.c.id)
_listed("pinned", comments.c.id, where=comments.c.shown & comments.c.pinned)
# What is shown of every article, by age.
Index("ix_comments_newest", comments.c.id, postgresql_where=SHOWN, sqlite_where=SHOWN)

# What a comment said before it was edited.
comment_revisions = Table(
    "comment_revisions",
    metadata,
    Column("article_id", Id, primary_key=True),
    Column("comment_id", Id, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("written_at", Utc, nullable=False),
    sqlite_with_rowid=False,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("reader_id", Id, ForeignKey("readers.id"), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("article_id", Id, nullable=False),
    Column("comment_id", Id, nullable=False),
    Column("digest", String(64), nullable=False),  # of what was posted
    Column("created_at", Utc, nullable=False),
    Index(None, "created_at"),
)

# What happened to comments, with what it adds to counts. `outbox` is that of releases before 0.3.
events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("article_id", Id, nullable=False),
    Column("comment_id", Id, nullable=False),
    Column("event", String(32), nullable=False),
    Column("counted", SmallInteger, nullable=False),  # to the article's comments: 1, 0 or -1
    Column("listed", SmallInteger, nullable=False),  # to what is shown in its place
    Column("created_at", Utc, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("article_id", Id, nullable=False),
    Column("comment_id", Id, nullable=False),
    Column("event", String(32), nullable=False),
    Column("created_at", Utc, nullable=False),
)

# --- jobs ------------------------------------------------------------------------------------------------

# Readers who are kept out. Rows are put and replaced, never changed: what is new has a higher number.
bars = Table(
    "bars",
    metadata,
    Column("number", Serial, primary_key=True),
    Column("reader_id", Id, nullable=False),
    Column("site", String(64), ForeignKey("sites.key"), nullable=False),
    Column("kind", String(16), nullable=False),  # erased
    Column("since", Utc, nullable=False),
    Column("until", Utc),  # null: for good
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
    *_ballot_columns(),
    Column("reader_id", Id, nullable=False),
    Column("choice", String(32), nullable=False),
    Column("network", String(32), nullable=False),
    Index(None, "reader_id"),
    sqlite_with_rowid=False,
)
