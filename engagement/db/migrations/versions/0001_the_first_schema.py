"""The first schema."""

import sqlalchemy as sa
from alembic import op

from engagement.db.tables import Id, Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "choices",
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", Id(length=16), nullable=False),
        sa.Column("reader_id", Id(length=16), nullable=False),
        sa.Column("choice", sa.String(length=32), nullable=False),
        sa.Column("chosen_at", Utc(timezone=True), nullable=False),
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "kind", "subject_id", "reader_id", name=op.f("pk_choices")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("choices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_choices_reader_id"), ["reader_id"], unique=False)

    op.create_table(
        "cursors",
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", Id(length=16), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "kind", "subject_id", name=op.f("pk_cursors")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ballot", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.String(length=48), nullable=False),
        sa.Column("reader_id", Id(length=16), nullable=False),
        sa.Column("choice", sa.String(length=32), nullable=False),
        sa.Column("chosen_at", Utc(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("comment_id", Id(length=16), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "shards",
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", name=op.f("pk_shards")),
    )
    op.create_table(
        "sites",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("articles", sa.String(length=16), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sites")),
    )
    op.create_table(
        "tallies",
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", Id(length=16), nullable=False),
        sa.Column("choice", sa.String(length=32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "kind", "subject_id", "choice", name=op.f("pk_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "articles",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=1024), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=True),
        sa.Column("title", sa.String(length=500), nullable=True),
        sa.Column("comments_open", sa.Boolean(), nullable=False),
        sa.Column("reactions_open", sa.Boolean(), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.key"], name=op.f("fk_articles_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_articles")),
        sa.UniqueConstraint("site", "external_id", name=op.f("uq_articles_site_external_id")),
    )
    op.create_table(
        "readers",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.key"], name=op.f("fk_readers_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readers")),
    )
    op.create_table(
        "redis_runs",
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shard"], ["shards.shard"], name=op.f("fk_redis_runs_shard")),
        sa.PrimaryKeyConstraint("shard", "run_id", name=op.f("pk_redis_runs")),
    )
    op.create_table(
        "article_counts",
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("comments", sa.BigInteger(), nullable=False),
        sa.Column("threads", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_article_counts_article_id")),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_article_counts")),
    )
    op.create_table(
        "comments",
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("parent_id", Id(length=16), nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("reader_id", Id(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=False),
        sa.Column("renderer", sa.SmallInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.Column("edited_at", Utc(timezone=True), nullable=True),
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("reply_count", sa.BigInteger(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("featured", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_comments_article_id")),
        sa.ForeignKeyConstraint(["reader_id"], ["readers.id"], name=op.f("fk_comments_reader_id")),
        sa.PrimaryKeyConstraint("article_id", "id", name=op.f("pk_comments")),
    )
    with op.batch_alter_table("comments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_comments_article_id_parent_id_id"), ["article_id", "parent_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_comments_article_id_parent_id_score_id"),
            ["article_id", "parent_id", "score", "id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_comments_reader_id"), ["reader_id"], unique=False)
    op.create_table(
        "idempotency_keys",
        sa.Column("reader_id", Id(length=16), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("comment_id", Id(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["reader_id"], ["readers.id"], name=op.f("fk_idempotency_keys_reader_id")),
        sa.PrimaryKeyConstraint("reader_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])
