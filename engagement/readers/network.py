"""Where a request comes from: the client's network, kept only as a keyed hash."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

from engagement.readers.network_keys import NetworkKey
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


class NetworkHash(str):
    """The keyed hash of a network as it is stored, `3:…`: the number of its key before it.

    `counted` is another hash, for the rate limits, and kept for as long as they count: it outlives a change
    of the key, and needs no database.
    """

    __slots__ = ("counted",)
    counted: str


def network_hash(address: Address | None, key: NetworkKey, secret_key: str) -> NetworkHash:
    """Of the /24 (IPv4) or /48 (IPv6) of an address: at most 32 characters.

    It needs the secret as well: who has the database alone can't try all networks out.
    """
    text = _network(address)
    secret, own = _secrets(key, secret_key)
    found = NetworkHash(f"{key.number}:{blake2b(text.encode(), key=own, digest_size=12).hexdigest()}")
    found.counted = blake2b(text.encode(), key=secret, digest_size=12, person=b"counted").hexdigest()
    return found


@lru_cache(64)
def _secrets(key: NetworkKey, secret_key: str) -> tuple[bytes, bytes]:
    """What is not of any address: for the hash that outlives a change of the key, and for the key's own."""
    secret = blake2b(secret_key.encode(), digest_size=32, person=b"network").digest()
    return secret, blake2b(key.key, key=secret, digest_size=32).digest()


def _network(address: Address | None) -> str:
    if address is None:
        return "local"
    if isinstance(address, ipaddress.IPv4Address):  # `ip_network` takes ten times as long
        return str(address).rpartition(".")[0] + ".0/24"
    rest = address.max_prefixlen - 48
    return f"{ipaddress.IPv6Address(int(address) >> rest << rest)}/48"


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
