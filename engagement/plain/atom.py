"""Comments as an Atom feed (RFC 4287), with what each one answers (RFC 4685). Pure."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # it only writes here
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from engagement import clock

MIMETYPE = "application/atom+xml"
ENTRIES = 50
NOTHING_YET = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without entries was updated: a time that doesn't move, so that the feed doesn't."""
_ATOM = "http://www.w3.org/2005/Atom"
_THREADS = "http://purl.org/syndication/thread/1.0"
# What XML 1.0 has no way to write.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A comment. `url`: its page; `html`: safe; `answers`: the comment that it replies to, with its page."""

    id: UUID
    url: str
    title: str
    author: str
    html: str
    created_at: datetime
    edited_at: datetime | None
    answers: tuple[UUID, str] | None


@dataclass(frozen=True, slots=True)
class Feed:
    """Entries, newest first. `name`: what its id is made from; `url`: its own; `page`: what it is of."""

    name: str
    title: str
    url: str
    page: str | None
    entries: Sequence[Entry]


def atom(feed: Feed) -> bytes:
    """The feed as XML, in UTF-8."""
    root = ET.Element(_name("feed"))
    _text(root, "id", uuid5(NAMESPACE_URL, feed.name).urn)
    _text(root, "title", feed.title)
    changed = [entry.edited_at or entry.created_at for entry in feed.entries]
    _text(root, "updated", clock.rfc3339(max(changed, default=NOTHING_YET)))
    _link(root, "self", feed.url, MIMETYPE)
    if feed.page is not None:
        _link(root, "alternate", feed.page, "text/html")
    for entry in feed.entries:
        _entry(root, entry)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _entry(root: ET.Element, entry: Entry) -> None:
    node = ET.SubElement(root, _name("entry"))
    _text(node, "id", entry.id.urn)
    _text(node, "title", entry.title)
    _text(node, "published", clock.rfc3339(entry.created_at))
    _text(node, "updated", clock.rfc3339(entry.edited_at or entry.created_at))
    _text(ET.SubElement(node, _name("author")), "name", entry.author)
    _link(node, "alternate", entry.url, "text/html")
    if entry.answers is not None:
        id, url = entry.answers
        told = {"ref": id.urn, "href": _writable(url), "type": "text/html"}
        ET.SubElement(node, f"{{{_THREADS}}}in-reply-to", told)
    _text(node, "content", entry.html, type="html")


def _text(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, _name(name), attributes).text = _writable(text)


def _link(parent: ET.Element, rel: str, href: str, type: str) -> None:
    ET.SubElement(parent, _name("link"), {"rel": rel, "href": _writable(href), "type": type})


def _name(name: str) -> str:
    return f"{{{_ATOM}}}{name}"


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)


ET.register_namespace("", _ATOM)
ET.register_namespace("thr", _THREADS)
