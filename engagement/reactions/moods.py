"""The moods, and how a tally of them is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mood:
    """A way a story can make one feel. `key` is stable and stored; `label` and `emoji` are for show."""

    key: str
    label: str
    emoji: str


MOODS = (
    Mood("happy", "Happy", "😊"),
    Mood("sad", "Sad", "😢"),
    Mood("angry", "Angry", "😠"),
    Mood("dont_care", "Don't care", "😐"),
    Mood("inspired", "Inspired", "💡"),
    Mood("afraid", "Afraid", "😨"),
    Mood("amused", "Amused", "😄"),
    Mood("annoyed", "Annoyed", "😤"),
)
"""In the order they are shown. A mood once used is retired, never renumbered or given another meaning."""


def shares(counts: list[int]) -> list[int]:
    """Whole percentages that sum to 100 (all 0 if nothing is counted), by largest remainder (Hamilton).

    Equal remainders go to the earlier one.
    """
    total = sum(counts)
    if total == 0:
        return [0] * len(counts)
    parts = [count * 100 // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda i: (-(counts[i] * 100 % total), i))
    for i in by_remainder[: 100 - sum(parts)]:
        parts[i] += 1
    return parts


def top_mood(counts: Mapping[str, int]) -> str | None:
    """The mood chosen most, the one shown first among equals; None if none is chosen."""
    best = max(MOODS, key=lambda mood: counts.get(mood.key, 0))
    return best.key if counts.get(best.key, 0) > 0 else None


def tally_body(counts: Mapping[str, int]) -> dict[str, Any]:
    """A tally as the API shows it: every mood in order, the total, the top mood."""
    numbers = [counts.get(mood.key, 0) for mood in MOODS]
    return {
        "moods": [
            {"key": mood.key, "label": mood.label, "emoji": mood.emoji, "count": count, "share": share}
            for mood, count, share in zip(MOODS, numbers, shares(numbers), strict=True)
        ],
        "total": sum(numbers),
        "top_mood": top_mood(counts),
    }
