"""Everything is killed and hung at random while 32 clients write."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.chaos.faults import HANG, Faults, Nodes, Part, Store, WebWorkers, Worker
from tests.chaos.history import Lossy
from tests.chaos.power import PowerCut
from tests.chaos.stored import losses
from tests.chaos.summary import Summary
from tests.chaos.world import World

POSTPONED = 2.0
"""Seconds for which Redis with `everysec` may hold back what it writes while the disk is busy."""


def storm(
    folder: Path,
    *,
    seed: int,
    seconds: float,
    kills: int,
    hangs: int,
    hang: tuple[float, float] = HANG,
    durability: str = "always",
    power: bool = False,
    cluster: bool = False,
) -> Summary:
    """Web, both workers, Redis and PostgreSQL: each is killed `kills` times and hung `hangs` times.

    With `power` each kill of Redis takes the last second of its file too. With `cluster` it has three nodes.
    """
    name = "storm, " + durability + ", power cuts" * power + ", cluster" * cluster
    world = World(folder, name, seed, durability=durability, cluster=cluster)
    with world.up() as fleet, ExitStack() as watching:
        load = world.load(forgetful=durability != "always")
        assert world.postgres is not None
        cut = PowerCut(world.redis, world.now) if power else None
        redis = cut or (Nodes(world.cluster) if cluster else Store("redis", world.redis))
        parts: list[Part] = [
            WebWorkers(fleet.webs),
            *map(Worker, fleet.workers),
            redis,
            Store("postgres", world.postgres),
        ]
        faults = Faults(
            parts, seed, seconds=seconds * 0.95, kills=kills, hangs=hangs, hang=hang,
            now=world.now, log=world.log,
        )  # fmt: skip
        if cut:
            watching.enter_context(cut.watched())
        with load.running(), world.lag_watched(), faults.running():
            world.spend(seconds)
        lossy = Lossy(cut.cuts) if cut else Lossy()
        if durability == "everysec" and not cut:
            lossy = Lossy([(at - POSTPONED, at) for part, at in faults.kills if part == "redis"])
        stored = world.judge(load, lossy=lossy)
        summary = world.summary(load, stored, dict(faults.done))
        if lossy:
            summary.notes.append(losses(load, stored).line())
        if cut:
            summary.notes.append(f"{cut.bytes} bytes were cut off, of the times {_told(cut.cuts)}")
        return summary


def _told(windows: list[tuple[float, float]]) -> str:
    return ", ".join(f"{start:.2f} to {end:.2f}" for start, end in windows)
