"""What a rule of each kind takes, and what is wrong with what was sent; every fault is named by its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import marshmallow as ma
from marshmallow import validate

from engagement.errors import Invalid
from engagement.moderation.rules.kinds import (
    ACTIONS,
    CAPS,
    DUPLICATE,
    FLOOD,
    KINDS,
    LINKS,
    MAIL_DOMAIN,
    MODES,
    PHRASES,
    SCORER,
)
from engagement.moderation.rules.phrases import words_of
from engagement.text import clean_text

MAX_PHRASES: Final = 5_000
MAX_PHRASE: Final = 100
MAX_NAME: Final = 80
"""Characters."""
MAX_DOMAINS: Final = 2_000
WEEK: Final = 604_800
"""Seconds."""
REASON: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE
)


class _Strict(ma.Schema):
    class Meta:
        unknown = ma.RAISE


def _phrase(text: str) -> None:
    if not words_of(text):
        raise ma.ValidationError("has no letter, digit or picture")
    if "*" in text.removesuffix("*"):
        raise ma.ValidationError("may have a * at its end alone")


def _domain(text: str) -> None:
    if not _DOMAIN.fullmatch(text):
        raise ma.ValidationError("is not a domain such as example.com")


def _phrases(least: int, most: int) -> ma.fields.List[Any]:
    one = ma.fields.String(validate=validate.And(validate.Length(1, MAX_PHRASE), _phrase))
    return ma.fields.List(one, required=least > 0, validate=validate.Length(least, most))


def _domains() -> ma.fields.List[Any]:
    return ma.fields.List(ma.fields.String(validate=_domain), validate=validate.Length(max=MAX_DOMAINS))


class PhrasesSchema(_Strict):
    """`innocent`: words that pass whatever they begin with, beside those that always do."""

    phrases = _phrases(1, MAX_PHRASES)
    innocent = _phrases(0, 1_000)


class LinksSchema(_Strict):
    """More than `most` links to others than `allow`; or one to a domain of `deny`."""

    most = ma.fields.Integer(strict=True, allow_none=True, validate=validate.Range(0, 100))
    allow = _domains()
    deny = _domains()

    @ma.validates_schema
    def finds_something(self, given: Mapping[str, Any], **_: Any) -> None:
        """Raises `ValidationError`."""
        if given.get("most") is None and not given.get("deny"):
            raise ma.ValidationError("or `deny` must be given", "most")


class DuplicateSchema(_Strict):
    """The same text, or nearly, `others` times before by anybody `within` seconds."""

    within = ma.fields.Integer(strict=True, load_default=86_400, validate=validate.Range(60, WEEK))
    others = ma.fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 100))
    min_length = ma.fields.Integer(strict=True, load_default=40, validate=validate.Range(1, 5_000))


class FloodSchema(_Strict):
    """More than `count` comments in so many `seconds` by a reader, or a network."""

    count = ma.fields.Integer(strict=True, required=True, validate=validate.Range(1, 1_000))
    seconds = ma.fields.Integer(strict=True, required=True, validate=validate.Range(1, 86_400))
    by = ma.fields.String(load_default="reader", validate=validate.OneOf(["reader", "network"]))


class CapsSchema(_Strict):
    """Of at least `min_letters` letters this `share`, 0 to 1, are capitals."""

    min_letters = ma.fields.Integer(strict=True, load_default=20, validate=validate.Range(5, 5_000))
    share = ma.fields.Float(load_default=0.7, validate=validate.Range(0.1, 1.0))


class MailDomainSchema(_Strict):
    """Beside the domains that are known as disposable: `also`, and not `except`."""

    also = _domains()
    except_ = ma.fields.List(
        ma.fields.String(validate=_domain),
        validate=validate.Length(max=MAX_DOMAINS),
        data_key="except",
        attribute="except",
    )


class ScorerSchema(_Strict):
    """A server that says how likely a text is to be refused; at `threshold` and above it is.

    `when_down`: what becomes of a text that it can't be asked about. `secret` is never told again.
    """

    scorer = ma.fields.String(load_default="http", validate=validate.OneOf(["http", "akismet"]))
    url = ma.fields.URL(schemes={"http", "https"}, require_tld=False, validate=validate.Length(max=2_048))
    secret = ma.fields.String(required=True, validate=validate.Length(1, 500))
    threshold = ma.fields.Float(load_default=0.8, validate=validate.Range(0.0, 1.0))
    when_down = ma.fields.String(load_default="hold", validate=validate.OneOf(["hold", "approve"]))

    @ma.validates_schema
    def can_be_asked(self, given: Mapping[str, Any], **_: Any) -> None:
        """Raises `ValidationError`."""
        if given.get("scorer") == "http" and "url" not in given:
            raise ma.ValidationError("is needed, unless the scorer is akismet", "url")


SCHEMAS: Final[Mapping[str, type[ma.Schema]]] = {
    PHRASES: PhrasesSchema,
    LINKS: LinksSchema,
    DUPLICATE: DuplicateSchema,
    FLOOD: FloodSchema,
    CAPS: CapsSchema,
    MAIL_DOMAIN: MailDomainSchema,
    SCORER: ScorerSchema,
}


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as it is stored: `name`, `kind`, `mode`, `action`, `reason`, `settings`. Raises `Invalid`."""
    faults: dict[str, list[str]] = {}
    name = ""
    try:
        name = clean_text(str(given.get("name", "")), max_length=MAX_NAME, multiline=False)
    except ValueError as error:
        faults["name"] = [str(error)]
    for field, allowed in (("kind", KINDS), ("mode", MODES), ("action", ACTIONS)):
        if given.get(field) not in allowed:
            faults[field] = [f"must be one of {', '.join(allowed)}"]
    if not REASON.fullmatch(str(given.get("reason", ""))):
        faults["reason"] = ["must be a code of a-z, 0-9 and _, at most 64"]
    settings: dict[str, Any] = {}
    if "kind" not in faults:
        settings = checked_settings(given["kind"], given.get("settings"), faults)
    if faults:
        raise Invalid(errors=faults)
    return {
        **{key: given[key] for key in ("kind", "mode", "action", "reason")},
        "name": name,
        "settings": settings,
    }


def checked_settings(kind: str, given: Any, faults: dict[str, list[str]]) -> dict[str, Any]:
    """The settings of a rule of this kind, whole; what is wrong with them goes to `faults`."""
    if not isinstance(given, Mapping):
        faults["settings"] = ["must be an object"]
        return {}
    try:
        loaded: dict[str, Any] = SCHEMAS[kind]().load(given)
    except ma.ValidationError as error:
        _name("settings", error.messages, faults)
        return {}
    for phrases in ("phrases", "innocent"):
        if phrases in loaded:
            loaded[phrases] = [phrase.strip() for phrase in loaded[phrases]]
    for domains in ("allow", "deny", "also", "except"):
        if domains in loaded:
            loaded[domains] = [domain.lower() for domain in loaded[domains]]
    return loaded


def _name(prefix: str, node: Any, faults: dict[str, list[str]]) -> None:
    if isinstance(node, Mapping):
        for key, value in node.items():
            _name(prefix if key == "_schema" else f"{prefix}.{key}", value, faults)
    else:
        faults.setdefault(prefix, []).extend(map(str, node))
