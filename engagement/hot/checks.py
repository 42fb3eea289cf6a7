"""Is Redis set up so that it can keep the promises? Asked at start and by `doctor`, of every primary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import ResponseError

from engagement.errors import RedisUnavailable, StartError
from engagement.hot.commands import Command
from engagement.hot.connection import Hot
from engagement.hot.server import ERRORS, Server

log = structlog.get_logger()
ASKED = ("maxmemory-policy", "maxmemory", "appendonly", "appendfsync")


@dataclass(frozen=True, slots=True)
class Setup:
    """How one server is set up; None where it doesn't say."""

    server: str
    policy: str | None
    maxmemory: int | None
    """Bytes; 0: no limit."""
    appendonly: str | None
    appendfsync: str | None

    @property
    def may_evict_the_ledger(self) -> bool:
        """`allkeys-…` takes keys without a time to live as well."""
        return self.policy is not None and self.policy.startswith("allkeys")


def setups(hot: Hot) -> list[Setup]:
    """Of each primary, `None`s for one that forbids CONFIG. Raises `RedisUnavailable`."""
    return [_setup(server) for server in hot.primaries()]


def refuse_eviction(hot: Hot) -> None:
    """At start: raises `StartError` if Redis may evict what is not stored yet.

    A Redis that is down, or forbids CONFIG, is a warning: the service starts without it.
    """
    try:
        found = setups(hot)
    except RedisUnavailable as error:
        log.warning("the eviction policy of redis can't be checked", error=str(error))
        return
    for setup in found:
        if setup.policy is None:
            log.warning("the eviction policy of redis can't be checked", server=setup.server)
        elif setup.may_evict_the_ledger:
            raise StartError(
                f"{setup.server}: maxmemory-policy is {setup.policy}, which may evict reactions and votes "
                "that are not stored yet: set it to volatile-lru"
            )


def _setup(server: Server) -> Setup:
    said: dict[str, str | None] = {}
    for name in ASKED:  # Redis 6.2 takes one name at a time
        try:
            said[name] = _value(server.send(Command(None, (), ("CONFIG", "GET", name), _value)))
        except ResponseError:
            said[name] = None
        except ERRORS as error:
            raise RedisUnavailable() from error
    maxmemory = said["maxmemory"]
    return Setup(
        server=server.breaker.store,
        policy=said["maxmemory-policy"],
        maxmemory=None if maxmemory is None else int(maxmemory),
        appendonly=said["appendonly"],
        appendfsync=said["appendfsync"],
    )


def _value(reply: Any) -> str | None:
    """CONFIG GET answers a list or a map, an empty one for what the server hides."""
    values = list(reply.values()) if isinstance(reply, dict) else reply[1::2]
    return None if not values else str(values[0].decode() if isinstance(values[0], bytes) else values[0])
