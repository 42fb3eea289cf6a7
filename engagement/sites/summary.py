"""What is kept rendered of an article beside its comments: names, policy, comment counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from engagement.sites.service import Article

PART = "article.2"
"""The name under which it is kept; another shape needs another name, for releases that run side by side."""


@dataclass(frozen=True, slots=True)
class Summary:
    """An article as a page shows it; `exists` False: nobody has reacted or commented yet."""

    exists: bool
    url: str | None = None
    title: str | None = None
    comments_open: bool = True
    reactions_open: bool = True
    comments: int = 0
    section: str | None = None
    made: float | None = None
    """When it was made, in seconds since 1970."""

    @classmethod
    def of(cls, article: Article | None, *, may_create: bool = True) -> Summary:
        """Of an article, or of one that isn't there; then it is open if readers may bring it into being."""
        if article is None:
            return cls(False, comments_open=may_create, reactions_open=may_create)
        return cls(
            True, article.url, article.title, article.comments_open, article.reactions_open, article.comments,
            article.section, article.created_at.timestamp() if article.created_at else None,
        )  # fmt: skip

    @classmethod
    def load(cls, data: bytes) -> Summary:
        """What `dump` wrote."""
        return cls(*orjson.loads(data))

    def dump(self) -> bytes:
        """To be kept."""
        return orjson.dumps(
            [
                self.exists, self.url, self.title, self.comments_open, self.reactions_open, self.comments,
                self.section, self.made,
            ]
        )  # fmt: skip

    @property
    def created_at(self) -> datetime | None:
        """When it was made."""
        return None if self.made is None else datetime.fromtimestamp(self.made, UTC)

    def body(self, article: str) -> dict[str, Any]:
        """The `article` member of a footer."""
        return {
            "id": article,
            "url": self.url,
            "title": self.title,
            "comments_open": self.comments_open,
            "reactions_open": self.reactions_open,
        }
