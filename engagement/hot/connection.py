"""The sync connection to Redis, one server or a Cluster: executes commands and plays plans."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import redis
import structlog
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import (
    ClusterDownError,
    OutOfMemoryError,
    ResponseError,
    TryAgainError,
)
from redis.retry import Retry

from engagement.errors import RedisFull, RedisUnavailable, Unavailable
from engagement.hot.answers import Cold
from engagement.hot.cluster import Cluster
from engagement.hot.commands import Command
from engagement.hot.keys import Ballot
from engagement.hot.protocol import (
    BUSY,
    Heal,
    Hydrate,
    Limits,
    LookUp,
    Plan,
    Source,
    TakeSnapshots,
    hydrating,
)
from engagement.hot.server import ERRORS, Server, is_replica
from engagement.settings import Settings

T = TypeVar("T")
_Node: Any = ClusterNode  # most of the driver's cluster has no types
log = structlog.get_logger()
REFUSED = Counter("engagement_redis_refused_total", "Commands that Redis answered with an error")
FULL = Counter("engagement_redis_full_total", "Commands that Redis refused because its memory is full")
TURN = 10.0
"""Seconds that a request waits for others' hydrations of the same ballots."""


def connect(url: str, timeout: float, connections: int = 32) -> Server | Cluster:
    """Redis at a URL, waited for at most `timeout` seconds; nothing is connected yet.

    `redis://`, `rediss://` and `unix://` name one server, `redis+cluster://[user:password@]host:port,host:port`
    (and `rediss+cluster://`) some nodes of a Cluster. `connections`: at most, to each server; a call that
    finds none free fails at once.
    """
    how: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": min(timeout, 1.0),
        "max_connections": connections,
        "health_check_interval": 0,
    }
    never = Retry(NoBackoff(), 0)  # `Server` repeats what may be repeated
    if "+cluster://" not in url:
        return Server(redis.Redis.from_url(url, retry=never, **how))
    scheme, _, rest = url.partition("+cluster://")
    at, query = urlsplit(f"//{rest}").netloc, urlsplit(f"//{rest}").query
    login, sign, hosts = at.rpartition("@")
    first, *others = hosts.split(",")

    def make() -> redis.RedisCluster:
        nodes = [urlsplit(f"//{host}") for host in others]
        return redis.RedisCluster(
            url=f"{scheme}://{login}{sign}{first}" + (f"?{query}" if query else ""),
            startup_nodes=[_Node(node.hostname, node.port or 6379) for node in nodes],
            require_full_coverage=False,
            retry=never,
            **how,
        )

    return Cluster(make, timeout)


