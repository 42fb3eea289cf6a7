"""Moods through the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from engagement.worker.loop import Worker
from tests.kinds import AnyRedis

pytestmark = pytest.mark.every_redis
A = "/v1/demo/articles/story"
Headers = dict[str, str]


def count(body: Any, key: str) -> int:
    return next(int(mood["count"]) for mood in body["moods"] if mood["key"] == key)


def test_moods_stand_in_their_order_with_stable_keys(client: FlaskClient) -> None:
    moods = client.get(f"{A}/reactions").json["moods"]  # type: ignore[index]
    assert [mood["key"] for mood in moods] == [
        "happy", "sad", "angry", "dont_care", "inspired", "afraid", "amused", "annoyed",
    ]  # fmt: skip


def test_a_reaction_is_answered_with_the_new_tally(client: FlaskClient, reader: Headers) -> None:
    answer = client.put(f"{A}/reaction", json={"mood": "inspired"}, headers=reader)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["mood"] == "inspired"
    assert count(answer.json["reactions"], "inspired") == 1
    assert answer.json["reactions"]["total"] == 1
    assert answer.json["reactions"]["top_mood"] == "inspired"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_second_reaction_replaces_the_first(client: FlaskClient, reader: Headers) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    body: Any = client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader).json
    assert (count(body["reactions"], "happy"), count(body["reactions"], "sad")) == (0, 1)


def test_the_same_reaction_twice_counts_once(client: FlaskClient, reader: Headers) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    body: Any = client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader).json
    assert body["reactions"]["total"] == 1


def test_a_reaction_is_taken_back(client: FlaskClient, reader: Headers) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    body: Any = client.delete(f"{A}/reaction", headers=reader).json
    assert body["mood"] is None
    assert body["reactions"]["total"] == 0
    assert body["reactions"]["top_mood"] is None


def test_taking_back_nothing_on_an_unknown_article_makes_no_article(
    client: FlaskClient, reader: Headers
) -> None:
    body: Any = client.delete(f"{A}/reaction", headers=reader).json
    assert body["reactions"]["total"] == 0


def test_shares_sum_to_a_hundred(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker
) -> None:
    for mood in ("happy", "sad", "angry"):
        client.put(f"{A}/reaction", json={"mood": mood}, headers=new_reader())
    body: Any = client.get(f"{A}/reactions").json
    assert [mood["share"] for mood in body["moods"]] == [34, 33, 33, 0, 0, 0, 0, 0]
    worker.drain()
    assert client.get(f"{A}/reactions").json == body


def test_a_tally_outlives_its_view(
    client: FlaskClient, reader: Headers, worker: Worker, redis_server: AnyRedis
) -> None:
    client.put(f"{A}/reaction", json={"mood": "amused"}, headers=reader)
    worker.drain()
    redis_server.flush()
    body: Any = client.get(f"{A}/reactions").json
    assert count(body, "amused") == 1
    body = client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader).json
    assert (count(body["reactions"], "amused"), count(body["reactions"], "sad")) == (0, 1)


def test_readers_do_not_move_each_others_mood(
    client: FlaskClient, new_reader: Callable[..., Headers]
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=new_reader())
    body: Any = client.put(f"{A}/reaction", json={"mood": "sad"}, headers=new_reader()).json
    assert body["reactions"]["total"] == 2
