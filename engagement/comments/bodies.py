"""Comments as the API shows them, from their rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engagement import clock
from engagement.comments.counting import APPROVED
from engagement.comments.paging import Cursor
from engagement.comments.ranking import REPLY_ORDER
from engagement.comments.replies import INLINE, Below
from engagement.readers.bars import SHADOWED

REMOVED = "removed"
"""The status that is told of a comment without text: it holds its place in the thread.

Who wrote it is told no more.
"""
ALONE = len(INLINE)
"""The level of a comment that is told without replies."""
Rows = Mapping[UUID, Any]
"""By their ids, with what `threads` selects of each."""
Shut = AbstractSet[UUID]
"""Comments that nobody answers any more: their thread is closed."""
NONE: Shut = frozenset()


def body(
    row: Any, rows: Rows, below: Below, level: int = 0, *, shut: Shut = NONE, own: bool = False
) -> dict[str, Any]:
    """A comment with its first replies, out of `rows`. `level`: how deep it stands in the answer.

    What is not approved is told to its author alone (`own`); to all others it is a stone.
    """
    removed = not row.body or (row.status != APPROVED and not own)
    told = {
        "id": str(row.id),
        "parent_id": None if row.parent_id == row.article_id else str(row.parent_id),
        "depth": row.depth,
        "author": {
            "id": None if removed else str(row.reader_id),
            "name": None if removed else row.reader_name,
            "avatar_url": None if removed else row.reader_avatar,
            "badges": [] if removed else row.reader_badges or [],
        },
        "body_html": "" if removed else row.body_html,
        "status": REMOVED if removed else row.status,
        "created_at": clock.rfc3339(row.created_at),
        "edited_at": clock.rfc3339(row.edited_at) if row.edited_at else None,
        "revision": row.revision,
        "votes": {"up": row.up, "down": row.down, "score": row.score},
        "reply_count": row.reply_count,
        "replies": _replies(row, rows, below, level, shut),
        "replies_open": row.id not in shut,
        "pinned": row.pinned,
        "featured": row.featured,
    }
    if row.held_for and row.status != APPROVED and not removed:
        if row.held_for == SHADOWED:  # to its author, who alone sees it, it is as any other
            told["status"] = APPROVED
        else:
            told["held_for"] = row.held_for
    return told


def own_body(
    row: Any, rows: Rows, below: Below, level: int, edit_window: int, *, shut: Shut = NONE
) -> dict[str, Any]:
    """A comment as its author alone sees it: with the text as it was written, and where it is listed."""
    place = None if row.place == row.article_id else str(row.place)
    told = body(row, rows, below, level, shut=shut, own=True)
    return told | {"place_id": place} | as_written(row, edit_window)


def as_written(row: Any, edit_window: int) -> dict[str, Any]:
    """The text as its author wrote it, and until when it may be edited. `edit_window`: seconds."""
    until: datetime = row.created_at + timedelta(seconds=edit_window)
    return {"body": row.body, "editable_until": clock.rfc3339(until)}


def _replies(row: Any, rows: Rows, below: Below, level: int, shut: Shut) -> dict[str, Any]:
    found = below.get(row.id, [])
    shown = found[: INLINE[level] if level < ALONE else 0]
    more = None
    if len(found) > len(shown):
        more = Cursor(REPLY_ORDER, after=shown[-1] if shown else None).encode()
    return {
        "items": [body(rows[id], rows, below, level + 1, shut=shut) for id in shown if id in rows],
        "next_cursor": more,
        "sort": REPLY_ORDER,
        "total": max(row.reply_count, len(found)),
    }
