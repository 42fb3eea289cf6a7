"""Ports from the kernel that stay ours while their server is dead."""

from __future__ import annotations

import socket

BUS = 10_000
"""A cluster node listens for the others this many ports higher."""


class HeldPort:
    """A free loopback port, held by a bound socket that never listens.

    The kernel gives it to no other socket meanwhile, and a server that sets SO_REUSEADDR (Redis and
    PostgreSQL do) binds and listens beside it, as often as it is started.
    """

    def __init__(self, *, with_bus: bool = False) -> None:
        """`with_bus` holds the port of a cluster node's bus as well."""
        while True:
            self._held = [_bound(0)]
            self.number: int = self._held[0].getsockname()[1]
            if not with_bus:
                return
            try:
                self._held.append(_bound(self.number + BUS))
            except (OSError, OverflowError):
                self.release()
                continue
            return

    def release(self) -> None:
        for held in self._held:
            held.close()


def _bound(port: int) -> socket.socket:
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind(("127.0.0.1", port))
    except BaseException:
        held.close()
        raise
    return held
