"""Every table, by feature. Keys begin with the article, so that the rows of an article live together.

Rows of articles and comments are never deleted, only emptied. What changes here needs a migration.
"""

from engagement.db.tables.comments import (
    SHOWN,
    comment_revisions,
    comments,
    events,
    idempotency_keys,
    outbox,
    place_of,
    readers,
)
from engagement.db.tables.jobs import bars, job_choices, jobs
from engagement.db.tables.moderation import cases, decisions, moderation_log
from engagement.db.tables.protocol import choices, cursors, dead_letters, meta, redis_runs, shards, tallies
from engagement.db.tables.restrictions import (
    appeals,
    bans,
    reader_notes,
    reader_standing,
    reports,
    statements,
)
from engagement.db.tables.rules import policies, rule_hits, rule_versions, rules, text_digests
from engagement.db.tables.sites import (
    article_aliases,
    article_counts,
    articles,
    merged_moods,
    merges,
    network_keys,
    sites,
)
from engagement.db.tables.staff import api_tokens, issuers, staff, staff_links, staff_sessions
from engagement.db.tables.types import BALLOT, Id, Serial, Utc, metadata

__all__ = [
    "BALLOT",
    "SHOWN",
    "Id",
    "Serial",
    "Utc",
    "api_tokens",
    "appeals",
    "article_aliases",
    "article_counts",
    "articles",
    "bans",
    "bars",
    "cases",
    "choices",
    "comment_revisions",
    "comments",
    "cursors",
    "dead_letters",
    "decisions",
    "events",
    "idempotency_keys",
    "issuers",
    "job_choices",
    "jobs",
    "merged_moods",
    "merges",
    "meta",
    "metadata",
    "moderation_log",
    "network_keys",
    "outbox",
    "place_of",
    "policies",
    "reader_notes",
    "reader_standing",
    "readers",
    "redis_runs",
    "reports",
    "rule_hits",
    "rule_versions",
    "rules",
    "shards",
    "sites",
    "staff",
    "staff_links",
    "staff_sessions",
    "statements",
    "tallies",
    "text_digests",
]
