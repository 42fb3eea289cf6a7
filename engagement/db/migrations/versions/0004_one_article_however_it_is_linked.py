"""Merged articles. New tables, and columns that may be empty: the release before goes on beside it."""

import sqlalchemy as sa
from alembic import op

from engagement.db.tables import Id, Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("articles", sa.Column("closed_by", sa.String(length=16), nullable=True))
    op.add_column("comments", sa.Column("came_from", Id(length=16), nullable=True))
    op.create_table(
        "merges",
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("into_id", Id(length=16), nullable=False),
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["articles.id"], name=op.f("fk_merges_article_id")),
        sa.ForeignKeyConstraint(["into_id"], ["articles.id"], name=op.f("fk_merges_into_id")),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_merges")),
    )
    op.create_table(
        "merged_moods",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("reader_id", Id(length=16), nullable=False),
        sa.Column("choice", sa.String(length=32), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "reader_id", name=op.f("pk_merged_moods")),
        sqlite_with_rowid=False,
    )
