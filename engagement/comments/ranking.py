"""The orders of comments. Pure: what a comment sorts by, given its votes and its id.

Ids are UUIDv7 and sort by the time they were made, so that the id is age and the total tie-break at once.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """An order: whether by `score` (up - down) first, and whether newer ids come first."""

    key: str
    by_score: bool
    newest_first: bool


ORDERS = {
    order.key: order
    for order in (
        Order("newest", by_score=False, newest_first=True),
        Order("oldest", by_score=False, newest_first=False),
        Order("top", by_score=True, newest_first=True),
    )
}
DEFAULT_ORDER = "newest"
REPLY_ORDER = "oldest"
"""Inside a thread, unless asked otherwise."""
