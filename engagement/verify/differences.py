"""What is found: figures that differ, what was done about them, and the totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from engagement.db.ballots import Key
from engagement.hot.keys import Ballot

WHAT = {
    "tally": "a stored tally is not the number of stored choices",
    "votes": "the votes beside a comment are not its number of stored votes",
    "order": "what a comment is sorted by does not follow from its votes and its age",
    "comments": "an article's number of comments",
    "threads": "an article's number of comments that are no replies",
    "replies": "a comment's number of replies",
    "orphan": "stored choices or tallies, and no such article or comment",
    "view": "a view in Redis is not the stored tally and the ledger after it",
    "cursor": "SQL is behind what Redis has trimmed: it went back",
    "idle": "a ledger that no worker has on its list",
    "unknown": "Redis holds what SQL has no article or comment for",
}
"""Every kind of difference."""


@dataclass(slots=True)
class Difference:
    """Two figures that should be one. `what` is a key of `WHAT`; `subject` a comment's id, or empty.

    `counted` is what it should be, `stored` what was found. `repaired` is None where nothing was tried;
    `after` is what stands there now.
    """

    what: str
    site: str
    article: str
    subject: str
    counted: Any
    stored: Any
    repaired: bool | None = None
    after: Any = None
    key: Key | None = field(default=None, repr=False, compare=False)
    ballot: Ballot | None = field(default=None, repr=False, compare=False)

    def line(self) -> str:
        """For a person."""
        where = " ".join(part for part in (self.site, self.article, self.subject) if part)
        found = f"{self.what} of {where}: counted {self.counted}, stored {self.stored}"
        if self.repaired is None:
            return found
        return f"{found}; {f'repaired, now {self.after}' if self.repaired else 'not repaired'}"

    def body(self) -> dict[str, Any]:
        """For a program."""
        told = {
            "what": self.what, "site": self.site, "article": self.article, "subject": self.subject,
            "counted": self.counted, "stored": self.stored,
        }  # fmt: skip
        return told if self.repaired is None else told | {"repaired": self.repaired, "after": self.after}


@dataclass(slots=True)
class Totals:
    """What was looked at; `found` differences, of which `left` stand after the repairs.

    Not differences: `dead_letters` are entries that SQL refused and keeps aside, `waiting` ledger entries and
    `undelivered` events of comments that no worker has taken for long; `longest_wait` is in seconds.
    """

    ballots: int = 0
    choices: int = 0
    comments: int = 0
    found: int = 0
    left: int = 0
    dead_letters: int = 0
    waiting: int = 0
    undelivered: int = 0
    longest_wait: int = 0

    def body(self) -> dict[str, int]:
        """For a program."""
        return asdict(self)

    def lines(self, *, repaired: bool) -> list[str]:
        """For a person; the last one sums up."""
        notes = []
        if self.dead_letters:
            notes.append(f"note: dead letters: {self.dead_letters}")
        if self.waiting or self.undelivered:
            notes.append(
                f"note: {self.waiting} ledger entries and {self.undelivered} events of comments have waited "
                f"for up to {self.longest_wait} s: is a worker running?"
            )
        summary = (
            f"{self.ballots} ballots, {self.choices} choices, {self.comments} comments: "
            f"{_differences(self.found)}"
        )
        if repaired and self.found:
            summary += f"; a second look finds {_differences(self.left)}"
        return [*notes, summary]


@dataclass(slots=True)
class Report:
    """All at once, for what is small."""

    totals: Totals
    differences: list[Difference]


def as_text(found: Iterable[Difference], totals: Totals, *, repaired: bool) -> Iterator[str]:
    """Lines for a person, as they are found."""
    yield from (difference.line() for difference in found)
    yield from totals.lines(repaired=repaired)


def as_document(found: Iterable[Difference], totals: Totals) -> Iterator[str]:
    """One JSON object for a program, a line for each difference as it is found; the totals come last."""
    yield '{"differences": ['
    for n, difference in enumerate(found):
        yield ("," if n else "") + orjson.dumps(difference.body()).decode()
    yield "]," + orjson.dumps(totals.body()).decode()[1:]


def _differences(n: int) -> str:
    return f"{n or 'no'} difference{'s' if n != 1 else ''}"
