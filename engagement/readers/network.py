"""Where a request comes from: the client's network, kept only as a keyed hash."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from hashlib import blake2b

from engagement.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(peer: str | None, forwarded_for: str | None, proxies: Sequence[Network]) -> Address | None:
    """The address nearest to us that is not one of our proxies; None if the peer has none (a Unix socket).

    `X-Forwarded-For` is read from its right end, and only as far as named proxies wrote it.
    """
    address = _parse(peer)
    hops = [hop.strip() for hop in (forwarded_for or "").split(",") if hop.strip()]
    while address is not None and hops and any(address in proxy for proxy in proxies):
        before = _parse(hops.pop())
        if before is None:
            break
        address = before
    return address


def network_hash(address: Address | None, secret_key: str) -> str:
    """Keyed hash of the /24 (IPv4) or /48 (IPv6) of an address: 24 hex characters."""
    if address is None:
        text = "local"
    else:
        prefix = 24 if address.version == 4 else 48
        text = str(ipaddress.ip_network((address, prefix), strict=False))
    key = blake2b(secret_key.encode(), digest_size=32, person=b"network").digest()
    return blake2b(text.encode(), key=key, digest_size=12).hexdigest()


def _without_port(text: str) -> str:
    """Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _parse(text: str | None) -> Address | None:
    try:
        address = ipaddress.ip_address(_without_port(text or ""))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
