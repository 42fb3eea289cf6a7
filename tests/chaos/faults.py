"""What is broken when: kills and hangs at random times, the same for the same seed, part by part."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Protocol

from tests.chaos.fleet import Unit, Web
from tests.servers import PostgresServer, RedisCluster, RedisNode

DOWN = 0.5
"""Seconds at most for which a killed store stays down."""
HANG = (1.0, 4.0)
"""Seconds for which a part hangs."""


class Part(Protocol):
    """Something that can be broken."""

    name: str

    def kill(self, random: Random) -> None:
        """SIGKILL."""

    def revive(self) -> None:
        """Up again, where nobody else does it."""

    def hang(self, random: Random) -> Callable[[], None]:
        """SIGSTOP; what is answered lets it go on."""


class Store:
    """A server of the harness's own, which nobody else would start again."""

    def __init__(self, name: str, server: PostgresServer | RedisNode) -> None:
        self.name = name
        self._server = server

    def kill(self, random: Random) -> None:
        self._server.kill()

    def revive(self) -> None:
        self._server.start()

    def hang(self, random: Random) -> Callable[[], None]:
        self._server.hang()
        return self._server.go_on


class Nodes:
    """The nodes of a Redis Cluster, one at a time."""

    name = "redis"

    def __init__(self, cluster: RedisCluster) -> None:
        self._cluster = cluster
        self._victim = cluster.nodes[0]

    def kill(self, random: Random) -> None:
        self._victim = random.choice(self._cluster.nodes)
        self._victim.kill()

    def revive(self) -> None:
        self._victim.start()

    def hang(self, random: Random) -> Callable[[], None]:
        victim = random.choice(self._cluster.nodes)
        victim.hang()
        return victim.go_on


class Worker:
    """A worker, which the fleet starts again."""

    def __init__(self, unit: Unit) -> None:
        self.name = unit.name
        self._unit = unit

    def kill(self, random: Random) -> None:
        self._unit.kill()

    def revive(self) -> None:
        """The fleet does it."""

    def hang(self, random: Random) -> Callable[[], None]:
        return self._unit.hang()


class WebWorkers:
    """The web processes: one that gunicorn starts again, or a whole group, which the fleet does."""

    name = "web"

    def __init__(self, groups: Sequence[Web]) -> None:
        self._groups = groups

    def kill(self, random: Random) -> None:
        group = random.choice(self._groups)
        if random.random() < 0.3:
            group.kill()
        else:
            group.kill_child(random)

    def revive(self) -> None:
        """Others do it."""

    def hang(self, random: Random) -> Callable[[], None]:
        return random.choice(self._groups).hang()


@dataclass(frozen=True, slots=True)
class Blow:
    """`at`: seconds after the beginning; `seconds` that it stays down or hangs."""

    at: float
    what: str
    seconds: float


def planned(
    random: Random, seconds: float, kills: int, hangs: int, hang: tuple[float, float] = HANG
) -> list[Blow]:
    """What happens to one part: each blow in a slot of its own, of those that share `seconds` evenly."""
    whats = ["kill"] * kills + ["hang"] * hangs
    random.shuffle(whats)
    slot = seconds / max(1, len(whats))
    blows = []
    for n, what in enumerate(whats):
        longest = min(slot * 0.8, random.uniform(*hang) if what == "hang" else random.uniform(0, DOWN))
        blows.append(Blow(n * slot + random.uniform(0, slot - longest), what, longest))
    return blows


class Faults:
    """Plays a plan for each part, in a thread of its own."""

    def __init__(
        self,
        parts: Sequence[Part],
        seed: int,
        *,
        seconds: float,
        kills: int,
        hangs: int,
        hang: tuple[float, float] = HANG,
        now: Callable[[], float],
        log: Callable[[str], None],
    ) -> None:
        self.done: Counter[str] = Counter()
        """How often each kind of blow fell on each part: `kill redis`."""
        self.errors: list[str] = []
        self.kills: list[tuple[str, float]] = []
        """What was killed, and when on the clock `now`."""
        self._now = now
        self._log = log
        self._over = threading.Event()
        self._threads = []
        for part in parts:
            random = Random(f"{seed}:{part.name}")
            plan = planned(random, seconds, kills, hangs, hang)
            self._threads.append(
                threading.Thread(target=self._play, args=(part, plan, random), name=part.name)
            )

    @contextmanager
    def running(self) -> Iterator[None]:
        """At the end every part is up and no part hangs; if nothing else fails, every blow has fallen."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        except BaseException:
            self._over.set()
            raise
        finally:
            for thread in self._threads:
                thread.join()
        assert not self.errors, self.errors

    def _play(self, part: Part, plan: list[Blow], random: Random) -> None:
        passed = 0.0
        try:
            for blow in plan:
                self._over.wait(blow.at - passed)
                passed = blow.at + blow.seconds
                if self._over.is_set():
                    return
                self.done[f"{blow.what} {part.name}"] += 1
                self._log(f"{blow.what} {part.name} for {blow.seconds:.2f} s")
                if blow.what == "kill":
                    self.kills.append((part.name, self._now()))
                undo = self._strike(part, blow, random)
                self._over.wait(blow.seconds)
                undo()
                self._log(f"{part.name} goes on")
        except Exception as error:  # noqa: BLE001 - the run fails with it
            self.errors.append(f"{part.name}: {error!r}")

    @staticmethod
    def _strike(part: Part, blow: Blow, random: Random) -> Callable[[], None]:
        if blow.what == "hang":
            return part.hang(random)
        part.kill(random)
        return part.revive
