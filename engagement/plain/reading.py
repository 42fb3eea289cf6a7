"""Puts together what an article's pages show, from what the JSON footer and the comment calls answer."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from engagement.comments.paging import PAGE
from engagement.comments.ranking import REPLY_ORDER
from engagement.comments.service import Comments
from engagement.footer.service import Footer
from engagement.plain.linked_data import Node, every
from engagement.plain.places import Place
from engagement.sites.service import Site


@dataclass(frozen=True, slots=True)
class Discussion:
    """An article's footer as the API tells it, with one of its pages of comments.

    `url`: the article's, where it is the publisher's word. `degraded`: the store that could not be asked.
    `digest`: of all that was read.
    """

    footer: Node
    url: str | None
    degraded: str | None
    digest: bytes

    @property
    def names(self) -> dict[str, str | None]:
        """Who wrote the comments that are on the page, by their ids."""
        return {each["id"]: each["author"]["name"] for each in every(self.footer["comments"]["items"])}

    @property
    def untouched(self) -> bool:
        """Whether nobody, the publisher included, has said anything of the article."""
        return not (self.footer["article"]["title"] or any(self.footer["counts"].values()))


class Reading:
    """Reads discussions, by the ways of the JSON calls."""

    def __init__(self, footer: Footer, comments: Comments) -> None:
        self._footer = footer
        self._comments = comments

    def discussion(
        self, site: Site, article: str, sort: str, limit: int = PAGE, cursor: str | None = None
    ) -> Discussion:
        """A page of an article's threads. Raises `BadRequest`, `Expired`, `Unavailable`."""
        data, degraded = self._footer.of(site, article, sort, limit if cursor is None else PAGE)
        footer: Node = orjson.loads(data)
        page = b""
        if cursor is not None:
            page = self._comments.page(site.key, article, sort, limit, cursor)
            footer["comments"] = orjson.loads(page)
        digest = blake2b(data + page, digest_size=16).digest()
        return Discussion(footer, _own_url(site, footer["article"]), degraded, digest)

    def thread(
        self, site: Site, article: str, comment: UUID, cursor: str | None = None
    ) -> tuple[Discussion, dict[str, Any]]:
        """The discussion with one comment and a page of replies to it; and those above it, as `ancestors`.

        Raises `BadRequest`, `NotFound`, `Unavailable`.
        """
        found = self._comments.one(site.key, article, comment)
        shown = found["comment"]
        shown["replies"] = self._comments.replies(site.key, article, comment, REPLY_ORDER, PAGE, cursor)
        discussion = self.discussion(site, article, REPLY_ORDER)
        discussion.footer["comments"] = {
            "items": [shown],
            "next_cursor": None,
            "sort": REPLY_ORDER,
            "total": 1,
        }
        return discussion, found


def linked(place: Place, discussion: Discussion) -> dict[str, Any]:
    """What the templates know of every page of an article."""
    return {"place": place, "footer": discussion.footer, "url": discussion.url, "names": discussion.names}


def _own_url(site: Site, article: Node) -> str | None:
    """The article's URL, where the publisher has put it or it is of the site's pages.

    A reader who brings an article into being gives any URL.
    """
    url: str | None = article["url"]
    if url is None or not url.startswith(("https://", "http://")):
        return None
    ours = article["title"] or any(url.startswith(f"{origin}/") for origin in site.origins)
    return url if ours else None
