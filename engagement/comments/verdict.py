"""What moderation says of a text before it is stored, as far as comments need to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection

from engagement.comments.counting import APPROVED, PENDING
from engagement.readers.caller import Caller
from engagement.sites.service import Article, Site


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status that a comment gets, and why if it is not approved.

    `reason`: a stable code of at most 64 characters, which its author is told (`held_for`). `grounds` and
    `turns`: the judge's own, see `Judge.record` and `Judge.done`.
    """

    status: str = APPROVED
    reason: str | None = None
    grounds: Any = None
    turns: Sequence[Any] = field(default=(), compare=False)

    @property
    def shown(self) -> bool:
        """Do readers see it?"""
        return self.status == APPROVED


@dataclass(frozen=True, slots=True)
class Judged:
    """A text to judge. `article` None: not there yet. `comment_id`: of the comment that is edited, if one is.

    `held_for`: why it waits for a moderator whatever it says, if it does.
    """

    site: Site
    name: str
    article: Article | None
    caller: Caller
    text: str
    html: str
    comment_id: UUID | None = None
    held_for: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A comment that was stored just now, or a revision of it."""

    article_id: UUID
    comment_id: UUID
    revision: int


Record = tuple[Judged, Verdict, Stored]
"""What was judged, how, and where it is stored."""


class Judge(Protocol):
    """Moderation, as writing comments sees it."""

    def judge(self, judged: Judged) -> Verdict:
        """Asked with no transaction open. Raises `Closed`, `Forbidden`, `TooFast`, `Unavailable`.

        What it answers is given back with `done`.
        """
        ...

    def done(self, verdict: Verdict) -> None:
        """The comment is stored, or won't be: what had to wait for that goes on."""
        ...

    def record(self, connection: Connection, records: Sequence[Record]) -> None:
        """Write down why, as the last thing that the transaction does which stores the comments."""
        ...


class Lenient:
    """Lets everything through."""

    def judge(self, judged: Judged) -> Verdict:
        """See `Judge`."""
        return Verdict(PENDING, judged.held_for) if judged.held_for else Verdict()

    def done(self, verdict: Verdict) -> None:
        """See `Judge`."""

    def record(self, connection: Connection, records: Sequence[Record]) -> None:
        """See `Judge`."""
