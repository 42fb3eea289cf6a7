"""One Redis process: its connections, its breaker, and how a command gets there.

A command is sent at most twice: again only when its connection broke, on a fresh one, and never after it
has waited. A server that hangs costs a call its time-out once; the breaker spares the calls after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MaxConnectionsError,
    NoScriptError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from engagement.breaker import Breaker, BreakerOpenError, Verdict
from engagement.hot.commands import Command

T = TypeVar("T")

ERRORS = (RedisError, RedisClusterException, BreakerOpenError)
"""What sending a command raises: `ResponseError` where the server refuses it, else it can't be reached."""


def judge(error: Exception) -> Verdict:
    """What an error of the driver tells about the server."""
    match error:
        case redis.TimeoutError():
            return Verdict.HUNG
        case MaxConnectionsError():
            return Verdict.NOTHING  # our own pool is empty
        case redis.ConnectionError():  # among them one that is loading its file
            return Verdict.DOWN
        case ResponseError():
            return Verdict.DOWN if is_replica(error) else Verdict.ANSWERED
    return Verdict.NOTHING


def is_replica(error: object) -> bool:
    """Did a replica refuse a write? It was the primary once: look for the new one.

    From a script of Redis 6.2, that is an error like any other.
    """
    return isinstance(error, ReadOnlyError) or (
        isinstance(error, ResponseError) and "-READONLY " in str(error)
    )


class Server:
    """Sends commands to the server that `client` is connected to. Raises `ERRORS`."""

    def __init__(self, client: redis.Redis, store: str = "redis") -> None:
        """`store` is its breaker in the metrics. The time-out of `client` is the longest wait."""
        self.client = client
        self.breaker = Breaker(store, judge)
        kwargs = client.connection_pool.connection_kwargs
        self.timeout: float = kwargs.get("socket_timeout") or 5.0
        self._execute: Callable[..., Any] = client.execute_command

    @property
    def outages(self) -> list[str]:
        """The servers that are known to hang or to be down."""
        return [self.breaker.store] if self.breaker.is_open else []

    def primaries(self) -> list[Server]:
        """Every server that takes writes."""
        return [self]

    def send(self, command: Command[Any]) -> Any:
        """The raw reply."""
        return self._guarded(lambda: self._one(command))

    def send_each(self, many: Sequence[Command[Any]]) -> list[Any]:
        """In one round trip: raw replies, or what went wrong in their places. Raises nothing."""
        try:
            return self._guarded(lambda: self._batch(many))
        except ERRORS as error:
            return [error] * len(many)

    def send_asking(self, command: Command[Any]) -> Any:
        """The reply of a node of a Cluster that a slot is being moved to."""
        (reply,) = self._guarded(lambda: self._batch([command], asking=True))
        if isinstance(reply, Exception):
            raise reply
        return reply

    def ping(self) -> None:
        """Raises `ERRORS` if the server doesn't answer."""
        self._guarded(lambda: self._execute("PING"))

    def _guarded(self, send: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            with self.breaker.watch():
                try:
                    return send()
                except redis.ConnectionError as error:
                    if isinstance(error, (MaxConnectionsError, BusyLoadingError, AuthenticationError)):
                        raise
                    self._drop_connections()
                    if time.monotonic() - began > self.timeout / 2:
                        raise
                    return send()
        except RedisError as error:
            if judge(error) in (Verdict.HUNG, Verdict.DOWN):
                self._drop_connections()
            raise

    def _drop_connections(self) -> None:
        """The idle ones lead to where the broken one led: who probes connects anew."""
        self.client.connection_pool.disconnect(inuse_connections=False)

    def _one(self, command: Command[Any]) -> Any:
        try:
            return self._execute(*command.words)
        except NoScriptError:
            return self._execute(*command.with_source)

    def _batch(self, many: Sequence[Command[Any]], *, asking: bool = False) -> list[Any]:
        replies = self._pipeline([command.words for command in many], asking)
        again = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if again:
            # The first of each script brings its source, which this server then keeps.
            loaded: set[str] = set()
            words = []
            for command in (many[i] for i in again):
                known = command.script is None or command.script.sha in loaded
                words.append(command.words if known else command.with_source)
                loaded |= {command.script.sha} if command.script else set()
            for i, reply in zip(again, self._pipeline(words, asking), strict=True):
                replies[i] = reply
        for reply in replies:
            if is_replica(reply):
                raise reply
        return replies

    def _pipeline(self, many: Sequence[tuple[Any, ...]], asking: bool) -> list[Any]:
        with self.client.pipeline(transaction=False) as pipe:
            send: Callable[..., Any] = pipe.execute_command
            for words in many:
                if asking:
                    send("ASKING")
                send(*words)
            replies = pipe.execute(raise_on_error=False)
        return replies[1::2] if asking else replies
