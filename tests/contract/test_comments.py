"""Comments, replies, threads and votes through the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import articles
from engagement.settings import Settings
from engagement.worker.loop import Worker

A = "/v1/demo/articles/story"
Headers = dict[str, str]


def post(client: FlaskClient, reader: Headers, body: str, parent: str | None = None) -> Any:
    answer = client.post(f"{A}/comments", json={"body": body, "parent_id": parent}, headers=reader)
    assert answer.status_code == 201, answer.text
    return answer.json


def bodies(listed: Any) -> list[str]:
    return [item["body_html"].removeprefix("<p>").removesuffix("</p>") for item in listed["items"]]


def test_a_comment_is_shown_at_once_to_everybody(
    client: FlaskClient, new_reader: Callable[..., Headers]
) -> None:
    client.get(f"{A}/comments")
    posted = post(client, new_reader(name="Ann"), "What a **story**")
    assert posted["author"]["name"] == "Ann"
    assert posted["status"] == "approved"
    assert posted["body_html"] == "<p>What a <strong>story</strong></p>"
    listed: Any = client.get(f"{A}/comments").json
    assert [item["id"] for item in listed["items"]] == [posted["id"]]


def test_a_posted_comment_says_where_it_is(client: FlaskClient, reader: Headers) -> None:
    answer = client.post(f"{A}/comments", json={"body": "Here"}, headers=reader)
    found: Any = client.get(answer.headers["Location"]).json
    assert answer.json is not None
    told_to_all = {name: answer.json[name] for name in found["comment"]}
    assert found == {"comment": told_to_all, "ancestors": []}


def test_the_place_of_a_comment_on_a_url_article_can_be_followed(
    client: FlaskClient, reader: Headers
) -> None:
    from engagement.sites.canonical import encode_segment

    segment = encode_segment("https://news.example/a/b?x=1")
    answer = client.post(f"/v1/demo/articles/{segment}/comments", json={"body": "Here"}, headers=reader)
    assert client.get(answer.headers["Location"]).status_code == 200


def test_replies_stand_under_their_comment_oldest_first(
    client: FlaskClient, reader: Headers, worker: Worker
) -> None:
    root = post(client, reader, "root")
    for text in ("one", "two", "three", "four"):
        post(client, reader, text, root["id"])
    worker.drain()
    thread = client.get(f"{A}/comments").json["items"][0]  # type: ignore[index]
    assert thread["reply_count"] == 4
    assert bodies(thread["replies"]) == ["one", "two", "three"]
    assert thread["replies"]["total"] == 4
    rest: Any = client.get(
        f"{A}/comments/{root['id']}/replies?cursor={thread['replies']['next_cursor']}"
    ).json
    assert bodies(rest) == ["four"]
    assert rest["next_cursor"] is None


def test_replies_nest_to_a_depth_and_stand_flat_below_it(
    client: FlaskClient, reader: Headers, worker: Worker
) -> None:
    parent = post(client, reader, "0")
    chain = [parent]
    for depth in range(1, 6):
        chain.append(post(client, reader, str(depth), chain[-1]["id"]))
    worker.drain()
    node = client.get(f"{A}/comments").json["items"][0]  # type: ignore[index]
    for depth in range(1, 3):
        assert bodies(node["replies"]) == [str(depth)]
        node = node["replies"]["items"][0]
        assert (node["depth"], node["reply_count"]) == (depth, 3 if depth == 2 else 1)
    assert bodies(node["replies"]) == ["3"]
    cursor = node["replies"]["next_cursor"]
    deeper: Any = client.get(f"{A}/comments/{node['id']}/replies?cursor={cursor}").json
    assert bodies(deeper) == ["4", "5"]
    assert [item["depth"] for item in deeper["items"]] == [4, 5]
    assert deeper["items"][1]["parent_id"] == deeper["items"][0]["id"]
    assert deeper["items"][0]["replies"]["items"] == []


def test_a_permalink_brings_its_ancestors(client: FlaskClient, reader: Headers) -> None:
    first = post(client, reader, "first")
    second = post(client, reader, "second", first["id"])
    third = post(client, reader, "third", second["id"])
    found: Any = client.get(f"{A}/comments/{third['id']}").json
    assert found["comment"]["id"] == third["id"]
    assert [above["id"] for above in found["ancestors"]] == [first["id"], second["id"]]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("newest", ["c", "b", "a"]), ("oldest", ["a", "b", "c"]), ("top", ["b", "c", "a"])],
)
def test_threads_are_sorted_and_paged(
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    worker: Worker,
    sort: str,
    expected: list[str],
) -> None:
    reader = new_reader()
    ids = {text: post(client, reader, text)["id"] for text in "abc"}
    for voter in (new_reader(), new_reader()):
        client.put(f"{A}/comments/{ids['b']}/vote", json={"value": 1}, headers=voter)
    client.put(f"{A}/comments/{ids['a']}/vote", json={"value": -1}, headers=reader)
    worker.drain()
    whole: Any = client.get(f"{A}/comments?sort={sort}").json
    assert bodies(whole) == expected
    assert (whole["sort"], whole["total"], whole["next_cursor"]) == (sort, 3, None)
    walked: list[str] = []
    cursor = ""
    while True:
        page: Any = client.get(f"{A}/comments?sort={sort}&limit=1{cursor}").json
        walked += bodies(page)
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert walked == expected


def test_a_walk_over_equal_scores_shows_each_comment_once(client: FlaskClient, reader: Headers) -> None:
    posted = {post(client, reader, str(n))["id"] for n in range(7)}
    seen: list[str] = []
    cursor = ""
    while True:
        page: Any = client.get(f"{A}/comments?sort=top&limit=2{cursor}").json
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == 7
    assert set(seen) == posted


def test_a_vote_is_answered_exactly_and_shown_when_flushed(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker
) -> None:
    reader, other = new_reader(), new_reader()
    comment = f"{A}/comments/{post(client, reader, 'vote for me')['id']}"
    assert client.put(f"{comment}/vote", json={"value": 1}, headers=reader).json == {
        "value": 1,
        "votes": {"up": 1, "down": 0, "score": 1},
    }
    body: Any = client.put(f"{comment}/vote", json={"value": -1}, headers=other).json
    assert body["votes"] == {"up": 1, "down": 1, "score": 0}
    body = client.put(f"{comment}/vote", json={"value": 0}, headers=other).json
    assert body["votes"] == {"up": 1, "down": 0, "score": 1}
    worker.drain()
    shown = client.get(f"{A}/comments").json["items"][0]  # type: ignore[index]
    assert shown["votes"] == {"up": 1, "down": 0, "score": 1}


def test_a_vote_on_a_comment_that_is_not_there_is_not_found(client: FlaskClient, reader: Headers) -> None:
    post(client, reader, "some comment")
    assert client.put(f"{A}/comments/{uuid4()}/vote", json={"value": 1}, headers=reader).status_code == 404
    nowhere = f"/v1/demo/articles/nowhere/comments/{uuid4()}"
    assert client.put(f"{nowhere}/vote", json={"value": 1}, headers=reader).status_code == 404
    assert client.get(nowhere).status_code == 404
    assert client.get(f"{A}/comments/{uuid4()}").status_code == 404
    assert client.get(f"{A}/comments/{uuid4()}/replies").status_code == 404


def test_a_comment_of_another_article_is_no_parent(client: FlaskClient, reader: Headers) -> None:
    other = client.post("/v1/demo/articles/other/comments", json={"body": "x"}, headers=reader)
    assert other.json is not None
    draft = {"body": "reply", "parent_id": other.json["id"]}
    answer = client.post(f"{A}/comments", json=draft, headers=reader)
    assert answer.status_code == 422
    assert "parent_id" in answer.json["errors"]  # type: ignore[index]
    assert client.get(f"{A}/comments").json["items"] == []  # type: ignore[index]


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("cursor", ["x", "~~~", "bnVsbA", "WzEsMiwzXQ", "W10", "e30"])
def test_an_unreadable_cursor_is_refused(client: FlaskClient, cursor: str) -> None:
    answer = client.get(f"{A}/comments?cursor={cursor}")
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


def test_a_cursor_of_another_order_is_refused(client: FlaskClient, reader: Headers) -> None:
    for n in range(3):
        post(client, reader, str(n))
    cursor = client.get(f"{A}/comments?limit=1").json["next_cursor"]  # type: ignore[index]
    assert client.get(f"{A}/comments?sort=top&cursor={cursor}").status_code == 400


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("body", ["", "   \n\t ", "\u200b\u2060", "x" * 5_001])
def test_an_empty_or_too_long_comment_is_refused(client: FlaskClient, reader: Headers, body: str) -> None:
    answer = client.post(f"{A}/comments", json={"body": body}, headers=reader)
    assert answer.status_code == 422
    assert "body" in answer.json["errors"]  # type: ignore[index]


def test_the_first_comment_of_an_article_makes_it(
    client: FlaskClient, reader: Headers, worker: Worker
) -> None:
    post(client, reader, "first")
    worker.drain()
    counts: Any = client.get("/v1/demo/counts?article=story").json
    assert counts["articles"]["story"]["comments"] == 1


def test_the_same_comment_with_the_same_key_is_posted_once(client: FlaskClient, reader: Headers) -> None:
    headers = reader | {"Idempotency-Key": "1f2e"}
    first, second = (client.post(f"{A}/comments", json={"body": "once"}, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert len(client.get(f"{A}/comments").json["items"]) == 1  # type: ignore[index]


def test_a_key_stands_for_one_comment_of_one_reader(
    client: FlaskClient, new_reader: Callable[..., Headers]
) -> None:
    key = {"Idempotency-Key": "1f2e"}
    reader = new_reader()
    client.post(f"{A}/comments", json={"body": "one"}, headers=reader | key)
    answer = client.post(f"{A}/comments", json={"body": "two"}, headers=reader | key)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json["errors"]  # type: ignore[index]
    other = client.post(f"{A}/comments", json={"body": "two"}, headers=new_reader() | key)
    assert other.status_code == 201


def test_a_key_is_forgotten_after_a_day(
    client: FlaskClient, reader: Headers, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from engagement import clock

    now = clock.now()
    headers = reader | {"Idempotency-Key": "1f2e"}
    client.post(f"{A}/comments", json={"body": "one"}, headers=headers)
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=2))
    worker.round()
    assert client.post(f"{A}/comments", json={"body": "two"}, headers=headers).status_code == 201


def test_a_reply_is_shown_before_the_worker_has_counted_it(client: FlaskClient, reader: Headers) -> None:
    root = post(client, reader, "root")
    reply = post(client, reader, "reply", root["id"])
    thread = client.get(f"{A}/comments").json["items"][0]  # type: ignore[index]
    assert [item["id"] for item in thread["replies"]["items"]] == [reply["id"]]
    assert client.get(f"{A}/comments/{root['id']}").json["comment"] == thread  # type: ignore[index]


def test_a_permalink_brings_no_more_than_the_nearest_fifty_ancestors(
    client: FlaskClient, reader: Headers
) -> None:
    chain = [post(client, reader, "0")["id"]]
    for depth in range(1, 61):
        chain.append(post(client, reader, str(depth), chain[-1])["id"])
    above = client.get(f"{A}/comments/{chain[-1]}").json["ancestors"]  # type: ignore[index]
    assert [comment["id"] for comment in above] == chain[10:60]


def test_a_refused_first_comment_makes_no_article(
    client: FlaskClient, reader: Headers, database: Database
) -> None:
    other = post(client, reader, "elsewhere")
    draft = {"body": "x", "parent_id": other["id"]}
    assert client.post("/v1/demo/articles/new/comments", json=draft, headers=reader).status_code == 422
    with database.read() as connection:
        assert connection.scalars(select(articles.c.external_id)).all() == ["story"]


def test_a_process_that_saw_no_article_sees_the_first_comment_of_another_process(
    client: FlaskClient, reader: Headers, settings: Settings
) -> None:
    other = create_app(settings).test_client()
    assert other.get(f"{A}/footer").json["comments"]["items"] == []  # type: ignore[index]
    assert other.get(f"{A}/comments?sort=top").json["items"] == []  # type: ignore[index]
    post(client, reader, "first")
    for path in (f"{A}/footer", f"{A}/footer?sort=top"):
        assert len(other.get(path).json["comments"]["items"]) == 1  # type: ignore[index]
    for path in (f"{A}/comments", f"{A}/comments?sort=top", f"{A}/comments?limit=5"):
        assert len(other.get(path).json["items"]) == 1  # type: ignore[index]
