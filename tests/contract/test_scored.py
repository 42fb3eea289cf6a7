"""Rules that ask a scorer: what a text's score does to it, and what is done when there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from engagement.db.engine import Database
from engagement.settings import Settings
from tests.servers.web import Asked, Told, WebServer
from tests.staffing import headers_of

COMMENTS = "/v1/demo/articles/story/comments"
Headers = dict[str, str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, fetch_inside=("127.0.0.1",))


@pytest.fixture
def scorer() -> Iterator[WebServer]:
    """Takes for spam what says that it is."""

    def answer(asked: Asked) -> Told:
        spam = b"spam" in asked.body
        return Told(b'{"score": 0.93, "label": "spam"}' if spam else b'{"score": 0.1}')

    server = WebServer(answer)
    yield server
    server.stop()


Make = Callable[..., Any]


@pytest.fixture
def make(client: FlaskClient, database: Database, scorer: WebServer) -> Make:
    """Makes a rule that asks the scorer."""

    def make(settings: dict[str, Any] | None = None, **more: Any) -> Any:
        asks = {"scorer": "http", "url": f"{scorer.url}/score", "secret": "a secret"} | (settings or {})
        rule = {"name": "A scorer", "kind": "scorer", "action": "hold", "settings": asks} | more
        answer = client.post("/v1/demo/admin/rules", json=rule, headers=headers_of(database))
        assert answer.status_code == 201, answer.text
        assert "a secret" not in answer.text
        return answer.json

    return make


def post(client: FlaskClient, reader: Headers, text: str) -> tuple[str, str | None]:
    answer = client.post(COMMENTS, json={"body": text}, headers=reader)
    assert answer.status_code == 201, answer.text
    assert answer.json is not None
    return answer.json["status"], answer.json.get("held_for")


def test_a_text_that_scores_high_is_held_and_another_is_not(
    client: FlaskClient, reader: Headers, make: Make, scorer: WebServer
) -> None:
    make()
    assert post(client, reader, "A kind word") == ("approved", None)
    assert post(client, reader, "This is spam") == ("pending", "scorer")
    assert len(scorer.asked) == 2


@pytest.mark.parametrize(
    ("when_down", "becomes"), [("hold", ("pending", "scorer_down")), ("approve", ("approved", None))]
)
def test_when_the_scorer_is_down_the_rule_says_what_becomes_of_a_text(
    client: FlaskClient,
    reader: Headers,
    make: Make,
    scorer: WebServer,
    when_down: str,
    becomes: tuple[str, str | None],
) -> None:
    make({"when_down": when_down})
    scorer.answer = lambda _: Told(b"out of order", 500)
    for number in range(4):  # the last ones are not even asked about
        assert post(client, reader, f"Word {number} of mine") == becomes
    assert len(scorer.asked) == 3


def test_in_shadow_mode_a_scorer_is_asked_and_holds_nothing(
    client: FlaskClient, reader: Headers, make: Make, scorer: WebServer
) -> None:
    make(mode="shadow")
    assert post(client, reader, "This is spam") == ("approved", None)
    assert len(scorer.asked) == 1
