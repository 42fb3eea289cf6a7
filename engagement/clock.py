"""The one clock, and the ids that carry its time."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7: sorts by the time it was made."""
    return uuid7()


def rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00.123Z`. `moment` is in UTC."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
