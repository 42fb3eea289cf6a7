"""Scorers: what they are asked, what they answer, and what becomes of those that don't."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from engagement.breaker import OPEN
from engagement.fetching import MAX_BYTES, Fetcher
from engagement.moderation.rules.scoring import Down, Score
from engagement.moderation.scorers import HttpScorers
from engagement.settings import Settings
from tests.servers.web import Asked, Told, WebServer

CONTEXT = {
    "site": "courier", "article": "night-train", "url": "https://courier.example/night-train",
    "title": "Night train", "reader": "01a2", "network": "not told",
}  # fmt: skip
SECRET = "a secret of the scorer"


class World:
    """A scorer that answers as a test says."""

    def __init__(self) -> None:
        self.told = Told(b'{"score": 0.25}')
        self.server = WebServer(lambda _: self.told)
        settings = Settings(database_url="", redis_url="", secret_key="", fetch_inside=("127.0.0.1",))
        self.scorers = HttpScorers(Fetcher(settings, timeout=0.5))

    def score(self, text: str = "Buy now", **more: Any) -> Score | Down:
        settings = {"scorer": "http", "url": f"{self.server.url}/score", "secret": SECRET} | more
        return self.scorers.score(settings, text, CONTEXT)

    @property
    def asked(self) -> list[Asked]:
        return self.server.asked


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.server.stop()


def test_a_scorer_is_asked_in_json_and_knows_who_asks(world: World) -> None:
    world.told = Told(b'{"score": 0.9, "label": "spam", "why": "sells\\u202e things"}')
    assert world.score("Buy \u00e9t\u00e9") == Score(0.9, "spam", "sells things")
    (asked,) = world.asked
    assert asked.path == "/score"
    assert json.loads(asked.body) == {"text": "Buy \u00e9t\u00e9"} | {
        name: CONTEXT[name] for name in ("site", "article", "url", "title", "reader")
    }
    signed = asked.headers["engagement-timestamp"].encode() + b"." + asked.body
    good = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert asked.headers["engagement-signature"] == f"v1={good}"


def test_akismet_is_asked_by_its_form(world: World) -> None:
    world.told = Told(b"true")
    answer = world.score("Buy & sell", scorer="akismet", secret="key")
    assert isinstance(answer, Score)
    assert (answer.value, answer.label) == (0.95, "spam")
    (asked,) = world.asked
    assert asked.headers["content-type"].startswith("application/x-www-form-urlencoded")
    form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    assert form["api_key"] == "key"
    assert form["blog"] == "https://courier.example/"
    assert form["permalink"] == CONTEXT["url"]
    assert form["comment_content"] == "Buy & sell"
    assert form["user_ip"] == "192.0.2.1"
    world.told = Told(b"true", headers={"X-akismet-pro-tip": "discard"})
    assert world.score(scorer="akismet") == Score(1.0, "spam", "Akismet takes it for spam.")
    world.told = Told(b"false")
    assert world.score(scorer="akismet") == Score(0.0)
    world.told = Told(b"invalid", headers={"X-akismet-debug-help": "no such key"})
    assert isinstance(world.score(scorer="akismet"), Down)


@pytest.mark.parametrize(
    "said",
    [
        b"", b"garbage", b"[]", b"7", b'"x"', b"null", b"{}", b'{"score": "0.5"}', b'{"score": 1.1}',
        b'{"score": -1}', b'{"score": true}', b'{"score": NaN}', b'{"score": null}', b"\xff\xfe",
        b'{"score": 1e999}',
        b"<html>",
    ],
)  # fmt: skip
def test_what_is_no_score_is_no_answer(world: World, said: bytes) -> None:
    world.told = Told(said)
    assert isinstance(world.score(), Down)


def test_a_label_that_can_not_be_shown_is_none(world: World) -> None:
    world.told = Told(json.dumps({"score": 1, "label": 7, "why": "\u200b"}).encode())
    assert world.score() == Score(1.0)
    world.told = Told(json.dumps({"score": 0, "label": "x" * 5_000}).encode())
    answer = world.score()
    assert isinstance(answer, Score)
    assert len(answer.label) == 100


@pytest.mark.parametrize("status", [201, 204, 302, 400, 401, 404, 429, 500, 503])
def test_an_error_is_no_answer(world: World, status: int) -> None:
    world.told = Told(b'{"score": 0.5}' if status != 204 else b"", status)
    assert isinstance(world.score(), Down)


def test_a_huge_answer_is_none(world: World) -> None:
    world.told = Told(b'{"score": 0.5}' + b" " * (MAX_BYTES + 1))
    assert isinstance(world.score(), Down)


def test_a_scorer_that_hangs_is_left_and_then_spared(world: World) -> None:
    def hang(_: Callable[[bytes], None]) -> None:
        world.server.stopping.wait(30)

    world.told = Told(raw=hang)
    answers = [world.score() for _ in range(6)]
    assert all(isinstance(answer, Down) for answer in answers)
    assert len(world.asked) == 3
    assert answers[-1] == Down("It was down a moment ago.")


def test_one_scorer_that_is_down_spares_no_other(world: World) -> None:
    world.told = Told(b"", 500)
    for _ in range(5):
        world.score()
    assert len(world.asked) == 3
    world.told = Told(b'{"score": 0.25}')
    assert world.score(url=f"{world.server.url}/another") == Score(0.25)


def test_each_scorer_has_a_gauge_of_its_own_that_tells_nothing_secret(world: World) -> None:
    world.told = Told(b"", 500)
    for _ in range(3):
        world.score(url=f"{world.server.url}/token-one?key=two")
    world.told = Told(b'{"score": 0.25}')
    world.score(url=f"{world.server.url}/another")
    place = world.server.url.removeprefix("http://")
    gauges = {
        sample.labels["store"]: sample.value
        for family in OPEN.collect()
        for sample in family.samples
        if place in sample.labels["store"]
    }
    assert sorted(gauges.values()) == [0.0, 1.0]
    assert all(re.fullmatch(rf"scorer {re.escape(place)} [0-9a-f]{{8}}", label) for label in gauges)


def test_a_scorer_in_a_private_network_is_not_asked(world: World) -> None:
    settings = Settings(database_url="", redis_url="", secret_key="")
    scorers = HttpScorers(Fetcher(settings, timeout=0.5))
    for url in (world.server.url, "https://10.0.0.1/", "https://localhost/", "nonsense"):
        assert isinstance(scorers.score({"url": url, "secret": SECRET}, "x", CONTEXT), Down)
    assert world.asked == []


def test_a_rule_that_names_no_address_or_no_scorer_gets_no_answer(world: World) -> None:
    assert isinstance(world.score(url=None), Down)
    assert isinstance(world.score(scorer="other"), Down)
