"""What goes on when a store is down."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import dead_letters
from engagement.settings import Settings
from engagement.sites.service import Sites
from engagement.worker.loop import Worker
from tests.stores import SqlStore
from tests.waiting import until

A = "/v1/demo/articles/story"
Headers = dict[str, str]


@pytest.fixture
def story(client: FlaskClient, reader: Headers, worker: Worker) -> Headers:
    """Somebody who has reacted and commented, all flushed."""
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    client.post(f"{A}/comments", json={"body": "before"}, headers=reader)
    worker.drain()
    return reader


@pytest.fixture
def without_redis(settings: Settings, story: Headers, tmp_path: Path) -> FlaskClient:
    return create_app(replace(settings, redis_url=f"unix://{tmp_path}/no.sock")).test_client()


@pytest.fixture
def without_sql(settings: Settings, sql_store: SqlStore, story: Headers, tmp_path: Path) -> FlaskClient:
    return create_app(replace(settings, database_url=sql_store.nowhere(tmp_path))).test_client()


def test_without_redis_everything_can_be_read_and_is_marked(without_redis: FlaskClient) -> None:
    footer = without_redis.get(f"{A}/footer")
    assert footer.headers["Engagement-Degraded"] == "redis"
    body: Any = footer.json
    assert body["reactions"]["total"] == 1
    assert body["counts"] == {"comments": 1, "reactions": 1}
    assert body["comments"]["total"] == 1
    for path in (f"{A}/reactions", "/v1/demo/counts?article=story&article=nope"):
        answer = without_redis.get(path)
        assert (answer.status_code, answer.headers["Engagement-Degraded"]) == (200, "redis")
    assert without_redis.get(f"{A}/comments").json["total"] == 1  # type: ignore[index]
    assert without_redis.get("/v1/demo/articles/nope/footer").json["reactions"]["total"] == 0  # type: ignore[index]


def test_without_redis_a_choice_is_refused_with_a_time_to_retry(
    without_redis: FlaskClient, story: Headers
) -> None:
    answer = without_redis.put(f"{A}/reaction", json={"mood": "sad"}, headers=story)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.mimetype == "application/problem+json"
    assert without_redis.get(f"{A}/me", headers=story).status_code == 503


def test_without_redis_a_comment_is_taken_and_shown(without_redis: FlaskClient, story: Headers) -> None:
    assert without_redis.post(f"{A}/comments", json={"body": "now"}, headers=story).status_code == 201
    shown: Any = without_redis.get(f"{A}/comments").json
    assert len(shown["items"]) == 2


def test_without_sql_what_is_hot_is_still_told_and_taken(
    app: Flask, client: FlaskClient, settings: Settings, sql_store: SqlStore, story: Headers
) -> None:
    """A web process whose database goes away under it, and whose memory of the site has run out."""
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=story)
    hot: Any = client.get(f"{A}/footer").json
    sql_store.take_away(settings.database_url)
    sites: Sites = app.extensions["engagement.sites"]
    sites._known.clear()
    assert client.get(f"{A}/footer").json == hot
    assert client.get("/v1/demo/counts?article=story").json["articles"]["story"]["reactions"] == 1  # type: ignore[index]
    answer: Any = client.put(f"{A}/reaction", json={"mood": "sad"}, headers=story)
    assert answer.json["reactions"]["top_mood"] == "sad"
    assert client.get(f"{A}/footer?sort=top").status_code == 503  # nobody has asked for that page before
    assert client.get("/readyz").status_code == 503


def test_without_sql_a_comment_is_refused_with_a_time_to_retry(
    without_sql: FlaskClient, story: Headers
) -> None:
    answer = without_sql.post(f"{A}/comments", json={"body": "now"}, headers=story)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_readyz_names_the_store_that_is_down(
    client: FlaskClient, without_redis: FlaskClient, without_sql: FlaskClient
) -> None:
    whole: Any = client.get("/readyz")
    assert (whole.status_code, whole.json["status"]) == (200, "ok")
    for service, store, other in ((without_redis, "redis", "database"), (without_sql, "database", "redis")):
        answer: Any = service.get("/readyz")
        assert (answer.status_code, answer.json["status"]) == (503, "degraded")
        assert (answer.json[store], answer.json[other]) == ("down", "up")
        assert service.get("/healthz").json == {"status": "ok"}
        text = service.get("/metrics").text
        assert f'engagement_store_up{{store="{store}"}} 0.0' in text
        assert f'engagement_store_up{{store="{other}"}} 1.0' in text


def test_readyz_and_metrics_tell_how_the_ledger_is(
    client: FlaskClient, story: Headers, worker: Worker, database: Database
) -> None:
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=story)
    waiting: Any = client.get("/readyz").json
    assert waiting["ledger"]["entries"] == 2  # one of them is stored already, and kept for a while
    assert waiting["ledger"]["shards_away"] == 0
    assert waiting["generation"] == 1
    assert waiting["breakers_open"] == []
    with database.write() as connection:
        connection.execute(
            insert(dead_letters).values(
                ballot="b", entry_id="1-1", reader_id=clock.new_id(), choice="up",
                chosen_at=clock.now(), reason="a test",
            )
        )  # fmt: skip
    assert client.get("/readyz").json["dead_letters"] == 1  # type: ignore[index]
    text = client.get("/metrics").text
    for line in ("ledger_entries 2.0", "generation 1.0", "dead_letters_stored 1.0"):
        assert f"engagement_{line}" in text
    assert float(re.search(r"^engagement_flush_lag_seconds (\S+)$", text, re.MULTILINE)[1]) > 0  # type: ignore[index]
    worker.drain()
    assert "engagement_flush_lag_seconds 0.0" in client.get("/metrics").text


def test_an_open_breaker_is_told(without_redis: FlaskClient, story: Headers) -> None:
    until(lambda: without_redis.get("/readyz").json["breakers_open"] == ["redis"])  # type: ignore[index]
    assert 'engagement_breaker_open{store="redis"} 1.0' in without_redis.get("/metrics").text


def test_metrics_tell_requests_by_endpoint_and_status(
    client: FlaskClient, new_reader: Callable[..., Headers]
) -> None:
    client.get(f"{A}/footer")
    client.get("/nope")
    text = client.get("/metrics").text
    assert 'engagement_requests_total{endpoint="footer.FooterOfArticle",method="GET",status="200"}' in text
    assert 'engagement_requests_total{endpoint="none",method="GET",status="404"}' in text
    for n in range(20):
        client.open("/nope", method=f"INVENTED{n}")
    text = client.get("/metrics").text
    assert 'method="OTHER"' in text
    assert "INVENTED" not in text
