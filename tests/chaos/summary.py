"""What one run came to, for who reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

OUTCOMES = ("acknowledged", "refused", "unavailable", "unknown")


@dataclass(slots=True)
class Summary:
    """`answers`: how often writes were answered how. Times in seconds."""

    name: str
    seed: int
    seconds: float
    answers: dict[str, int]
    blows: dict[str, int] = field(default_factory=dict)
    longest: tuple[float, str] = (0.0, "")
    """The longest that any request took, and which."""
    lag: float = 0.0
    """The longest that the metric told."""
    happened: int = 0
    """Choices that stand by a request that was answered 503."""
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        found = [
            f"{self.name}, seed {self.seed}, {self.seconds:.0f} s: {_outcomes(self.answers)}",
            f"  longest request {self.longest[0]:.2f} s ({self.longest[1]}); longest lag {self.lag:.2f} s; "
            f"{self.happened} choices stand by a request that got a 503",
        ]
        if self.blows:
            found.append("  " + ", ".join(f"{what} {n}" for what, n in sorted(self.blows.items())))
        return found + [f"  {note}" for note in self.notes]


def summed_up(summaries: Iterable[Summary]) -> str:
    """Of several runs in one line."""
    runs = list(summaries)
    answers: Counter[str] = Counter()
    for run in runs:
        answers.update(run.answers)
    longest = max((run.longest for run in runs), default=(0.0, ""))
    return f"{len(runs)} runs: {_outcomes(answers)}; the longest request {longest[0]:.2f} s ({longest[1]})"


def _outcomes(answers: dict[str, int]) -> str:
    return ", ".join(f"{answers.get(what, 0)} {what}" for what in OUTCOMES)
