"""A real Redis Cluster on loopback: its nodes are killed and hung, its slots move, its replicas take over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from tests.servers.redis import RedisNode
from tests.waiting import until

SLOTS = 16_384


class ClusterNode(RedisNode):
    """One node; its id stays when it is killed."""

    def __init__(
        self, folder: Path, durability: str, node_timeout: int, replicates: ClusterNode | None = None
    ) -> None:
        super().__init__(
            folder,
            durability,
            cluster_enabled="yes",
            cluster_node_timeout=str(node_timeout),
            cluster_announce_ip="127.0.0.1",
            cluster_replica_validity_factor="0",
            repl_diskless_sync_delay="0",
        )
        self.replicates = replicates
        self.id: str = self.ask("CLUSTER MYID").decode()

    def ask(self, command: str, *arguments: str | int) -> Any:
        """Send a command to this node alone."""
        with redis.Redis.from_url(self.url, socket_timeout=10) as client:
            send: Any = client.connection_pool.get_connection()
            try:
                send.send_command(*command.split(), *arguments)
                return send.read_response()
            finally:
                client.connection_pool.release(send)

    def is_primary(self) -> bool:
        return bool(self.ask("ROLE")[0] == b"master")

    def is_following(self) -> bool:
        """Is it a replica with a link to its primary?"""
        role = self.ask("ROLE")
        return bool(role[0] == b"slave" and role[3] == b"connected")

    def finds_well(self, up: set[str]) -> bool:
        """Does this node see every slot served, by nodes with the ids `up`?"""
        serving = {bytes(primary[2]).decode() for _, _, primary, *_ in self.ask("CLUSTER SLOTS")}
        return b"cluster_state:ok" in self.ask("CLUSTER INFO") and serving <= up

    def known(self) -> dict[str, set[str]]:
        """The flags of every node it has met, by id."""
        lines = self.ask("CLUSTER NODES").decode().splitlines()
        return {line.split()[0]: set(line.split()[2].split(",")) for line in lines}

    def owner(self, slot: int) -> str:
        """The id of the primary that this node believes to serve `slot`."""
        for first, last, primary, *_ in self.ask("CLUSTER SLOTS"):
            if first <= slot <= last:
                return bytes(primary[2]).decode()
        raise AssertionError(f"nobody serves slot {slot}")


class RedisCluster:
    """`masters` primaries that share the slots evenly, each with `replicas` replicas."""

    def __init__(
        self,
        folder: Path,
        masters: int = 3,
        replicas: int = 0,
        *,
        durability: str = "always",
        node_timeout: int = 1_000,
    ) -> None:
        """`node_timeout` in milliseconds: a node that is silent so long has failed."""
        self.nodes: list[ClusterNode] = []
        try:
            for n in range(masters):
                self.nodes.append(ClusterNode(folder / f"primary-{n}", durability, node_timeout))
            for n in range(replicas * masters):
                primary = self.nodes[n % masters]
                self.nodes.append(ClusterNode(folder / f"replica-{n}", durability, node_timeout, primary))
            self._join(masters)
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """Names every node."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    @property
    def primaries(self) -> list[ClusterNode]:
        """Those that serve slots now, of the nodes that are up."""
        return [node for node in self.nodes if node.up and node.is_primary()]

    def client(self) -> redis.RedisCluster:
        first = self.nodes[0]
        return redis.RedisCluster(host="127.0.0.1", port=first.port)

    def flush(self) -> None:
        """Empty every node."""
        for node in self.primaries:
            node.ask("FLUSHALL")

    def serving(self, slot: int) -> ClusterNode:
        """The primary of a slot, as the nodes that are up agree."""
        (owner,) = {node.owner(slot) for node in self.nodes if node.up}
        return next(node for node in self.nodes if node.id == owner)

    def wait_ok(self) -> None:
        """Until every node that is up sees all slots served, by nodes that are up."""
        up = [node for node in self.nodes if node.up]
        ids = {node.id for node in up}
        until(lambda: all(node.finds_well(ids) for node in up), within=60)

    def move_slot(self, slot: int, to: ClusterNode) -> None:
        """Bring a slot and its keys to another primary, as redis-cli does it."""
        with self.half_moved(slot, to):
            pass

    @contextlib.contextmanager
    def half_moved(self, slot: int, to: ClusterNode, keys: int = 0) -> Iterator[None]:
        """Begin to move a slot, with so many of its keys; the rest follows at the end."""
        source = self.serving(slot)
        to.ask("CLUSTER SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER SETSLOT", slot, "MIGRATING", to.id)
        if keys:
            self._migrate(source, to, slot, keys)
        yield
        while self._migrate(source, to, slot, 100):
            pass
        for node in [to, source, *(node for node in self.primaries if node not in (to, source))]:
            node.ask("CLUSTER SETSLOT", slot, "NODE", to.id)
        until(lambda: all(node.owner(slot) == to.id for node in self.nodes if node.up))

    def fail_over(self, replica: ClusterNode, option: str = "") -> None:
        """Let a replica take its primary's place; `option` is FORCE or TAKEOVER where the primary is down."""
        replica.ask("CLUSTER FAILOVER", *option.split())
        until(replica.is_primary)
        self.wait_ok()

    def kill(self) -> None:
        """Every node at once."""
        for node in self.nodes:
            node.kill()

    def start(self) -> None:
        """Every node that is down; takes the 2 seconds for which a node that restarts refuses writes."""
        for node in self.nodes:
            if not node.up:
                node.start()
        self.wait_ok()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    @staticmethod
    def _migrate(source: ClusterNode, to: ClusterNode, slot: int, keys: int) -> int:
        """Bring so many keys of a slot over: how many there were."""
        names = source.ask("CLUSTER GETKEYSINSLOT", slot, keys)
        if names:
            source.ask("MIGRATE", "127.0.0.1", to.port, "", 0, 5_000, "KEYS", *names)
        return len(names)

    def _join(self, masters: int) -> None:
        for epoch, node in enumerate(self.nodes, 1):
            node.ask("CLUSTER SET-CONFIG-EPOCH", epoch)
        for n, node in enumerate(self.nodes[:masters]):
            first, after = SLOTS * n // masters, SLOTS * (n + 1) // masters
            try:
                node.ask("CLUSTER ADDSLOTSRANGE", first, after - 1)
            except redis.ResponseError:  # before Redis 7
                node.ask("CLUSTER ADDSLOTS", *range(first, after))
        for node in self.nodes[1:]:
            self.nodes[0].ask("CLUSTER MEET", "127.0.0.1", node.port)
        ids = {node.id for node in self.nodes}
        until(lambda: all(node.known().keys() == ids for node in self.nodes))
        for node in self.nodes[masters:]:
            assert node.replicates is not None
            node.ask("CLUSTER REPLICATE", node.replicates.id)
        until(lambda: all(node.is_following() for node in self.nodes[masters:]))
        self.wait_ok()
