"""Small charts, as SVG made on the server. Pure; a table beside each says the same to who doesn't see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, FOOT, TOP = 640, 140, 18, 12
"""Of a chart, of what is written below its bars and above them, in units of its own."""
MOST_BARS = 96
LABELS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands, how large it is, and what it says."""

    x: float
    y: float
    width: float
    height: float
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars over a line, the largest count, and some of the labels."""

    bars: tuple[Bar, ...]
    most: int
    labels: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    base: int = HEIGHT - FOOT


def bars(counts: Sequence[tuple[str, int]]) -> Chart:
    """A bar for each label and count, in their order; neighbours are one where there are too many."""
    shown = _joined(counts)
    most = max((count for _, count in shown), default=0)
    step = WIDTH / max(len(shown), 1)
    room = HEIGHT - FOOT - TOP
    made = []
    for place, (label, count) in enumerate(shown):
        tall = round(room * count / most, 2) if most else 0.0
        x, wide = round(place * step, 2), round(step * 0.8, 2)
        made.append(Bar(x, HEIGHT - FOOT - tall, wide, tall, label, count))
    every = -(-len(made) // LABELS) or 1
    return Chart(tuple(made), most, tuple((bar.x, bar.label) for bar in made[::every]))


def _joined(counts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Not more than `MOST_BARS` of them: each the sum of as many neighbours, under the first one's label."""
    together = -(-len(counts) // MOST_BARS) or 1
    return [
        (counts[at][0], sum(count for _, count in counts[at : at + together]))
        for at in range(0, len(counts), together)
    ]
