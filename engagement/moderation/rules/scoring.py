"""What rules need of scorers: servers that say how likely a text is to be refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Score:
    """`value`: 0 (nothing against it) to 1. `label`: what it was found to be; `why`: in plain words."""

    value: float
    label: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Down:
    """There was no answer, or none that can be read. `why`: for the log."""

    why: str


class Scorers(Protocol):
    """Asks scorers. Never inside a transaction; in bounded time; never raises."""

    def score(self, settings: Mapping[str, Any], text: str, context: Mapping[str, Any]) -> Score | Down:
        """`settings`: of the rule, see `settings.ScorerSchema`.

        `context`: `site`, `article` (the publisher's id), its `url` and `title` (or None), `reader` (an id).
        """
        ...
