"""A Redis Cluster: which node serves a command, and what happens when it is another one, or none.

The driver's `RedisCluster` knows the nodes, their slots and connections. It doesn't send our commands: it
asks the whole cluster anew on every failure, inside the call and with each node's time-out, repeats the
commands of a broken pipeline one by one, and connects when it is made. Here a call waits for one time-out
at most, a node that hangs has a breaker of its own, and the map of slots is renewed beside the calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import Any

import redis
import structlog
from redis.cluster import ClusterNode
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    RedisClusterException,
    SlotNotCoveredError,
    TryAgainError,
)

from engagement.breaker import Breaker, BreakerOpenError, Verdict
from engagement.hot.commands import Command
from engagement.hot.keys import SHARDS, shard_keys
from engagement.hot.server import ERRORS, Server, judge

log = structlog.get_logger()

HOPS = 30
"""Times that one call is sent, to follow where MOVED and ASK lead."""
ROUNDS = 3
"""Times that many commands are sent to where they have moved meanwhile."""
WAIT = 0.02
"""Seconds before a command whose keys are half moved (TRYAGAIN) is sent again."""
MOVING = 0.3
"""Seconds that one call goes after a slot that is being moved."""
RENEW = 0.25
"""Seconds between two renewals of the map of slots."""
QUICK = 0.2
"""Seconds that a call waits for a renewed map, when its node refused quickly."""

Make = Callable[[], redis.RedisCluster]
_Node: Any = ClusterNode  # most of the driver's cluster has no types


class Cluster:
    """Sends commands to the primaries that serve their slots. Raises `ERRORS`."""

    def __init__(self, make: Make, timeout: float) -> None:
        """`make` connects, at the first command; its nodes are waited for `timeout` seconds."""
        self.timeout = timeout
        self._make = make
        self._made: Any = None
        self._making = Lock()
        self._breaker = Breaker("redis", _judge_start)
        self._seeds: list[tuple[str, int]] = []
        self._servers: dict[str, Server] = {}
        self._guard = Lock()
        self._renewal: Thread | None = None
        self._renewed = 0.0

    @property
    def client(self) -> Any:
        """The driver's `RedisCluster`. Raises `ERRORS` while no node answers."""
        if self._made is None:
            if not self._making.acquire(timeout=self.timeout):
                raise redis.TimeoutError("another thread is still looking for the cluster")
            try:
                if self._made is None:
                    with self._breaker.watch():
                        made = self._make()
                    self._seeds = [(node.host, node.port) for node in made.startup_nodes]
                    self._made = made
            finally:
                self._making.release()
        return self._made

    @property
    def outages(self) -> list[str]:
        """The nodes that are known to hang or to be down."""
        breakers = [self._breaker, *(server.breaker for server in list(self._servers.values()))]
        return [breaker.store for breaker in breakers if breaker.is_open]

    def primaries(self) -> list[Server]:
        """Every node that takes writes."""
        return [self._server(node) for node in self.client.get_primaries()]

    def send(self, command: Command[Any]) -> Any:
        """The raw reply of the node that serves the command's keys."""
        return self._send(command)

    def send_each(self, many: Sequence[Command[Any]]) -> list[Any]:
        """Raw replies, one round trip to each node, and in place of those that failed what went wrong.

        A node that fails takes no other's commands with it.
        """
        replies: list[Any] = [None] * len(many)
        left = list(range(len(many)))
        hung: redis.TimeoutError | None = None
        for _ in range(ROUNDS):
            for server, those in self._by_server(many, left, replies).items():
                found: list[Any] = [hung] * len(those)
                if hung is None:  # else this call has waited enough
                    found = server.send_each([many[i] for i in those])
                    self._learn(server, found)
                    hung = found[0] if isinstance(found[0], redis.TimeoutError) else None
                for i, reply in zip(those, found, strict=True):
                    replies[i] = reply
            left = [i for i in left if isinstance(replies[i], MovedError)]
            if not left:
                break
        until = time.monotonic() + MOVING
        for i, reply in enumerate(replies):
            if isinstance(reply, (AskError, TryAgainError)):  # a slot is being moved: one by one
                try:
                    replies[i] = self._send(many[i], until)
                except ERRORS as error:
                    replies[i] = error
        return replies

    def ping(self) -> None:
        """Raises `ERRORS` unless every primary that serves our keys answers for them."""
        shards: dict[Server, int] = {}
        for shard in range(SHARDS):
            shards.setdefault(self._serving(shard_keys(shard)[4]), shard)
        for shard in shards.values():
            self.send(Command(None, (), ("EXISTS", shard_keys(shard)[4]), bool))

    def close(self) -> None:
        """Close every connection."""
        if self._made is not None:
            self._made.close()

    def _send(self, command: Command[Any], until: float | None = None) -> Any:
        """It goes after a slot that is being moved until the moment `until`."""
        server, asking = self._serving(command.key), False
        began = time.monotonic()
        until = until or began + MOVING
        for hop in range(1, HOPS + 1):
            try:
                return server.send_asking(command) if asking else server.send(command)
            except (AskError, TryAgainError) as error:  # MOVED is an AskError
                if hop == HOPS or time.monotonic() > until:
                    raise
                if isinstance(error, TryAgainError):
                    time.sleep(WAIT)
                server, asking = self._redirected(server, command, error)
            except ClusterDownError:
                self._renew(server)
                raise
            except (redis.ConnectionError, redis.TimeoutError, BreakerOpenError) as error:
                another = self._instead_of(server, command, error, began)
                if another is None or hop == HOPS:
                    raise
                server, asking = another, False
        raise AssertionError("unreachable")

    def _redirected(
        self, server: Server, command: Command[Any], error: AskError | TryAgainError
    ) -> tuple[Server, bool]:
        """Where to send the command next, and whether ASKING goes before it."""
        match error:
            case MovedError():
                return self._moved(server, error), False
            case AskError():
                return self._server(self._node(server, error)), True
        return self._serving(command.key), False

    def _instead_of(
        self, server: Server, command: Command[Any], error: Exception, began: float
    ) -> Server | None:
        """Who has taken the place of a server that is away, if that is known soon."""
        self._renew(server)
        if isinstance(error, redis.TimeoutError) or time.monotonic() - began > self.timeout / 2:
            return None  # one time-out is all that a call may cost
        if self._renewal is not None and not isinstance(error, BreakerOpenError):
            self._renewal.join(QUICK)
        another = self._serving(command.key)
        return None if another is server else another

    def _by_server(
        self, many: Sequence[Command[Any]], left: list[int], replies: list[Any]
    ) -> dict[Server, list[int]]:
        """Which of the commands go where; what can't go anywhere is answered with its error."""
        groups: dict[Server, list[int]] = {}
        for i in left:
            try:
                groups.setdefault(self._serving(many[i].key), []).append(i)
            except ERRORS as error:
                replies[i] = error
        return groups

    def _learn(self, server: Server, found: list[Any]) -> None:
        """What replies tell about the cluster: moved slots, and nodes that are away."""
        for reply in found:
            if isinstance(reply, MovedError):
                self._moved(server, reply)
            elif isinstance(
                reply, (ClusterDownError, redis.ConnectionError, redis.TimeoutError, BreakerOpenError)
            ):
                self._renew(server)

    def _serving(self, key: str) -> Server:
        client = self.client
        try:
            return self._server(client.nodes_manager.get_node_from_slot(key_slot(key.encode())))
        except SlotNotCoveredError as error:
            self._renew(None)
            raise ClusterDownError("CLUSTERDOWN no node serves the slot") from error

    def _server(self, node: ClusterNode) -> Server:
        server = self._servers.get(node.name)
        if server is None:
            with self._guard:
                server = self._servers.get(node.name)
                if server is None:
                    connection = self.client.get_redis_connection(node)
                    server = self._servers[node.name] = Server(connection, f"redis {node.name}")
        return server

    def _moved(self, server: Server, error: MovedError) -> Server:
        """The slot's new server; others of its slots have most often moved as well."""
        self._node(server, error)
        self.client.nodes_manager.move_slot(error)
        self._renew(None)
        return self._server(self.client.nodes_manager.get_node_from_slot(error.slot_id))

    def _node(self, server: Server, error: AskError) -> Any:
        """The node that a redirection names; without a host, it is where the answer came from."""
        if not error.host:
            error.host = server.client.connection_pool.connection_kwargs["host"]
        node = self.client.get_node(error.host, error.port)
        return node or _Node(error.host, error.port, "primary")

    def _renew(self, failed: Server | None) -> None:
        """Ask for the map of slots anew, beside the calls (a node that is asked may hang); `failed` last."""
        with self._guard:
            under_way = self._renewal is not None and self._renewal.is_alive()
            if under_way or time.monotonic() - self._renewed < RENEW:
                return
            self._renewed = time.monotonic()
            self._renewal = Thread(
                target=self._ask_for_slots, args=(failed,), name="redis-cluster-slots", daemon=True
            )
            self._renewal.start()

    def _ask_for_slots(self, failed: Server | None) -> None:
        name = next((name for name, server in self._servers.items() if server is failed), None)
        try:
            self.client.nodes_manager.initialize(
                additional_startup_nodes_info=self._seeds, last_failed_node_name=name
            )
            primaries = {node.name for node in self.client.get_primaries()}
        except ERRORS as error:
            log.warning("no node of the cluster tells its slots", error=str(error))
            return
        with self._guard:  # who is no primary any more is called no more, and must not be told as an outage
            for name in self._servers.keys() - primaries:
                self._servers.pop(name).breaker.forget()


def _judge_start(error: Exception) -> Verdict:
    """No node answered: whoever looks for them again waits for each of them."""
    return Verdict.HUNG if isinstance(error, RedisClusterException) else judge(error)
