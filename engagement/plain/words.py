"""Every word that is read without scripts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from engagement.comments.once import HEADER
from engagement.errors import (
    BadRequest,
    Closed,
    Expired,
    Forbidden,
    NotFound,
    Problem,
    Repeated,
    TooFast,
    TooLarge,
    Unavailable,
)

SORTS = {
    "newest": "Newest",
    "oldest": "Oldest",
    "best": "Best",
    "top": "Top",
    "discussed": "Most discussed",
    "controversial": "Controversial",
    "hot": "Hot",
}
ANONYMOUS = "Anonymous"
FIELDS = {"name": "Your name", "body": "Your comment", "parent_id": "The comment that you answer"}
SENT = "This form was sent already, with another text. To post this text as well, send it now."


def number(n: int) -> str:
    """1,234."""
    return f"{n:,}"


def counted(n: int, one: str, many: str) -> str:
    """`1 comment`, `1,234 comments`."""
    return f"{number(n)} {one if n == 1 else many}"


def moment(rfc3339: str) -> str:
    """`24 November 2026, 14:05 UTC`."""
    when = datetime.fromisoformat(rfc3339)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def why(problem: Problem) -> list[str]:
    """What somebody who sent a form is told of a problem, in sentences."""
    if problem.errors:
        return list(_faults(problem))
    for kind, told in (
        (Closed, "This discussion is closed: it takes no more comments."),
        (TooFast, f"That was a little fast. {_later(problem)}"),
        (
            Unavailable,
            "The discussion can't take comments at this moment. Please send it again in a little while.",
        ),
        (TooLarge, "That is far too long for a comment. Please go back and shorten it."),
        (Repeated, "You have just said that here. Is there something to add?"),
    ):
        if isinstance(problem, kind):
            return [told]
    return [problem.detail or f"{problem.title}."]


def trouble(problem: Problem) -> str:
    """What somebody who asked for a page is told of a problem, in a sentence."""
    if isinstance(problem, Expired):
        return "This list was left for too long. Please begin again from its first page."
    if isinstance(problem, NotFound):
        return "There is nothing here. It may have been removed."
    if isinstance(problem, Unavailable):
        return "The discussion can't be reached at this moment. Please try again in a little while."
    if isinstance(problem, BadRequest | Forbidden):
        return problem.detail or f"{problem.title}."
    return " ".join(why(problem))


def _faults(problem: Problem) -> Iterator[str]:
    """Some messages go on from the field's name, others stand alone."""
    for field, messages in (problem.errors or {}).items():
        name = FIELDS.get(field, field.replace("_", " ").capitalize())
        for message in messages:
            said = message.rstrip(".")
            yield SENT if field == HEADER else f"{name}{':' if said[:1].isupper() else ''} {said}."


def _later(problem: Problem) -> str:
    seconds = int(problem.headers.get("Retry-After", "1"))
    if seconds <= 90:
        wait = counted(seconds, "second", "seconds")
    elif seconds <= 5_400:
        wait = counted(-(-seconds // 60), "minute", "minutes")
    else:
        wait = counted(-(-seconds // 3_600), "hour", "hours")
    return f"Please wait about {wait} and send it again."
