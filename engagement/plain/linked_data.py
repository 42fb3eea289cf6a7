"""An article's comments as schema.org has them, in JSON-LD that no text can get out of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import orjson
from markupsafe import Markup

from engagement.plain.places import Place
from engagement.plain.words import ANONYMOUS

# So that a script element ends where we end it, whatever its text; U+2028 and U+2029 end lines in JavaScript.
_ESCAPED = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})
_MANY_LINES = re.compile(r"\n{3,}")
_CLOSES_A_LINE = frozenset({"p", "li", "pre", "blockquote", "ul", "ol"})
Node = dict[str, Any]


def dump(node: Node) -> Markup:
    """The node's JSON, fit to stand in a `<script>`."""
    return Markup(orjson.dumps(node).decode().translate(_ESCAPED))


def article(footer: Node, place: Place, url: str | None) -> Node:
    """The publisher's article with its comments. `footer`: as the API tells it; `url`: where it is known."""
    title = footer["article"]["title"]
    about: Node = {"@type": "Article" if title else "WebPage"}
    if url:
        about |= {"@id": url, "url": url}
    if title:
        about["headline"] = title
    return {"@context": "https://schema.org"} | about | _conversation(footer, place)


def discussion(footer: Node, place: Place, url: str | None, publisher: str) -> Node:
    """The page that is the discussion of an article. `publisher`: the site's name."""
    page, title = place.discussion, footer["article"]["title"]
    node: Node = {
        "@context": "https://schema.org",
        "@type": "DiscussionForumPosting",
        "@id": page,
        "url": page,
        "headline": title or "Discussion",
        "author": {"@type": "Organization", "name": publisher},
    }
    if url:
        node["about"] = {"@type": "Article", "@id": url, "url": url} | ({"headline": title} if title else {})
    return node | _conversation(footer, place)


def every(comments: list[Node]) -> Iterator[Node]:
    """These comments and the replies that came with them, as they stand."""
    for comment in comments:
        yield comment
        yield from every(comment["replies"]["items"])


def text_of(html: str) -> str:
    """The text of a comment's HTML, with a line end for each line."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return _MANY_LINES.sub("\n\n", "".join(reader.read)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def handle_data(self, data: str) -> None:
        self.read.append(data)

    def handle_endtag(self, tag: str) -> None:
        # Between paragraphs, items and quotes the HTML has another one.
        if tag in _CLOSES_A_LINE and self.read and not self.read[-1].endswith("\n"):
            self.read.append("\n")


def _conversation(footer: Node, place: Place) -> Node:
    counts, moods = footer["counts"], footer["reactions"]["moods"]
    statistics = [_counter({"@type": "CommentAction"}, counts["comments"])]
    statistics += [
        _counter({"@type": "ReactAction", "name": mood["label"]}, mood["count"])
        for mood in moods
        if mood["count"]
    ]
    comments = [
        _comment(comment, place)
        for comment in every(footer["comments"]["items"])
        if comment["status"] == "approved"
    ]
    return {"commentCount": counts["comments"], "interactionStatistic": statistics, "comment": comments}


def _counter(kind: Node, count: int) -> Node:
    return {"@type": "InteractionCounter", "interactionType": kind, "userInteractionCount": count}


def _comment(comment: Node, place: Place) -> Node:
    url = place.comment(comment["id"])
    node: Node = {
        "@type": "Comment",
        "@id": url,
        "url": url,
        "author": {"@type": "Person", "name": comment["author"]["name"] or ANONYMOUS},
        "dateCreated": comment["created_at"],
        "text": text_of(comment["body_html"]),
        "upvoteCount": comment["votes"]["up"],
        "downvoteCount": comment["votes"]["down"],
    }
    if comment["edited_at"]:
        node["dateModified"] = comment["edited_at"]
    if comment["parent_id"]:
        node["parentItem"] = {"@type": "Comment", "@id": place.comment(comment["parent_id"])}
    return node
