"""The keys of issuers: kept, fetched again, used for a while when their address is down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from engagement.errors import Unavailable
from engagement.fetching import Fetcher
from engagement.settings import Settings
from engagement.sso.keys import FRESH, PAUSE, STALE, KeySets
from tests.servers.web import Asked, Told, WebServer


class World:
    """An address of keys, and a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.shown: Any = []
        self.status = 200
        self.server = WebServer(self.answer)
        settings = Settings(database_url="", redis_url="", secret_key="", fetch_inside=("127.0.0.1",))
        self.sets = KeySets(Fetcher(settings), lambda: self.now)

    def answer(self, _: Asked) -> Told:
        return Told(json.dumps({"keys": self.shown}).encode(), self.status)

    def find(self, kid: str | None = None, algorithm: str = "ES256") -> int:
        return len(self.sets.find(self.server.url, algorithm, kid))


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.server.stop()


def public(kid: str, **more: Any) -> dict[str, Any]:
    return ECKey.generate_key("P-256", {"kid": kid}).as_dict(private=False) | more


def test_keys_are_kept(world: World) -> None:
    world.shown = [public("a"), public("b")]
    assert (world.find("a"), world.find("b"), world.find()) == (1, 1, 2)
    assert len(world.server.asked) == 1


def test_an_unknown_key_is_asked_for_but_not_every_time(world: World) -> None:
    world.shown = [public("a")]
    assert world.find("a") == 1
    world.shown.append(public("b"))
    assert (world.find("b"), world.find("c")) == (0, 0)
    assert len(world.server.asked) == 1
    world.now += PAUSE
    assert world.find("b") == 1
    assert (world.find("c"), world.find("d")) == (0, 0)
    assert len(world.server.asked) == 2


def test_a_key_that_is_shown_no_more_is_good_no_more_once_that_is_known(world: World) -> None:
    world.shown = [public("a")]
    assert world.find("a") == 1
    world.shown = [public("b")]
    world.now += FRESH + 1
    assert (world.find("a"), world.find("b")) == (0, 1)


def test_old_keys_are_used_while_their_address_is_down_and_not_for_ever(world: World) -> None:
    world.shown = [public("a")]
    assert world.find("a") == 1
    world.status = 500
    world.now += FRESH + 1
    assert world.find("a") == 1
    world.now += STALE - FRESH - 2
    assert world.find("a") == 1
    world.now += 2
    with pytest.raises(Unavailable):
        world.find("a")
    world.status = 200
    world.now += PAUSE
    assert world.find("a") == 1


def test_an_address_that_never_answered_is_an_outage(world: World) -> None:
    world.status = 404
    with pytest.raises(Unavailable):
        world.find("a")
    with pytest.raises(Unavailable):
        world.find("a")
    assert len(world.server.asked) == 1


@pytest.mark.parametrize("shown", ["x", None, {}, 7])
def test_what_is_no_set_of_keys_leaves_what_was_known(world: World, shown: Any) -> None:
    world.shown = [public("a")]
    assert world.find("a") == 1
    world.shown = shown
    world.now += FRESH + 1
    assert world.find("a") == 1


def test_keys_that_are_not_for_it_are_left_out(world: World) -> None:
    good = RSAKey.generate_key(2048, {"kid": "small"}).as_dict(private=False)
    small = good | {"n": str(good["n"])[:170]}
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}
    world.shown = [
        public("enc", use="enc"), public("other", alg="RS256"), public("good", alg="ES256", use="sig"),
        ECKey.generate_key("P-384", {"kid": "p384"}).as_dict(private=False), small, secret, 7,
        {"kty": "EC", "crv": "P-256", "kid": "broken", "x": "AA", "y": "AA"},
    ]  # fmt: skip
    assert world.find() == world.find("good") == 1
    for kid in ("enc", "other", "p384", "small", "oct", "broken"):
        assert world.find(kid) == 0
    assert world.find(None, "RS256") == 0
