"""The kinds of rules: what each looks for, and what it takes. Pure, save for those that ask somebody else.

A check of a text alone answers at once. `duplicate` and `flood` are asked of the stores and `scorer` of a
server by who judges: see `engagement.moderation.judging`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from engagement.moderation.rules.phrases import Phrases
from engagement.moderation.rules.text import Found, Text, in_domain

PHRASES, LINKS, DUPLICATE, FLOOD = "phrases", "links", "duplicate", "flood"
CAPS, MAIL_DOMAIN, SCORER = "caps", "mail_domain", "scorer"
KINDS: Final = (PHRASES, LINKS, DUPLICATE, FLOOD, CAPS, MAIL_DOMAIN, SCORER)
ON, SHADOW, OFF = "on", "shadow", "off"
MODES: Final = (ON, SHADOW, OFF)
"""`shadow`: what it finds is only noted."""
HOLD, SPAM, REJECT = "hold", "spam", "reject"
ACTIONS: Final = (HOLD, SPAM, REJECT)
"""The hardest last."""

Check = Callable[[Text], list[Found]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a site, ready to look. `reason`: a code of `engagement.moderation.statements.reasons`."""

    id: UUID
    version: int
    name: str
    kind: str
    mode: str
    action: str
    reason: str
    settings: Mapping[str, Any]
    check: Check | None
    """None: it isn't asked of the text alone."""


def reason_for(kind: str, action: str) -> str:
    """The usual reason of a rule of this kind."""
    if kind == PHRASES:
        return "phrase_suspect" if action == HOLD else "phrase_banned"
    return "link" if kind == LINKS else kind


def check_for(kind: str, settings: Mapping[str, Any]) -> Check | None:
    """What looks for it, by settings that are valid."""
    make = _CHECKS.get(kind)
    return make(settings) if make else None


def _phrases(settings: Mapping[str, Any]) -> Check:
    phrases = Phrases(settings["phrases"], settings.get("innocent", ()))

    def check(text: Text) -> list[Found]:
        return [
            Found(
                {"phrase": match.phrase, "start": match.start, "end": match.end},
                f"“{match.phrase.removesuffix('*')}”",
            )
            for match in phrases.find(text.readings)
        ]

    return check


def _links(settings: Mapping[str, Any]) -> Check:
    allow, deny = frozenset(settings.get("allow", ())), frozenset(settings.get("deny", ()))
    most = settings.get("most")

    def check(text: Text) -> list[Found]:
        hosts = [host for host in text.links if not in_domain(host, allow)]
        denied = [host for host in dict.fromkeys(hosts) if in_domain(host, deny)]
        if denied:
            return [Found({"link": host, **text.place(host)}, f"a link to {host}") for host in denied]
        if most is None or len(hosts) <= most:
            return []
        count = "a link" if len(hosts) == 1 else f"{len(hosts)} links"
        return [Found({"links": len(hosts), "link": hosts[0], **text.place(hosts[0])}, count)]

    return check


def _caps(settings: Mapping[str, Any]) -> Check:
    least, share = settings["min_letters"], settings["share"]

    def check(text: Text) -> list[Found]:
        if len(text.body) < least:
            return []
        upper, lower = sum(map(str.isupper, text.body)), sum(map(str.islower, text.body))
        if upper + lower < least or upper < share * (upper + lower):
            return []
        percent = round(100 * upper / (upper + lower))
        return [Found({"share": percent}, f"that {percent} % of its letters are capitals")]

    return check


def _mail_domains(settings: Mapping[str, Any]) -> Check:
    # Ten thousand names: who has no such rule shall not hold them.
    from disposable_email_domains import blocklist

    listed, also = frozenset(blocklist), frozenset(settings.get("also", ()))
    passed = frozenset(settings.get("except", ()))

    def check(text: Text) -> list[Found]:
        return [
            Found({"domain": domain, "start": start, "end": end}, f"a disposable mail address at {domain}")
            for domain, start, end in text.mail_domains
            if not in_domain(domain, passed) and (in_domain(domain, listed) or in_domain(domain, also))
        ]

    return check


_CHECKS: Final[dict[str, Callable[[Mapping[str, Any]], Check]]] = {
    PHRASES: _phrases,
    LINKS: _links,
    CAPS: _caps,
    MAIL_DOMAIN: _mail_domains,
}
