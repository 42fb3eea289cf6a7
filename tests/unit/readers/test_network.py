"""Which network a request is counted for."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from engagement.db.tables import choices
from engagement.readers.network import client_address, network_hash
from engagement.readers.network_keys import NetworkKey

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
SECRET = "a secret"
KEY, NEXT = NetworkKey(3, b"k" * 32), NetworkKey(4, b"n" * 32)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # a stranger's header
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # the client's own invention is left of it
        ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9, , 10.0.0.2 ,", "203.0.113.9"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("", "198.51.100.7", None),
        (None, None, None),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: str | None, expected: str | None
) -> None:
    found = client_address(peer, forwarded, PROXIES)
    assert found == (None if expected is None else ip_address(expected))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8:1:2::3", "2001:db8:1:ffff::9", True),
        ("2001:db8:1::", "2001:db8:2::", False),
    ],
)
def test_a_network_is_a_24_or_a_48(one: str, other: str, same: bool) -> None:
    assert (
        network_hash(ip_address(one), KEY, SECRET) == network_hash(ip_address(other), KEY, SECRET)
    ) is same


def test_the_hash_needs_the_secret_and_the_key_and_holds_no_address() -> None:
    address = ip_address("192.0.2.1")
    found = network_hash(address, KEY, SECRET)
    assert re.fullmatch("3:[0-9a-f]{24}", found)
    assert found != network_hash(address, KEY, "another")
    assert found.removeprefix("3:") != network_hash(address, NEXT, SECRET).removeprefix("4:")
    assert network_hash(None, KEY, SECRET) != found


def test_what_limits_count_outlives_the_key_and_tells_nothing_of_the_hash_that_is_stored() -> None:
    address, other = ip_address("192.0.2.1"), ip_address("192.0.3.1")
    found, later = network_hash(address, KEY, SECRET), network_hash(address, NEXT, SECRET)
    assert found.counted == later.counted
    assert found.counted not in (found[2:], later[2:])
    assert found.counted != network_hash(other, KEY, SECRET).counted
    assert found.counted != network_hash(address, KEY, "another").counted


def test_the_number_of_any_key_that_there_will_be_fits_beside_the_hash() -> None:
    column: Any = choices.c.network.type
    assert len(network_hash(None, NetworkKey(9_999_999, b""), SECRET)) == column.length
