"""Posters and reactors on one article: the flush gets its turn."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.summary import Summary
from tests.chaos.world import World
from tests.waiting import until

POSTER = {"post": 1, "reply": 1}
REACTOR = {"react": 8, "vote": 2}


def crowded(
    folder: Path, *, seed: int, seconds: float, sql: str, longest_lag: float | None = None
) -> Summary:
    """Eight of each, for so many seconds; `longest_lag` (seconds), if given, is never passed."""
    world = World(folder, f"eight posters, eight reactors on {sql}", seed, webs=1, sql=sql)
    with world.up() as fleet:
        load = world.load(articles=1, does=(POSTER,) * 8 + (REACTOR,) * 8, pause=0.01)
        with load.running(), world.lag_watched():
            for _ in range(10):
                flushed = fleet.metric("engagement_flushed_entries_total")
                world.spend(seconds / 10)
                until(lambda flushed=flushed: fleet.metric("engagement_flushed_entries_total") > flushed)  # type: ignore[misc]
                until(fleet.is_flushed)
        stored = world.judge(load)
        summary = world.summary(load, stored)
        summary.notes.append(
            f"{len(stored.comments)} comments, {sum(map(len, stored.choices.values()))} choices"
        )
        assert longest_lag is None or summary.lag <= longest_lag, f"the lag was {summary.lag:.2f} s"
        return summary
