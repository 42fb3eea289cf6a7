"""Tables of those who moderate, and of what they may come in with."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint
from sqlalchemy.types import JSON

from engagement.db.tables.types import Id, Utc, metadata

# A publisher's single sign-on: one algorithm, one source of keys.
issuers = Table(
    "issuers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), ForeignKey("sites.key"), nullable=False),
    Column("issuer", String(500), nullable=False),  # `iss`
    Column("audience", String(500), nullable=False),  # `aud`
    Column("algorithm", String(16), nullable=False),  # HS256, RS256, ES256 or EdDSA
    Column("secret", Text),  # of HS256
    Column("jwks_url", String(2048)),
    Column("skew", Integer, nullable=False),  # seconds
    Column("for_staff", Boolean, nullable=False),  # may its tokens name roles?
    Column("created_at", Utc, nullable=False),
    Column("disabled_at", Utc),
    UniqueConstraint("site", "issuer"),
)

# People who moderate. They come by single sign-on, by a one-time link or are named by who made a token.
staff = Table(
    "staff",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), ForeignKey("sites.key")),  # null: every site
    Column("issuer_id", Id, ForeignKey("issuers.id")),
    Column("subject", String(255)),  # `sub`
    Column("name", String(200), nullable=False),
    Column("role", String(16), nullable=False),  # owner, admin, moderator, service
    Column("created_at", Utc, nullable=False),
    Column("last_seen_at", Utc),
    UniqueConstraint("issuer_id", "subject"),
)

# API tokens: shown once, stored as a digest.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("site", String(64), ForeignKey("sites.key")),  # null: every site
    Column("staff_id", Id, ForeignKey("staff.id"), nullable=False),  # in whose name it acts
    Column("name", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("scopes", JSON, nullable=False),  # [] for all that the role may
    Column("digest", String(64), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("created_by", Id),
    Column("expires_at", Utc),
    Column("revoked_at", Utc),
    Column("last_used_at", Utc),
    UniqueConstraint("digest"),
    Index(None, "site", "created_at"),
)

# Sign-ins to the console, by the digest of the cookie. Rows are ended, and go when they are old.
staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("staff_id", Id, ForeignKey("staff.id"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),  # to within a minute
    Index(None, "staff_id"),
    Index(None, "created_at"),
)

# One-time links into the console, by the digest of what they hold.
staff_links = Table(
    "staff_links",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("staff_id", Id, ForeignKey("staff.id"), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("used_at", Utc),
    Index(None, "created_at"),
)
