"""What a page load gets, what the caller did, and the batch call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.hot.connection import Hot
from engagement.settings import Settings
from engagement.sites.publishing import put_article
from engagement.worker.loop import Worker
from tests.kinds import AnyRedis

pytestmark = pytest.mark.every_redis
A = "/v1/demo/articles/story"
Headers = dict[str, str]


def test_an_article_that_nobody_touched_has_an_empty_footer(client: FlaskClient) -> None:
    body: Any = client.get(f"{A}/footer").json
    assert body["article"] == {
        "id": "story", "url": None, "title": None, "comments_open": True, "reactions_open": True,
    }  # fmt: skip
    assert body["counts"] == {"comments": 0, "reactions": 0}
    assert body["reactions"]["total"] == 0
    assert body["comments"] == {"items": [], "next_cursor": None, "sort": "newest", "total": 0}


@pytest.mark.parametrize("query", ["", "?sort=top", "?limit=5"])
def test_a_footer_is_the_sum_of_its_parts(
    client: FlaskClient, reader: Headers, worker: Worker, query: str
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    client.post(f"{A}/comments", json={"body": "one"}, headers=reader)
    worker.drain()
    for _ in range(2):  # cold, then from what is kept
        body: Any = client.get(f"{A}/footer{query}").json
        assert body["counts"] == {"comments": 1, "reactions": 1}
        assert body["reactions"] == client.get(f"{A}/reactions").json
        assert body["comments"] == client.get(f"{A}/comments{query}").json


def test_me_tells_the_mood_and_the_votes_before_and_after_the_flush(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, redis_server: AnyRedis
) -> None:
    me, other = new_reader(name="Me"), new_reader()
    ids = [
        client.post(f"{A}/comments", json={"body": str(n)}, headers=other).json["id"]  # type: ignore[index]
        for n in range(3)
    ]
    client.put(f"{A}/reaction", json={"mood": "afraid"}, headers=me)
    client.put(f"{A}/comments/{ids[0]}/vote", json={"value": 1}, headers=me)
    client.put(f"{A}/comments/{ids[1]}/vote", json={"value": -1}, headers=me)
    unknown = str(uuid4())
    query = "&".join(f"comment={id}" for id in [*ids, unknown])
    expected = {ids[0]: 1, ids[1]: -1, ids[2]: 0, unknown: 0}

    def ask() -> Any:
        answer = client.get(f"{A}/me?{query}", headers=me)
        assert answer.headers["Cache-Control"] == "private, no-store"
        return answer.json

    assert ask()["votes"] == expected
    assert ask()["mood"] == "afraid"
    assert ask()["reader"]["name"] == "Me"
    with redis_server.client() as server:  # the views are gone, the ledger isn't
        for key in [*server.scan_iter("*:view:*"), *server.scan_iter("*:choices:*")]:
            server.unlink(key)
    assert ask()["votes"] == expected
    worker.drain()
    assert ask()["votes"] == expected
    redis_server.flush()
    assert (ask()["votes"], ask()["mood"]) == (expected, "afraid")


def test_me_on_an_unknown_article_is_empty(client: FlaskClient, reader: Headers) -> None:
    body: Any = client.get("/v1/demo/articles/nowhere/me", headers=reader).json
    assert (body["mood"], body["votes"], body["pending"]) == (None, {}, [])


def test_counts_of_many_articles_come_in_one_call(
    client: FlaskClient, reader: Headers, worker: Worker
) -> None:
    url = "https://News.example/a/?utm_source=x"
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    client.post(f"{A}/comments", json={"body": "one"}, headers=reader)
    worker.drain()
    expected = {
        "story": {"comments": 1, "reactions": 1, "top_mood": "happy"},
        "nobody-knows": {"comments": 0, "reactions": 0, "top_mood": None},
        url: {"comments": 0, "reactions": 0, "top_mood": None},
    }
    query = {"article": list(expected)}
    for _ in range(2):
        assert client.get("/v1/demo/counts", query_string=query).json == {"articles": expected}
    assert client.post("/v1/demo/counts", json={"articles": list(expected)}).json == {"articles": expected}


def test_counts_take_a_hundred_articles_and_no_more(client: FlaskClient) -> None:
    names = [f"a{n}" for n in range(101)]
    assert client.post("/v1/demo/counts", json={"articles": names[:100]}).status_code == 200
    answer = client.post("/v1/demo/counts", json={"articles": names})
    assert answer.status_code == 422
    assert "articles" in answer.json["errors"]  # type: ignore[index]


def test_a_closed_article_takes_nothing_and_says_so(
    client: FlaskClient, reader: Headers, settings: Settings, database: Database
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    client.get(f"{A}/footer")
    hot = Hot.from_settings(settings, StoredBallots(database))
    put_article(database, hot, "demo", "story", comments_open=False, reactions_open=False, title="Title")
    article: Any = client.get(f"{A}/footer").json["article"]  # type: ignore[index]
    assert (article["comments_open"], article["reactions_open"], article["title"]) == (False, False, "Title")
    assert client.post(f"{A}/comments", json={"body": "late"}, headers=reader).status_code == 409
    assert client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader).status_code == 409
    assert client.get(f"{A}/reactions").json["total"] == 1  # type: ignore[index]


def test_on_a_known_site_only_the_publisher_brings_articles(
    client: FlaskClient, new_reader: Callable[..., Headers], settings: Settings, database: Database
) -> None:
    reader = new_reader("known")
    known = "/v1/known/articles/story"
    assert client.get(f"{known}/footer").json["article"]["comments_open"] is False  # type: ignore[index]
    assert client.put(f"{known}/reaction", json={"mood": "sad"}, headers=reader).status_code == 403
    assert client.post(f"{known}/comments", json={"body": "x"}, headers=reader).status_code == 403
    put_article(database, Hot.from_settings(settings, StoredBallots(database)), "known", "story")
    assert client.put(f"{known}/reaction", json={"mood": "sad"}, headers=reader).status_code == 200


def test_on_a_signed_site_the_page_signs_its_article(
    client: FlaskClient, new_reader: Callable[..., Headers], settings: Settings
) -> None:
    from engagement.sites.policy import sign_article, signing_key

    reader = new_reader("signed")
    url = "/v1/signed/articles/story/reaction"
    signature = sign_article(signing_key(settings.secret_key, "signed"), "story")
    forged = sign_article(signing_key("another secret", "signed"), "story")
    for wrong in ({}, {"Article-Signature": forged}, {"Article-Signature": "é"}):
        assert client.put(url, json={"mood": "sad"}, headers=reader | wrong).status_code == 403
    good = reader | {"Article-Signature": signature}
    assert client.put(url, json={"mood": "sad"}, headers=good).status_code == 200
    assert client.put(url, json={"mood": "happy"}, headers=reader).status_code == 200