class Hot:
    """Executes commands on Redis, and plays plans with an SQL `source` beside it.

    Raises `RedisUnavailable` when a server is down, hung or out of memory; nothing is half done then.
    """

    def __init__(
        self, client: redis.Redis | redis.RedisCluster | Server | Cluster, source: Source, limits: Limits
    ) -> None:
        """`client` is what `connect` answers, or a client of the driver."""
        if isinstance(client, redis.RedisCluster):
            given: Any = client
            timeout = given.get_connection_kwargs().get("socket_timeout") or 5.0
            self._redis: Server | Cluster = Cluster(lambda: given, timeout)
        elif isinstance(client, redis.Redis):
            self._redis = Server(client)
        else:
            self._redis = client
        self.limits = limits
        self._source = source
        self._hydrations: WeakValueDictionary[Ballot, _Turn] = WeakValueDictionary()
        self._guard = Lock()

    @classmethod
    def from_settings(cls, settings: Settings, source: Source) -> Hot:
        """Nothing is connected before the first command."""
        redis = connect(settings.redis_url, settings.redis_timeout, 2 * settings.web_threads + 16)
        limits = Limits(settings.replay_limit, settings.view_ttl, settings.ledger_limit)
        return cls(redis, source, limits)

    @property
    def client(self) -> Any:
        """The driver's own client, for what is no command here."""
        return self._asked(lambda: self._redis.client)

    @property
    def outages(self) -> list[str]:
        """The servers whose breakers are open: they are known to hang or to be down."""
        return self._redis.outages

    def primaries(self) -> list[Server]:
        """Every server that takes writes: one, or those of a Cluster."""
        return self._asked(self._redis.primaries)

    def ping(self) -> None:
        """Returns if every server that keeps our keys answers; on a Cluster, for its slots as well."""
        self._asked(self._redis.ping)

    def execute(self, command: Command[T]) -> T:
        """One command, one round trip."""
        try:
            reply = self._redis.send(command)
        except ERRORS as error:
            raise _unavailable(error) from error
        return command.read(reply)

    def execute_many(self, many: Sequence[Command[Any]]) -> list[Any]:
        """Many commands in one round trip, not in one transaction; answers in their order."""
        answers = self.execute_each(many)
        for answer in answers:
            if isinstance(answer, RedisUnavailable):
                raise answer
        return answers

    def execute_each(self, many: Sequence[Command[Any]]) -> list[Any]:
        """As `execute_many`, with a `RedisUnavailable` in the place of each answer that failed.

        A node of a Cluster that is away takes only its own commands with it.
        """
        if not many:
            return []
        try:
            replies = self._redis.send_each(many)
        except ERRORS as error:
            replies = [error] * len(many)
        return [
            _unavailable(reply) if isinstance(reply, Exception) else command.read(reply)
            for command, reply in zip(many, replies, strict=True)
        ]

    def play(self, plan: Plan[T]) -> T:
        """Answer a plan's needs until it returns."""
        try:
            need = next(plan)
            while True:
                need = plan.send(self._answer(need))
        except StopIteration as stop:
            return cast(T, stop.value)

    def _answer(self, need: object) -> Any:
        match need:
            case Command():
                return self.execute(need)
            case [Command() as only]:  # a single one is followed wherever its slot goes
                return [self.execute(only)]
            case list():
                return self.execute_many(need)
            case TakeSnapshots(runs):
                return self._source.snapshots(runs)
            case LookUp(asked):
                return self._source.look_up(asked)
            case Heal(ballot, floor):
                return self._source.heal({ballot: floor}) if floor is not None else None
            case Hydrate(cold):
                return self._hydrate(cold)
        raise TypeError(f"a plan needs {need!r}")

    def _hydrate(self, cold: Mapping[Ballot, Cold]) -> None:
        """One hydration per ballot at a time in this process; who waited finds it done, and asks again.

        Nobody waits for another's before the own ones are done, so that no two wait for each other.
        """
        turn, mine, others = _Turn(), {}, set()
        with turn.lock:
            with self._guard:
                for ballot, noted in cold.items():
                    other = self._hydrations.setdefault(ballot, turn)
                    if other is turn:
                        mine[ballot] = noted
                    else:
                        others.add(other)
            try:
                if mine:
                    self.play(hydrating(mine, self.limits))
            finally:
                with self._guard:
                    for ballot in mine:
                        self._hydrations.pop(ballot, None)
        until = time.monotonic() + TURN
        for other in others:
            if not other.lock.acquire(timeout=max(0.0, until - time.monotonic())):
                raise Unavailable(BUSY)
            other.lock.release()

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except ERRORS as error:
            raise _unavailable(error) from error


def _unavailable(error: Exception) -> RedisUnavailable:
    """What a caller is told. That our script is wrong, or the server set up wrong, must be seen."""
    told = _told(error)
    told.__cause__ = error
    return told


def _told(error: Exception) -> RedisUnavailable:
    if isinstance(error, (ClusterDownError, TryAgainError)) or is_replica(error):
        return RedisUnavailable()  # a fail-over, or a slot that moves
    if isinstance(error, ResponseError):
        # From a script of Redis 6.2, a full memory is an error like any other.
        if isinstance(error, OutOfMemoryError) or "OOM command not allowed" in str(error):
            FULL.inc()
            return RedisFull()
        REFUSED.inc()
        _say_seldom("redis refuses commands", str(error))
    return RedisUnavailable()


def _say_seldom(event: str, error: str) -> None:
    """Once a second: what goes wrong with every request must not fill the log."""
    now = time.monotonic()
    if event not in _said or now - _said[event] >= 1.0:
        _said[event] = now
        log.error(event, error=error)


_said: dict[str, float] = {}


class _Turn:
    """Who hydrates some ballots holds `lock`."""

    def __init__(self) -> None:
        self.lock = Lock()
