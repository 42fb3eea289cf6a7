"""Akismet, by its documented comment-check call: a form in, `true` or `false` out. Pure.

https://akismet.com/developers/detailed-docs/comment-check/. It is told the text and the article. It wants the
author's address as well, which no one is told here: an address of nobody's stands in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from engagement.fetching import Answer
from engagement.moderation.rules.scoring import Score
from engagement.moderation.scorers.asking import Ask, Unreadable

ADDRESS: Final = "https://rest.akismet.com/1.1/comment-check"
NOBODYS: Final = "192.0.2.1"
"""An address of the documentation's own network (RFC 5737)."""
SPAM, WORST = 0.95, 1.0
"""What its `true` is worth; and where it says that nobody needs to look."""


def ask(settings: Mapping[str, Any], text: str, context: Mapping[str, Any]) -> Ask:
    """`settings["url"]` may name another address that answers as Akismet does."""
    permalink = str(context.get("url") or "")
    place = urlsplit(permalink)
    blog = f"{place.scheme}://{place.netloc}/" if place.netloc else f"https://{context.get('site', '')}/"
    form = {
        "api_key": str(settings["secret"]),
        "blog": blog,
        "user_ip": NOBODYS,
        "permalink": permalink,
        "comment_type": "comment",
        "comment_content": text,
        "blog_charset": "UTF-8",
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Ask(str(settings.get("url") or ADDRESS), urlencode(form).encode(), headers)


def read(answer: Answer) -> Score:
    """Raises `Unreadable`: for a key that is not good it answers `invalid`."""
    said = answer.body.strip()
    if said == b"true":
        worst = answer.headers.get("x-akismet-pro-tip", "").lower() == "discard"
        return Score(WORST if worst else SPAM, "spam", "Akismet takes it for spam.")
    if said == b"false":
        return Score(0.0)
    raise Unreadable("It answered neither true nor false: is the key good?")
