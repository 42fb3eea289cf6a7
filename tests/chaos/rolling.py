"""Web groups are restarted one by one under load, and no request fails; a worker that ends drains."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.chaos.balancer import Balancer
from tests.chaos.fleet import Web
from tests.chaos.stored import differences, read_stored
from tests.chaos.summary import Summary
from tests.chaos.world import World
from tests.waiting import until


def rolling(folder: Path, *, seed: int, rounds: int, told: bool = True) -> Summary:
    """Each group is restarted by SIGTERM and reloaded by SIGHUP, `rounds` times.

    `told`: the balancer gives a group no new connections before it is ended. If it isn't, a connection that
    comes at the very moment when the last worker stops listening is cut off by the kernel: they are counted.
    """
    world = World(folder, "rolling restart", seed, workers=1)
    with world.up() as fleet, Balancer(fleet.addresses).running() as balancer:
        load = world.load(pause=0.05)
        load.addresses = [balancer.address]
        with load.running(), world.lag_watched():
            for web in fleet.webs * rounds:
                world.spend(0.5)
                _restart(world, balancer, web, told)
                world.spend(0.5)
                _reload(world, web)
            world.spend(1.0)
        failed = {
            what: n for what, n in load.answers.items() if what not in ("acknowledged", "refused", "read")
        }
        assert not (told and failed), f"requests that were not answered: {failed}"
        assert not load.faults, load.faults[0]
        codes = fleet.stop()
        assert set(codes.values()) == {0}, codes
        stored = read_stored(world.sql_url)
        found = list(differences(load, stored))
        assert not found, f"not all is in SQL when the workers have ended:\n{found[0]}"
        assert not stored.waiting, f"{stored.waiting} comments were not counted when the workers had ended"
        summary = world.summary(load, stored)
        summary.notes.append(f"requests without an answer: {sum(failed.values())}")
        return summary


def _restart(world: World, balancer: Balancer, web: Web, told: bool) -> None:
    """SIGTERM; the fleet starts it again."""
    if told:
        balancer.out.add(web.address)
    before = web.process
    web.killed = True
    before.terminate()
    until(lambda: before.poll() is not None, within=120)
    world.log(f"{web.name} has ended with {before.returncode}")
    assert before.returncode == 0
    until(web.is_ready, within=120)
    balancer.out.discard(web.address)
    world.log(f"{web.name} is up")


def _reload(world: World, web: Web) -> None:
    """SIGHUP: new workers take the place of the old ones, on the same socket."""
    old = {process.pid for process in web.processes()[1:]}
    web.process.send_signal(signal.SIGHUP)
    until(lambda: not old & {process.pid for process in web.processes()[1:]}, within=120)
    until(web.is_ready, within=120)
    world.log(f"{web.name} is reloaded")
