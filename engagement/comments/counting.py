"""Which comments count, where they are shown, and what each change of one adds to the counts. Pure.

A change of a comment and the row that tells it (`events`) are written in one transaction, so at any moment
an article's counts are its comments that count, less what its waiting rows will still add.
"""

from __future__ import annotations

from dataclasses import dataclass

APPROVED = "approved"
"""The status of the comments that count."""
PENDING = "pending"
"""Waits for a moderator; its author alone sees it."""
REJECTED = "rejected"
"""Refused, by a moderator or a rule; its author alone sees it, with the reason."""
SPAM = "spam"
"""As rejected, and of no interest to anybody."""
DELETED = "deleted"
"""By its author, or with its author: without text, for good."""

MOVED = "moved"
"""A merge has brought it to another article: without text, and shown nowhere, as long as it is there."""

STONES = frozenset({PENDING, REJECTED, SPAM, DELETED})
"""What is shown without text and author, as a stone, while replies to it are."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a comment, and what that adds: to the article's comments, to what its place shows."""

    name: str
    counted: int
    listed: int


POSTED = Event("comment.posted", 1, 1)


def arrived(status: str) -> Event:
    """What a new comment of this status adds."""
    if status == APPROVED:
        return POSTED
    return Event("comment.held" if status == PENDING else f"comment.{status}", 0, 0)


def moved(before: tuple[str, bool], after: tuple[str, bool], name: str) -> Event:
    """What a change from one (status, shown) to another adds."""
    counted = (after[0] == APPROVED) - (before[0] == APPROVED)
    return Event(name, counted, after[1] - before[1])
