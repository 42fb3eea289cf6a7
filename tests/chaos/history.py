"""What clients were answered, and what may stand in the end because of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

Window = tuple[float, float]
"""Seconds on the run's clock in which a store was allowed to lose what had been answered."""


@dataclass(frozen=True, slots=True)
class Lossy:
    """When choices, and when comments, were allowed to be lost."""

    choices: Sequence[Window] = ()
    comments: Sequence[Window] = ()
    echoes: Sequence[Window] = ()
    """When a view of what is lost may still have said of a choice sent again that it stands."""

    def __bool__(self) -> bool:
        return bool(self.choices or self.comments)


NOTHING_LOST = Lossy()
Place = tuple[str, str]
"""A ballot: the article, and the comment voted on or `""` for the article's mood."""
UNSENT, UNKNOWN = -1, 0
"""In place of a status: nothing was sent; no answer came, so that it may have happened or not."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that writes, sent at `began` and over at `ended` (seconds on the run's clock)."""

    began: float
    ended: float
    choice: str
    status: int

    @property
    def acknowledged(self) -> bool:
        return self.status in (200, 201)

    @property
    def undecided(self) -> bool:
        """Not answered, or answered that a store is down: the store may still do what it was sent."""
        return self.status in (UNKNOWN, 503)

    def line(self) -> str:
        said = {UNKNOWN: "no answer"}.get(self.status, str(self.status))
        return f"{self.began:8.3f} to {self.ended:8.3f}  {self.choice or '(none)':10} {said}"


@dataclass(slots=True)
class History:
    """All that one reader did on one ballot, one request after the other."""

    place: Place
    reader: UUID
    attempts: list[Attempt] = field(default_factory=list)

    def possible(self, lossy: Lossy = NOTHING_LOST) -> set[str]:
        """The choices that may stand in the end."""
        values = {""}
        for attempt in self.attempts:
            again = attempt.choice in values and within(attempt, lossy.echoes)
            if attempt.acknowledged and not within(attempt, lossy.choices) and not again:
                values = {attempt.choice}
            elif attempt.acknowledged or attempt.undecided:
                values.add(attempt.choice)
        return values

    def told(self) -> str:
        article, comment = self.place
        subject = f"comment {comment} of {article}" if comment else f"the mood of {article}"
        return "\n".join([f"reader {self.reader}, {subject}:", *(a.line() for a in self.attempts)])


@dataclass(slots=True)
class Post:
    """A comment that one reader posted, with one idempotency key, as often as it took."""

    article: str
    parent: str | None
    reader: UUID
    key: str
    body: str
    ids: set[str] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        return any(attempt.acknowledged for attempt in self.attempts)

    def possible(self, lossy: Lossy = NOTHING_LOST) -> set[int]:
        """How often it may be stored."""
        certain = [a for a in self.attempts if a.acknowledged and not within(a, lossy.comments)]
        if certain:
            return {1}
        return {0, 1} if any(a.acknowledged or a.undecided for a in self.attempts) else {0}

    def told(self) -> str:
        about = f"reader {self.reader} posted {self.body!r} on {self.article}, {self.parent=}, {self.ids=}"
        return "\n".join([about, *(attempt.line() for attempt in self.attempts)])


def within(attempt: Attempt, lossy: Iterable[Window]) -> bool:
    """Was any of it in one of the windows?"""
    return any(attempt.ended >= start and attempt.began <= end for start, end in lossy)
