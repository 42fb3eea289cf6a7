"""The form of a rule: what can be set of each kind, and the rule that a form describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import request

from engagement.console.forms import field as given
from engagement.console.forms import number
from engagement.errors import Invalid
from engagement.moderation.rules.kinds import KINDS, ON, reason_for


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of a rule's form. `kind`: lines, number, decimal, choice or secret."""

    name: str
    label: str
    kind: str = "number"
    default: Any = ""
    choices: Mapping[str, str] = field(default_factory=dict)


SETTINGS: Final[Mapping[str, tuple[Setting, ...]]] = {
    "phrases": (
        Setting("phrases", "Phrases, one a line; idiot* is whatever begins so", "lines"),
        Setting("innocent", "Words that pass all the same, one a line", "lines"),
    ),
    "links": (
        Setting("most", "How many links may be in a comment"),
        Setting("allow", "Domains that don't count, one a line", "lines"),
        Setting("deny", "Domains of which no link may be, one a line", "lines"),
    ),
    "duplicate": (
        Setting("others", "How often the same was said before", default=1),
        Setting("within", "Within so many seconds", default=86_400),
        Setting("min_length", "Characters from which on a text counts", default=40),
    ),
    "flood": (
        Setting("count", "More comments than this", default=5),
        Setting("seconds", "Within so many seconds", default=60),
        Setting("by", "Of", "choice", "reader", {"reader": "one reader", "network": "all of a network"}),
    ),
    "caps": (
        Setting("share", "Share of capitals, 0.1 to 1", "decimal", 0.7),
        Setting("min_letters", "Letters from which on a text counts", default=20),
    ),
    "mail_domain": (
        Setting("also", "Domains beside those that are known, one a line", "lines"),
        Setting("except", "Domains that are good all the same, one a line", "lines"),
    ),
    "scorer": (
        Setting("scorer", "Which", "choice", "http", {"http": "a server of ours", "akismet": "Akismet"}),
        Setting("url", "Its address", "text"),
        Setting("secret", "Secret or key (empty: as it is)", "secret"),
        Setting("threshold", "Score from which on it counts, 0 to 1", "decimal", 0.8),
        Setting(
            "when_down",
            "Where it can't be asked",
            "choice",
            "hold",
            {"hold": "a moderator looks", "approve": "comments are shown"},
        ),
    ),
}
"""Kind of a rule → what can be set."""


def sent_rule() -> dict[str, Any]:
    """The rule that the form describes, as the service takes it. Raises `Invalid`."""
    kind = given("kind") or ""
    if kind not in KINDS:
        raise Invalid(errors={"kind": [f"must be one of {', '.join(KINDS)}"]})
    settings: dict[str, Any] = {}
    for each in SETTINGS[kind]:
        text = request.form.get(f"settings.{each.name}", "")
        if each.kind == "lines":
            lines = [line.strip() for line in text.splitlines()]
            settings[each.name] = [line for line in lines if line]
        elif text.strip():
            settings[each.name] = _value(each, text.strip())
    return {
        "kind": kind,
        "name": request.form.get("name", ""),
        "mode": given("mode") or ON,
        "action": given("action") or "",
        "reason": given("reason") or "",
        "settings": settings,
    }


def _value(setting: Setting, text: str) -> object:
    name = f"settings.{setting.name}"
    if setting.kind == "number":
        return number(name, text)
    if setting.kind == "decimal":
        try:
            return float(text)
        except ValueError:
            raise Invalid(errors={name: ["must be a number"]}) from None
    return text


def complete(sent: Mapping[str, Any]) -> dict[str, Any]:
    """With the usual reason of its kind where none was chosen."""
    return {**sent, "reason": sent["reason"] or reason_for(sent["kind"], sent["action"])}
