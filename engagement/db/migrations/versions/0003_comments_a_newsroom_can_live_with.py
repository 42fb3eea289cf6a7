"""Orders, revisions, tombstones, other names of articles. The release before goes on beside it.

Columns that it doesn't know have defaults; indexes are built afterwards, without keeping anybody waiting
(`engagement.db.indexes`).
"""

import sqlalchemy as sa
from alembic import op

from engagement.db.tables import Id, Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    nothing = sa.text("0")
    for column in (
        sa.Column("place_id", Id(length=16), nullable=True),
        sa.Column("held_for", sa.String(length=64), nullable=True),
        sa.Column("shown", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("best", sa.Double(), server_default=nothing, nullable=False),
        sa.Column("controversy", sa.Double(), server_default=nothing, nullable=False),
        sa.Column("hot", sa.Double(), server_default=nothing, nullable=False),
    ):
        op.add_column("comments", column)
    op.drop_index("ix_comments_article_id_parent_id_score_id", "comments")
    op.create_table(
        "comment_revisions",
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("comment_id", Id(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_at", Utc(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "comment_id", "revision", name=op.f("pk_comment_revisions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("comment_id", Id(length=16), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("counted", sa.SmallInteger(), nullable=False),
        sa.Column("listed", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_table(
        "article_aliases",
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=1024), nullable=False),
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["sites.key"], name=op.f("fk_article_aliases_site")),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_article_aliases_article_id")),
        sa.PrimaryKeyConstraint("site", "external_id", name=op.f("pk_article_aliases")),
    )
    op.create_table(
        "network_keys",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_network_keys")),
    )
