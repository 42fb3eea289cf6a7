"""Limits per reader and per network; without Redis they let through."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from engagement.app import create_app
from engagement.settings import Settings

pytestmark = pytest.mark.every_redis
A = "/v1/demo/articles/story"
Headers = dict[str, str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(
        settings,
        ratelimit_enabled=True,
        ratelimit_readers="3/hour",
        ratelimit_articles="2/hour",
        ratelimit_choices="4/minute",
        ratelimit_comments="2/minute",
        ratelimit_network_factor=2,
        trusted_proxies=(ip_network("127.0.0.0/8"),),
    )


def mint(client: FlaskClient, address: str) -> Headers:
    answer = client.post("/v1/demo/readers", json={}, headers={"X-Forwarded-For": address})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json['token']}", "X-Forwarded-For": address}  # type: ignore[index]


def test_readers_are_limited_per_network(client: FlaskClient) -> None:
    for last in range(3):
        mint(client, f"192.0.2.{last}")
    answer = client.post("/v1/demo/readers", json={}, headers={"X-Forwarded-For": "192.0.2.99"})
    assert answer.status_code == 429
    assert answer.mimetype == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 3_600
    mint(client, "192.0.3.1")


def test_choices_are_limited_per_reader_and_per_network(client: FlaskClient) -> None:
    readers = [mint(client, "192.0.2.1") for _ in range(3)]
    for mood in ("sad", "happy", "angry", "afraid"):
        assert client.put(f"{A}/reaction", json={"mood": mood}, headers=readers[0]).status_code == 200
    assert client.put(f"{A}/reaction", json={"mood": "sad"}, headers=readers[0]).status_code == 429
    assert client.get(f"{A}/reactions").json["top_mood"] == "afraid"  # type: ignore[index]
    codes = [
        client.put(f"{A}/reaction", json={"mood": mood}, headers=reader).status_code
        for reader in readers[1:]
        for mood in ("sad", "happy", "angry")
    ]
    assert (
        codes == [200] * 4 + [429] * 2 or codes == [200] * 3 + [429] * 3
    )  # the fifth of the first one counts


def test_comments_are_limited(client: FlaskClient) -> None:
    reader = mint(client, "192.0.2.1")
    codes = [
        client.post(f"{A}/comments", json={"body": str(n)}, headers=reader).status_code for n in range(3)
    ]
    assert codes == [201, 201, 429]


def test_a_reader_who_is_refused_uses_up_nothing_of_the_network(client: FlaskClient) -> None:
    hasty, calm, last = (mint(client, "192.0.2.1") for _ in range(3))
    codes = [
        client.post(f"{A}/comments", json={"body": f"thought {n}"}, headers=reader).status_code
        for n, reader in enumerate([*[hasty] * 9, calm, calm, last])
    ]
    assert codes == [201] * 2 + [429] * 7 + [201] * 2 + [429]


def test_new_articles_are_limited_per_network(client: FlaskClient) -> None:
    reader = mint(client, "192.0.2.1")
    codes = [
        client.put(f"/v1/demo/articles/{name}/reaction", json={"mood": "sad"}, headers=reader).status_code
        for name in ("one", "two", "one", "three")
    ]
    assert codes == [200, 200, 200, 429]
    assert client.get("/v1/demo/counts?article=three").json["articles"]["three"]["reactions"] == 0  # type: ignore[index]


def test_forwarded_headers_of_strangers_are_not_believed(settings: Settings) -> None:
    client = create_app(replace(settings, trusted_proxies=())).test_client()
    codes = [
        client.post("/v1/demo/readers", json={}, headers={"X-Forwarded-For": f"192.0.{n}.1"}).status_code
        for n in range(4)
    ]
    assert codes == [201, 201, 201, 429]


def test_without_redis_the_limits_let_through_and_count_it(settings: Settings, tmp_path: Path) -> None:
    name = "engagement_ratelimit_failed_open_total"
    before = REGISTRY.get_sample_value(name) or 0
    client = create_app(replace(settings, redis_url=f"unix://{tmp_path}/no.sock")).test_client()
    for _ in range(5):
        mint(client, "192.0.2.1")
    assert (REGISTRY.get_sample_value(name) or 0) == before + 5


def test_a_refused_name_costs_nothing(client: FlaskClient) -> None:
    for _ in range(5):
        answer = client.post(
            "/v1/demo/readers", json={"name": "x" * 61}, headers={"X-Forwarded-For": "192.0.2.1"}
        )
        assert answer.status_code == 422
    mint(client, "192.0.2.1")


def test_sending_the_same_comment_again_costs_nothing(client: FlaskClient) -> None:
    reader = mint(client, "192.0.2.1") | {"Idempotency-Key": "1"}
    codes = [client.post(f"{A}/comments", json={"body": "x"}, headers=reader).status_code for _ in range(6)]
    assert codes == [201] * 6
