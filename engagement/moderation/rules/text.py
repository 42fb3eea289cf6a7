"""A text that rules look at: each of its sides is made once, when the first rule asks for it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from html import unescape
from typing import Any, Final

from engagement.moderation.rules.spelling import Folded, Words, key_of, readings

_HREF: Final = re.compile(r'<a href="https?://([^"/?#:]*)', re.IGNORECASE)
# What stands after an @ alone: a pattern for what is before it would take quadratic time.
_DOMAIN: Final = re.compile(r"(?<=[A-Za-z0-9._%+-])@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z0-9-]{2,63})")


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found. `told`: as it is stored and shown to moderators, with `start` and `end` in the text
    where there is such a place. `words`: to the reader, fit to follow "The rule X found". `score`: 0 to 1.
    """

    told: dict[str, Any]
    words: str
    score: float | None = None


@dataclass
class Text:
    """`body` as it was written, `html` as it is shown."""

    body: str
    html: str = field(repr=False, default="")

    @cached_property
    def folded(self) -> Folded:
        """In one spelling."""
        return Folded(self.body)

    @cached_property
    def readings(self) -> list[Words]:
        """As words, in one or two ways."""
        return readings(self.folded)

    @cached_property
    def links(self) -> list[str]:
        """The hosts that links lead to, in order."""
        return [unescape(host).lower() for host in _HREF.findall(self.html)] if "<a " in self.html else []

    @cached_property
    def mail_domains(self) -> list[tuple[str, int, int]]:
        """The domains of mail addresses, and where they stand."""
        if "@" not in self.body:
            return []
        return [(match[1].lower(), match.start(1), match.end(1)) for match in _DOMAIN.finditer(self.body)]

    def place(self, part: str) -> dict[str, int]:
        """Where the text has this, however it is written; nothing if it isn't there."""
        start = self.body.lower().find(part)
        return (
            {}
            if start < 0 or len(self.body.lower()) != len(self.body)
            else {"start": start, "end": start + len(part)}
        )

    @cached_property
    def words(self) -> str:
        """All words in one spelling, for telling whether two texts are nearly the same."""
        return key_of(self.readings[0].line)

    def digest(self, key: bytes) -> str:
        """The same for texts that differ in case, spaces, marks, accents and spelling alone."""
        return blake2b(self.words.encode(), key=key, digest_size=16, person=b"duplicates").hexdigest()


def in_domain(host: str, domains: frozenset[str]) -> bool:
    """Is it one of these domains, or below one?"""
    while host:
        if host in domains:
            return True
        _, _, host = host.partition(".")
    return False
