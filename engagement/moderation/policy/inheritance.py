"""What may be written on a site, in a section, under an article, and why each of it is so. Pure.

A policy is inherited field by field: what an article doesn't say its section says, else the site, else the
service's own default. Each value knows where it was set, when, and by whom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

Scope = Literal["site", "section", "article"]
SITE: Final = "site"
SECTION: Final = "section"
ARTICLE: Final = "article"
DEFAULT: Final = "default"
"""Where a value was set that nobody has set."""
POST, PRE = "post", "pre"
"""Moderation after a comment is shown, or before it is."""
MAX_DAYS, MAX_SECONDS, MAX_COUNT = 3_650, 86_400, 1_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Why a value is as it is. `name`: of the section or article; `by`: one of the staff."""

    scope: str = DEFAULT
    name: str = ""
    at: datetime | None = None
    by: UUID | None = None


NOBODY: Final = Origin()


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for an article, or for all of a section or site. Numbers: 0 is "not at all".

    `moderation`: `post` or `pre`. `closed`: no more comments. `reactions_only`: the same, and never had any.
    `close_after_days`: since the article is there. `hold_links`: does a comment with a link wait?
    `hold_new_readers`: how many comments of a reader must stand before the next is shown at once.
    `slow_mode`: seconds between two comments of a reader on an article. `hold_after_reports`: how many (by
    weight) take a comment from view until a moderator has decided.
    """

    moderation: str = POST
    closed: bool = False
    reactions_only: bool = False
    close_after_days: int = 0
    hold_links: bool = False
    hold_new_readers: int = 0
    slow_mode: int = 0
    hold_after_reports: int = 0
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def why(self, name: str) -> Origin:
        """Where the value of this field was set."""
        return self.origins.get(name, NOBODY)


FIELDS: Final = tuple(name for name in Policy.__dataclass_fields__ if name != "origins")
_MOST: Final = {
    "close_after_days": MAX_DAYS,
    "hold_new_readers": MAX_COUNT,
    "slow_mode": MAX_SECONDS,
    "hold_after_reports": MAX_COUNT,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that somebody has set."""

    value: Any
    at: datetime
    by: UUID | None


@dataclass(frozen=True, slots=True)
class Layer:
    """What was set for one site, section or article; `version` 0: nothing, ever."""

    scope: Scope
    name: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    version: int = 0


def inherit(layers: Sequence[Layer]) -> Policy:
    """The policy of these layers, the widest first: the last one that says something is right."""
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for layer in layers:
        for name, setting in layer.settings.items():
            values[name] = setting.value
            origins[name] = Origin(layer.scope, layer.name, setting.at, setting.by)
    return Policy(**values, origins=origins) if values else DEFAULTS


DEFAULTS: Final = Policy()


def fault(name: str, value: Any) -> str | None:
    """What is wrong with this value of a field, fit to follow its name; None if it is good."""
    if name == "moderation":
        return None if value in (POST, PRE) else f"must be one of {POST}, {PRE}"
    if name in _MOST:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return None if whole and 0 <= value <= _MOST[name] else f"must be a number from 0 to {_MOST[name]}"
    if name in FIELDS:
        return None if isinstance(value, bool) else "must be true or false"
    return "is no field of a policy"


def changed(
    layer: Layer, values: Mapping[str, Any], at: datetime, by: UUID | None, *, whole: bool
) -> dict[str, Setting]:
    """The layer's settings after a change; None takes a value back to what is inherited.

    `whole`: what isn't named is taken back as well. What is set to what it is keeps its origin.
    """
    settings = {} if whole else dict(layer.settings)
    for name, value in values.items():
        before = layer.settings.get(name)
        if value is None:
            settings.pop(name, None)
        elif before is not None and before.value == value:
            settings[name] = before
        else:
            settings[name] = Setting(value, at, by)
    return settings


def closes_at(policy: Policy, created_at: datetime | None) -> datetime | None:
    """When the article takes no more comments by its age; None: never."""
    if not policy.close_after_days or created_at is None:
        return None
    return created_at + timedelta(days=policy.close_after_days)


def closing(policy: Policy, created_at: datetime | None, now: datetime) -> str | None:
    """Why the article takes no comments, in words for readers; None if it does.

    `created_at`: of the article; None: it isn't there yet.
    """
    if policy.reactions_only:
        return "This article takes reactions, but no comments."
    if policy.closed:
        return "This article takes no more comments."
    end = closes_at(policy, created_at)
    if end is not None and now >= end:
        return f"Comments were open for {policy.close_after_days} days. You can still read what was said."
    return None
