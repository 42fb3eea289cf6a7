"""Tables of readers and comments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    func,
    text,
    true,
)
from sqlalchemy.types import JSON

from engagement.db.tables.types import Id, Serial, Utc, metadata

readers = Table(
    "readers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), ForeignKey("sites.key"), nullable=False),
    Column("name", String(200)),
    Column("created_at", Utc, nullable=False),
    Column("issuer_id", Id),  # who comes by the publisher's single sign-on
    Column("subject", String(255)),
    Column("avatar_url", String(2048)),
    Column("badges", JSON),
    Index("ux_readers_subject", "issuer_id", "subject", unique=True),
)
# By how a name begins, whatever its case.
NAMED = readers.c.name.is_not(None)
Index(
    "ix_readers_by_name",
    readers.c.site,
    func.lower(readers.c.name).label("lower_name"),
    postgresql_where=NAMED,
    sqlite_where=NAMED,
    postgresql_ops={"lower_name": "text_pattern_ops"},
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
    Column("held_for", String(64)),  # why it is pending, rejected or spam
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
    Column(
        "replies_closed", Boolean, nullable=False, server_default=text("false")
    ),  # nobody answers below it
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
# The few threads of an article that nobody answers any more.
CLOSED_THREAD = comments.c.replies_closed == true()
Index("ix_comments_closed", comments.c.article_id, postgresql_where=CLOSED_THREAD, sqlite_where=CLOSED_THREAD)
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
