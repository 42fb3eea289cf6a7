"""Makes the feeds of an article and of a site."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from engagement.comments.newest import Newest
from engagement.plain.atom import ENTRIES, Entry, Feed, atom
from engagement.plain.places import Place
from engagement.plain.words import ANONYMOUS
from engagement.sites.service import Site, Sites


class Feeds:
    """Feeds, as XML. `origin` is where readers reach the service."""

    def __init__(self, newest: Newest, sites: Sites) -> None:
        self._newest = newest
        self._sites = sites

    def of_article(self, origin: str, site: Site, article: str) -> bytes:
        """The newest comments of an article; none where nobody has touched it. Raises `Unavailable`."""
        found = self._sites.find(site.key, article)
        rows = self._newest.of_article(found.id, ENTRIES) if found else []
        place = Place(origin, site.key, article)
        about = found.title if found and found.title else site.name
        entries = [_entry(origin, site, row) for row in rows]
        name = f"{site.key}/{article}"
        return atom(Feed(name, f"Comments: {about}", place.feed, place.discussion, entries))

    def of_site(self, origin: str, site: Site) -> bytes:
        """The newest comments of all articles of a site. Raises `Unavailable`."""
        entries = [_entry(origin, site, row) for row in self._newest.of_site(site.key, ENTRIES)]
        own = f"{origin}/v1/{site.key}/feed.atom"
        page = site.origins[0] if site.origins else None
        return atom(Feed(f"{site.key}/", f"Comments: {site.name}", own, page, entries))


def _entry(origin: str, site: Site, row: Row[Any]) -> Entry:
    place = Place(origin, site.key, row.external_id)
    author = row.name or ANONYMOUS
    answers = None
    if row.parent_id != row.article_id:
        answers = row.parent_id, place.comment(str(row.parent_id))
    return Entry(
        id=row.id,
        url=place.comment(str(row.id)),
        title=f"{author}: {row.title}" if row.title else author,
        author=author,
        html=row.body_html,
        created_at=row.created_at,
        edited_at=row.edited_at,
        answers=answers,
    )
