"""The orders of comments, and what a comment sorts by. Pure.

Ids are UUIDv7 and sort by the time they were made, so that the id is age and the total tie-break at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import log10, sqrt

RANKING_VERSION = 1
"""Raised whenever votes would give other sort keys than before."""
Z = 1.281551565545
"""The normal quantile of 0.9: the true share is above the bound with a confidence of 90 %."""
HOT_EPOCH = 1_134_028_003
"""Seconds since 1970 at which `hot` counts from."""
HOT_SECONDS = 45_000
"""A comment that is so much younger stands with one that has ten times its score: 12.5 hours."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order: the column that it sorts by before the id (None: by age alone), and which way.

    `moves`: votes and replies change it, so that a walk through it needs a list of its own.
    """

    key: str
    column: str | None
    newest_first: bool = True

    @property
    def moves(self) -> bool:
        """Does it change while comments are read?"""
        return self.column is not None


ORDERS = {
    order.key: order
    for order in (
        Order("best", "best"),
        Order("newest", None),
        Order("oldest", None, newest_first=False),
        Order("top", "score"),
        Order("discussed", "reply_count"),
        Order("controversial", "controversy"),
        Order("hot", "hot"),
    )
}
DEFAULT_ORDER = "newest"
REPLY_ORDER = "oldest"
"""Inside a thread, unless asked otherwise."""
VOTE_KEYS = ("score", "best", "controversy", "hot")
"""The columns that votes decide."""


def best(up: int, down: int) -> float:
    """Lower bound of Wilson's interval for the share of up votes, 0 to 1; without up votes exactly 0.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927; for ranking by
    Evan Miller, "How not to sort by average rating", 2009.
    """
    n = up + down
    if up <= 0:
        return 0.0
    share = up / n
    z2 = Z * Z
    middle = share + z2 / (2 * n)
    margin = Z * sqrt((share * (1 - share) + z2 / (4 * n)) / n)
    return min(1.0, max(0.0, (middle - margin) / (1 + z2 / n)))


def controversy(up: int, down: int) -> float:
    """(up + down) to the power of the smaller share of the larger one; 0 if all votes are of one kind.

    Reddit's `_sorts.pyx`, 2008-2017.
    """
    if up <= 0 or down <= 0:
        return 0.0
    return float((up + down) ** (min(up, down) / max(up, down)))


def hot(up: int, down: int, created: float, now: float) -> float:
    """The logarithm of the score and the age, added: it need not be computed again as time goes by.

    `created`, `now`: seconds since 1970; a date that is yet to come gains nothing. Reddit's `_sorts.pyx`.
    """
    score = up - down
    sign = (score > 0) - (score < 0)
    seconds = min(created, now) - HOT_EPOCH
    return round(sign * log10(max(abs(score), 1)) + seconds / HOT_SECONDS, 7)


def sort_keys(up: int, down: int, created_at: datetime, now: datetime) -> tuple[int, float, float, float]:
    """The values of `VOTE_KEYS` of a comment with these votes."""
    heat = hot(up, down, created_at.timestamp(), now.timestamp())
    return up - down, best(up, down), controversy(up, down), heat
