"""Which comments count, and what the outbox will still change in the counts. Pure.

A comment's row and its outbox row are written in one transaction, so at any moment the counts of an article
are its comments that count, less what its waiting rows will still add.
"""

from __future__ import annotations

from collections.abc import Mapping

APPROVED = "approved"
"""The status of the comments that count: in the article's number, and in the replies to their parent."""

POSTED = "comment.posted"

EFFECTS: Mapping[str, int] = {POSTED: 1}
"""Event → what its outbox row adds to the counts when it is delivered.

Every event that makes a comment count, or no longer count, is here with 1 or -1; the others change nothing.
"""
