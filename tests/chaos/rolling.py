"""Web groups are restarted one by one under load, and no request fails; a worker that ends drains."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.chaos.balancer import Balancer
from tests.chaos.fleet import Fleet, Web
from tests.chaos.stored import differences, read_stored
from tests.chaos.summary import Summary
from tests.chaos.world import World
from tests.waiting import until


def rolling(folder: Path, *, seed: int, rounds: int) -> Summary:
    """Each group is restarted by SIGTERM and reloaded by SIGHUP, `rounds` times."""
    world = World(folder, "rolling restart", seed)
    with world.up() as fleet, Balancer(fleet.addresses).running() as balancer:
        load = world.load(pause=0.05)
        load.addresses = [balancer.address]
        with load.running(), world.lag_watched():
            for web in fleet.webs * rounds:
                world.spend(0.5)
                _restart(world, fleet, balancer, web)
                world.spend(0.5)
                _reload(world, web)
            world.spend(1.0)
        failed = {
            what: n for what, n in load.answers.items() if what not in ("acknowledged", "refused", "read")
        }
        assert not failed, f"requests that were not answered: {failed}"
        assert not load.faults, load.faults[0]
        codes = fleet.stop()
        assert set(codes.values()) == {0}, codes
        stored = read_stored(world.sql_url)
        found = list(differences(load, stored))
        assert not found, f"not all is in SQL when the workers have ended:\n{found[0]}"
        assert not stored.waiting, f"{stored.waiting} comments were not counted when the workers had ended"
        return world.summary(load, stored)


def _restart(world: World, fleet: Fleet, balancer: Balancer, web: Web) -> None:
    """As one does it: no new connections to the group, then SIGTERM; it comes back by itself."""
    balancer.out.add(web.address)
    before = web.process
    web.killed = True
    before.terminate()
    until(lambda: before.poll() is not None, within=30)
    world.log(f"{web.name} has ended with {before.returncode}")
    assert before.returncode == 0
    until(web.is_ready, within=30)
    balancer.out.discard(web.address)
    world.log(f"{web.name} is up")


def _reload(world: World, web: Web) -> None:
    """SIGHUP: new workers take the place of the old ones, on the same socket."""
    old = {process.pid for process in web.processes()[1:]}
    web.process.send_signal(signal.SIGHUP)
    until(lambda: not old & {process.pid for process in web.processes()[1:]}, within=30)
    until(web.is_ready, within=30)
    world.log(f"{web.name} is reloaded")
