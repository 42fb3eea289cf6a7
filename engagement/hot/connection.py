"""The sync connection to Redis: executes commands and plays plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

import redis
import structlog
from prometheus_client import Counter
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.retry import Retry

from engagement.errors import RedisUnavailable
from engagement.hot.commands import Command
from engagement.hot.keys import Ballot
from engagement.hot.protocol import (
    Heal,
    Hydrate,
    Limits,
    LookUp,
    Plan,
    Source,
    TakeSnapshot,
    hydrating,
)
from engagement.settings import Settings

T = TypeVar("T")
log = structlog.get_logger()
REFUSED = Counter("engagement_redis_refused_total", "Commands that Redis answered with an error")


def connect(url: str, timeout: float, connections: int = 32) -> redis.Redis:
    """A client that gives up after `timeout` seconds and sends a command at most twice.

    The driver's own default is up to ten tries; every command here may be sent twice, and a reader
    doesn't wait for ten.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=min(timeout, 1.0),
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        max_connections=connections,
        health_check_interval=0,
    )


class Hot:
    """Executes commands on Redis, and plays plans with an SQL `source` beside it.

    Raises `RedisUnavailable` when the server is down, hung or out of memory; nothing is half done then.
    """

    def __init__(self, client: redis.Redis, source: Source, limits: Limits) -> None:
        self.client = client
        self._send: Callable[..., Any] = client.execute_command
        self.limits = limits
        self._source = source
        self._hydrations: WeakValueDictionary[Ballot, _Turn] = WeakValueDictionary()
        self._guard = Lock()

    @classmethod
    def from_settings(cls, settings: Settings, source: Source) -> Hot:
        """Nothing is connected before the first command."""
        client = connect(settings.redis_url, settings.redis_timeout, 2 * settings.web_threads + 16)
        return cls(client, source, Limits(settings.replay_limit, settings.view_ttl))

    def execute(self, command: Command[T]) -> T:
        """One command, one round trip."""
        try:
            try:
                reply = self._send(*command.words)
            except NoScriptError:
                self._load([command])
                reply = self._send(*command.words)
        except RedisError as error:
            raise _unavailable(error) from error
        return command.read(reply)

    def execute_many(self, many: Sequence[Command[Any]]) -> list[Any]:
        """Many commands in one round trip, not in one transaction; answers in their order."""
        if not many:
            return []
        try:
            replies = self._pipeline(many)
            again = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            if again:
                self._load([many[i] for i in again])
                for i, reply in zip(again, self._pipeline([many[i] for i in again]), strict=True):
                    replies[i] = reply
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
        except RedisError as error:
            raise _unavailable(error) from error
        return [command.read(reply) for command, reply in zip(many, replies, strict=True)]

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
            case list():
                return self.execute_many(need)
            case TakeSnapshot(ballot, run):
                return self._source.snapshot(ballot, run)
            case LookUp(ballots, reader):
                return self._source.look_up(ballots, reader)
            case Heal(ballot, floor):
                return self._source.heal(ballot, floor)
            case Hydrate(ballot, cold):
                return self._once(ballot, lambda: self.play(hydrating(ballot, cold, self.limits)))
        raise TypeError(f"a plan needs {need!r}")

    def _once(self, ballot: Ballot, build: Callable[[], None]) -> None:
        """One hydration per ballot at a time in this process; who waited finds it done, and asks again."""
        with self._guard:
            turn = self._hydrations.get(ballot)
            waits = turn is not None
            if turn is None:
                turn = self._hydrations[ballot] = _Turn()
                turn.lock.acquire()
        if waits:
            with turn.lock:
                return
        try:
            build()
        finally:
            with self._guard:
                self._hydrations.pop(ballot, None)
            turn.lock.release()

    def _pipeline(self, many: Sequence[Command[Any]]) -> list[Any]:
        with self.client.pipeline(transaction=False) as pipe:
            send: Callable[..., Any] = pipe.execute_command
            for command in many:
                send(*command.words)
            return pipe.execute(raise_on_error=False)

    def _load(self, many: Sequence[Command[Any]]) -> None:
        for source in {command.script.source for command in many if command.script}:
            self.client.script_load(source)


def _unavailable(error: RedisError) -> RedisUnavailable:
    """A server that answers with an error is full or set up wrong, or our script is: that must be seen."""
    if isinstance(error, ResponseError):
        REFUSED.inc()
        log.error("redis refuses a command", error=str(error))
    return RedisUnavailable()


class _Turn:
    """Who hydrates a ballot holds `lock`."""

    def __init__(self) -> None:
        self.lock = Lock()
