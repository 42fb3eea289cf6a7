"""Posts at the same moment: what looks for other comments sees each of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.hot.connection import Hot
from engagement.hot.turns import Turns
from engagement.settings import Settings
from tests.staffing import headers_of

SITE = "/v1/demo/admin/policy"
RULES = "/v1/demo/admin/rules"
AT_ONCE, ROUNDS = 6, 5
Headers = dict[str, str]


@pytest.fixture
def apps(app: Flask, settings: Settings) -> list[Flask]:
    """Two processes, as far as what they remember goes."""
    return [app, create_app(settings)]


def at_once(apps: list[Flask], posts: list[tuple[str, Headers, str]]) -> list[Any]:
    """Post these (article, reader, text), all at the same moment; the answers, in no order."""
    start = Barrier(len(posts))

    def post(n: int, article: str, reader: Headers, text: str) -> Any:
        client = apps[n % len(apps)].test_client()
        start.wait()
        url = f"/v1/demo/articles/{article}/comments"
        return client.post(url, json={"body": text}, headers=reader)

    with ThreadPoolExecutor(len(posts)) as pool:
        return list(pool.map(post, range(len(posts)), *zip(*posts, strict=True)))


def test_in_slow_mode_one_comment_of_a_reader_is_taken_however_many_come_at_once(
    apps: list[Flask], client: FlaskClient, database: Database, new_reader: Callable[..., Headers]
) -> None:
    admin = headers_of(database)
    found: Any = client.get(SITE, headers=admin)
    version = {"If-Match": found.headers["ETag"]}
    answer = client.patch(SITE, json={"slow_mode": 3_600}, headers=admin | version)
    assert answer.status_code == 200, answer.text
    for n in range(ROUNDS):  # to an article that isn't there yet
        reader = new_reader()
        answers = at_once(apps, [(f"a{n}", reader, f"I say {k} of {n}") for k in range(AT_ONCE)])
        assert sorted(answer.status_code for answer in answers) == [201] + [429] * (AT_ONCE - 1)
        late = client.post(f"/v1/demo/articles/a{n}/comments", json={"body": "More"}, headers=reader)
        assert int(late.headers["Retry-After"]) > 3_000


def test_of_the_same_text_at_once_one_is_let_through(
    apps: list[Flask], client: FlaskClient, database: Database, new_reader: Callable[..., Headers]
) -> None:
    rule = {
        "name": "Twice", "kind": "duplicate", "action": "hold", "reason": "duplicate",
        "settings": {"others": 1, "within": 3_600, "min_length": 10},
    }  # fmt: skip
    answer = client.post(RULES, json=rule, headers=headers_of(database))
    assert answer.status_code == 201, answer.text
    readers = [new_reader() for _ in range(AT_ONCE)]
    for n in range(ROUNDS):
        left = [
            (f"a{k}", reader, f"The same of everybody, {clock.new_id()}") for k, reader in enumerate(readers)
        ]
        left = [(article, reader, left[0][2]) for article, reader, _ in left]
        statuses = []
        while left:
            answers = at_once(apps, left)
            statuses += [answer.json["status"] for answer in answers if answer.status_code == 201]
            left = [post for post, answer in zip(left, answers, strict=True) if answer.status_code == 429]
        assert sorted(statuses) == ["approved"] + ["pending"] * (AT_ONCE - 1), n


def test_a_post_that_fails_leaves_nobody_waiting(
    client: FlaskClient, database: Database, reader: Headers
) -> None:
    admin = headers_of(database)
    version = {"If-Match": client.get(SITE, headers=admin).headers["ETag"]}
    assert client.patch(SITE, json={"slow_mode": 3_600}, headers=admin | version).status_code == 200
    url, missing = "/v1/demo/articles/a/comments", str(clock.new_id())
    refused = client.post(url, json={"body": "I answer", "parent_id": missing}, headers=reader)
    assert refused.status_code in (404, 422)
    assert client.post(url, json={"body": "I say"}, headers=reader).status_code == 201
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(comments)) == 1


@pytest.mark.every_redis
def test_a_turn_is_one_at_a_time_and_ended_by_whose_it_is(hot: Hot) -> None:
    turns = Turns(hot)
    mine = turns.take("something")
    assert mine is not None
    assert turns.take("something") is None
    other = turns.take("else")
    assert other is not None
    turns.end(type(mine)(mine.key, other.token))
    assert turns.take("something") is None
    turns.end(mine)
    assert turns.take("something") is not None
