"""Where what we serve of an article is found. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from engagement.comments.paging import PAGE
from engagement.comments.ranking import DEFAULT_ORDER
from engagement.sites.canonical import encode_segment


@dataclass(frozen=True, slots=True)
class Place:
    """The addresses of an article's discussion. `origin`: of the service; empty: by their paths."""

    origin: str
    site: str
    article: str

    @property
    def discussion(self) -> str:
        """The page on which it is read and joined."""
        return f"{self.origin}/discussions/{self.site}/{encode_segment(self.article)}"

    @property
    def received(self) -> str:
        """The page that thanks for a comment."""
        return f"{self.discussion}/received"

    @property
    def feed(self) -> str:
        """The article's newest comments as Atom."""
        return f"{self.origin}/v1/{self.site}/articles/{encode_segment(self.article)}/feed.atom"

    def page(self, sort: str, limit: int = PAGE, cursor: str | None = None) -> str:
        """A page of the discussion, in an order."""
        asked = {
            "sort": sort if sort != DEFAULT_ORDER else None,
            "limit": limit if limit != PAGE else None,
            "cursor": cursor,
        }
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return f"{self.discussion}?{query}" if query else self.discussion

    def comment(self, id: str, cursor: str | None = None) -> str:
        """The page of one comment, or of more replies to it."""
        query = f"?{urlencode({'cursor': cursor})}" if cursor else ""
        return f"{self.discussion}/comments/{id}{query}"

    def fragment(self, sort: str, limit: int, cursor: str | None) -> str:
        """The HTML to put into a page."""
        query = {"sort": sort, "limit": limit} | ({"cursor": cursor} if cursor else {})
        path = f"/v1/{self.site}/articles/{encode_segment(self.article)}/footer.html"
        return f"{self.origin}{path}?{urlencode(query)}"
