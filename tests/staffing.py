"""Staff for tests: members with tokens, as headers."""

from __future__ import annotations

from engagement.db.engine import Database
from engagement.staff.service import Staff, Token

Headers = dict[str, str]


def made(
    database: Database, site: str | None = "demo", role: str = "admin", **given: object
) -> tuple[Headers, Token]:
    """A token of the role, as headers, and what is kept of it. `site` is none of an owner's."""
    site = None if role == "owner" else site
    text, token = Staff(database).make_token(None, site, role=role, name=f"A {role}", **given)  # type: ignore[arg-type]
    return {"Authorization": f"Bearer {text}"}, token


def headers_of(
    database: Database, site: str | None = "demo", role: str = "admin", **given: object
) -> Headers:
    """As `made`; the headers alone."""
    return made(database, site, role, **given)[0]
