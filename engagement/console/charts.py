"""Small charts, as SVG made on the server. Pure; a table beside each says the same to who doesn't see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 120
"""Of a chart, in units of its own: it is stretched to where it stands."""
MOST_BARS = 96
LABELS = 5


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
    """Bars over a line, the largest count, and some of the labels, from the first bar's to the last one's."""

    bars: tuple[Bar, ...]
    most: int
    labels: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT


def bars(counts: Sequence[tuple[str, int]]) -> Chart:
    """A bar for each label and count, in their order; neighbours are one where there are too many."""
    shown = _joined(counts)
    most = max((count for _, count in shown), default=0)
    step = WIDTH / max(len(shown), 1)
    made = []
    for place, (label, count) in enumerate(shown):
        tall = round(HEIGHT * count / most, 2) if most else 0.0
        x, wide = round(place * step, 2), round(step * 0.8, 2)
        made.append(Bar(x, HEIGHT - tall, wide, tall, label, count))
    last = len(made) - 1
    places = sorted({round(last * nth / (LABELS - 1)) for nth in range(LABELS)}) if made else []
    return Chart(tuple(made), most, tuple(made[place].label for place in places))


def _joined(counts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Not more than `MOST_BARS` of them: each the sum of as many neighbours, under the first one's label."""
    together = -(-len(counts) // MOST_BARS) or 1
    return [
        (counts[at][0], sum(count for _, count in counts[at : at + together]))
        for at in range(0, len(counts), together)
    ]
