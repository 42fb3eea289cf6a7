"""Footers as HTML, kept for as long as what they are made from stays the same."""

from __future__ import annotations

from threading import Lock

from cachetools import LRUCache
from flask import render_template

from engagement.plain import linked_data
from engagement.plain.places import Place
from engagement.plain.reading import Discussion, linked

KEPT = 8_000_000
"""Characters of HTML that a process keeps."""


class Fragments:
    """Renders fragments. What is read is read anew each time: it takes a tenth of the time."""

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[object, ...], str] = LRUCache(KEPT, getsizeof=len)
        self._lock = Lock()

    def of(self, place: Place, shown: Discussion, limit: int) -> str:
        """The fragment of a discussion, with links for pages of `limit` comments."""
        key = place, shown.digest, shown.url, limit
        with self._lock:
            found = self._kept.get(key)
        if found is not None:
            return found
        html = render_template(
            "plain/fragment.html",
            limit=limit,
            linked_data=linked_data.dump(linked_data.article(shown.footer, place, shown.url)),
            **linked(place, shown),
        )
        if len(html) <= KEPT:
            with self._lock:
                self._kept[key] = html
        return html
