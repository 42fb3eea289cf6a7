"""Views and choices are evicted and unlinked all the time, and Redis is emptied in the middle."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import redis

from tests.chaos.clients import READER_OF_ALL
from tests.chaos.history import Lossy
from tests.chaos.stored import losses
from tests.chaos.summary import Summary
from tests.chaos.world import HARMLESS, World
from tests.waiting import until

ROOM = 150_000
"""Bytes that Redis may hold beyond what it holds under load: too few for all views."""
WARM = 3.0
"""Seconds until every connection has its buffers: they count as well."""
EVERY = 0.02
"""Seconds between two keys that are unlinked."""


def wiped(folder: Path, *, seed: int, seconds: float, emptied: bool = False, clients: int = 32) -> Summary:
    """Random UNLINK and real eviction; with `emptied`, FLUSHALL in the middle."""
    name = "views unlinked and evicted" + (", FLUSHALL" if emptied else "")
    world = World(folder, name, seed, webs=1, workers=1, LEDGER_KEEP="1")
    with world.up():
        load = world.load(articles=60, forgetful=emptied, does=(READER_OF_ALL,) * clients)
        with world.redis.client() as client, load.running(), world.lag_watched():
            world.spend(WARM)
            client.config_set("maxmemory", client.info("memory")["used_memory"] + ROOM)
            with _unlinking(client, Random(seed)) as unlinked:
                world.spend(seconds / 2)
                until(lambda: client.info("stats")["evicted_keys"] > 0)
                begun, ended = world.flushed_until(), world.now()
                if emptied:
                    client.flushall()
                    ended = world.now()
                    world.log("redis is emptied")
                world.spend(seconds / 2)
            evicted = client.info("stats")["evicted_keys"]
            client.config_set("maxmemory", 0)
        assert evicted, "nothing was evicted"
        lossy = Lossy([(begun, ended)]) if emptied else Lossy()
        # Redis may be full of ledgers for a moment: then it refuses.
        nought = [metric for metric in HARMLESS if metric != "engagement_redis_refused_total"]
        stored = world.judge(load, lossy=lossy, nought=nought)
        summary = world.summary(load, stored)
        summary.notes.append(f"{unlinked[0]} keys unlinked, {evicted} evicted; {losses(load, stored).line()}")
        return summary


@contextmanager
def _unlinking(client: redis.Redis, random: Random) -> Iterator[list[int]]:
    """A view, or its choices, or both, all the time; answers how many so far."""
    over = threading.Event()
    done = [0]

    def unlink() -> None:
        names: list[bytes] = []
        while not over.wait(EVERY):
            if not names:
                names = [
                    name for kind in ("view", "choices") for name in client.scan_iter(f"*:{kind}:*", 500)
                ]
                random.shuffle(names)
            if names:
                done[0] += int(client.unlink(names.pop()))

    thread = threading.Thread(target=unlink, name="unlinking")
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()
