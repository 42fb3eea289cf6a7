"""Readers who are kept out, and jobs. New tables only: the release before goes on beside it."""

import sqlalchemy as sa
from alembic import op

from engagement.db.tables import Id, Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bars",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_id", Id(length=16), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("since", Utc(timezone=True), nullable=False),
        sa.Column("until", Utc(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["sites.key"], name=op.f("fk_bars_site")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_bars")),
        sa.UniqueConstraint("reader_id", "kind", name=op.f("uq_bars_reader_id_kind")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "jobs",
        sa.Column("id", Id(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("site", sa.String(length=64), nullable=False),
        sa.Column("reader_id", Id(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False),
        sa.Column("created_at", Utc(timezone=True), nullable=False),
        sa.Column("changed_at", Utc(timezone=True), nullable=False),
        sa.Column("next_at", Utc(timezone=True), nullable=True),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["sites.key"], name=op.f("fk_jobs_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_next_at"), "jobs", ["next_at"])
    op.create_index(op.f("ix_jobs_reader_id"), "jobs", ["reader_id"])
    op.create_table(
        "job_choices",
        sa.Column("job_id", Id(length=16), nullable=False),
        sa.Column("article_id", Id(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", Id(length=16), nullable=False),
        sa.Column("reader_id", Id(length=16), nullable=False),
        sa.Column("choice", sa.String(length=32), nullable=False),
        sa.Column("network", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_choices_job_id")),
        sa.PrimaryKeyConstraint("job_id", "article_id", "kind", "subject_id", name=op.f("pk_job_choices")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_job_choices_reader_id"), "job_choices", ["reader_id"])
