"""What each role may do. Pure."""

from __future__ import annotations

from typing import Final

OWNER, ADMIN, MODERATOR, SERVICE = "owner", "admin", "moderator", "service"
ROLES: Final = (OWNER, ADMIN, MODERATOR, SERVICE)
"""`owner` of the instance; `admin`, `moderator` and `service` (a back end) of a site."""

QUEUE, DECIDE, APPEALS = "queue:read", "comments:decide", "appeals:decide"
READERS, RESTRICT, BAN_EVERYWHERE = "readers:read", "readers:restrict", "readers:ban-everywhere"
ARTICLES, POLICY, RULES = "articles:write", "policy:write", "rules:write"
LOG, STATISTICS, STATEMENTS = "log:read", "stats:read", "statements:read"
TOKENS, ISSUERS = "tokens:write", "issuers:write"

_MODERATOR = frozenset({QUEUE, DECIDE, APPEALS, READERS, RESTRICT, LOG, STATISTICS, STATEMENTS})
_ADMIN = _MODERATOR | {ARTICLES, POLICY, RULES, TOKENS, ISSUERS}
PERMISSIONS: Final = {
    OWNER: _ADMIN | {BAN_EVERYWHERE},
    ADMIN: _ADMIN,
    MODERATOR: _MODERATOR,
    SERVICE: frozenset({ARTICLES, QUEUE, READERS, LOG, STATISTICS, STATEMENTS}),
}
SCOPES: Final = tuple(sorted(PERMISSIONS[OWNER]))
"""What a token may be confined to."""


def permitted(role: str, scopes: frozenset[str]) -> frozenset[str]:
    """What somebody of this role may do; `scopes` confine it, none for all that the role may."""
    return PERMISSIONS[role] & scopes if scopes else PERMISSIONS[role]
