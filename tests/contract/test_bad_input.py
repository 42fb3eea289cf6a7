"""What bad input gets: a 4xx problem that names the field, and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from engagement.readers.tokens import Token, Tokens
from engagement.settings import Settings

A = "/v1/demo/articles/story"
Headers = dict[str, str]
JSON = {"Content-Type": "application/json"}


def problem(answer: Any, status: int, field: str | None = None) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["type"].startswith("urn:engagement:problem:")
    if field is not None:
        assert field in answer.json["errors"]
    return answer.json


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("mood", ["joyful", "", "HAPPY", None, 1, ["happy"], {"a": 1}])
def test_an_unknown_mood_is_named(client: FlaskClient, reader: Headers, mood: object) -> None:
    problem(client.put(f"{A}/reaction", json={"mood": mood}, headers=reader), 422, "mood")
    assert client.get(f"{A}/reactions").json["total"] == 0  # type: ignore[index]


def test_an_unknown_field_is_named(client: FlaskClient, reader: Headers) -> None:
    problem(client.put(f"{A}/reaction", json={"mood": "sad", "moods": 1}, headers=reader), 422, "moods")
    problem(client.get(f"{A}/footer?nocache=1"), 422, "nocache")


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("value", [2, -2, "1", 1.5, True, None, [1]])
def test_an_unknown_vote_is_named(client: FlaskClient, reader: Headers, value: object) -> None:
    comment = client.post(f"{A}/comments", json={"body": "x"}, headers=reader).json["id"]  # type: ignore[index]
    answer = client.put(f"{A}/comments/{comment}/vote", json={"value": value}, headers=reader)
    problem(answer, 422, "value")


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("query", ["sort=worst", "limit=0", "limit=51", "limit=x", "cursor="])
def test_a_bad_query_is_named(client: FlaskClient, query: str) -> None:
    problem(client.get(f"{A}/comments?{query}"), 422, query.partition("=")[0])


@pytest.mark.parametrize("site", ["nope", "DEMO", "demo%00", "d%C3%A9mo", "-", "x" * 100, ".", "%2e%2e"])
def test_an_unknown_site_is_not_found(client: FlaskClient, site: str) -> None:
    assert client.get(f"/v1/{site}/articles/story/footer").status_code == 404


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    "segment",
    [
        "~", "~=", "~abc=", "~!!!!", "~_w", "~QQ==", "~A", "~AA", "%00", "a%00b", "a b", "caf%C3%A9",
        "x" * 129, "..%20", "~gICA", "~" + "QUFB" * 400,
    ],
)  # fmt: skip
def test_a_broken_article_is_named(client: FlaskClient, reader: Headers, segment: str) -> None:
    problem(client.get(f"/v1/demo/articles/{segment}/footer"), 422, "article")
    problem(
        client.put(f"/v1/demo/articles/{segment}/reaction", json={"mood": "sad"}, headers=reader),
        422,
        "article",
    )


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("segment", ["a/b", "a%2Fb", "..", "%2e%2e", "."])
def test_slashes_and_dots_are_no_article(client: FlaskClient, segment: str) -> None:
    assert client.get(f"/v1/demo/articles/{segment}/footer").status_code in (404, 422)


def test_a_url_with_slashes_is_an_article_in_base64url(client: FlaskClient, reader: Headers) -> None:
    from engagement.sites.canonical import encode_segment

    one, other = "https://News.example/story/?utm_source=feed#top", "http://www.news.example/story"
    client.put(f"/v1/demo/articles/{encode_segment(one)}/reaction", json={"mood": "sad"}, headers=reader)
    body: Any = client.get(f"/v1/demo/articles/{encode_segment(other)}/footer").json
    assert body["reactions"]["total"] == 1
    assert body["article"]["id"] == "https://news.example/story"


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    "body",
    [
        b"{", b"nope", b'{"mood": NaN}', b'{"mood": "\\ud800"}', b'{"mood": "sad"}}', b"\xff\xfe",
        b'{"mood": "\xc3"}', b"[" * 60_000, b'{"mood":' * 8_000,
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(client: FlaskClient, reader: Headers, body: bytes) -> None:
    problem(client.put(f"{A}/reaction", data=body, headers=reader | JSON), 400)


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize("body", [b"[]", b"null", b'"sad"', b"1", b""])
def test_json_that_is_no_object_is_refused(client: FlaskClient, reader: Headers, body: bytes) -> None:
    problem(client.put(f"{A}/reaction", data=body, headers=reader | JSON), 422)


def test_a_body_that_is_no_json_by_its_type_is_refused(client: FlaskClient, reader: Headers) -> None:
    problem(client.put(f"{A}/reaction", data={"mood": "sad"}, headers=reader), 415)


def test_a_body_over_the_limit_is_refused(client: FlaskClient, reader: Headers) -> None:
    for size in (70_000, 10_000_000):
        body = b'{"body": "' + b"x" * size + b'"}'
        problem(client.post(f"{A}/comments", data=body, headers=reader | JSON), 413)


def test_a_million_deep_nesting_is_refused(client: FlaskClient, reader: Headers, settings: Settings) -> None:
    client.application.config["MAX_CONTENT_LENGTH"] = 3_000_000
    body = b'{"body": ' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}"
    problem(client.post(f"{A}/comments", data=body, headers=reader | JSON), 400)


def test_control_characters_do_not_reach_a_comment(client: FlaskClient, reader: Headers) -> None:
    posted: Any = client.post(f"{A}/comments", json={"body": "a\x00b\u202ec\x1bd"}, headers=reader).json
    assert posted["body_html"] == "<p>abcd</p>"


def test_control_characters_do_not_reach_a_name(client: FlaskClient) -> None:
    answer: Any = client.post("/v1/demo/readers", json={"name": " A\x00n\u202en \n B "}).json
    assert answer["reader"]["name"] == "Ann B"
    for bad in ("\u200b", "x" * 61):
        problem(client.post("/v1/demo/readers", json={"name": bad}), 422, "name")


def test_no_token_is_asked_for(client: FlaskClient) -> None:
    answer = client.put(f"{A}/reaction", json={"mood": "sad"})
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_bad_token_is_refused_and_never_an_error(
    client: FlaskClient, new_reader: Callable[..., Headers], settings: Settings
) -> None:
    from uuid import uuid4

    good = new_reader()["Authorization"].removeprefix("Bearer ")
    other_site = new_reader("known")["Authorization"].removeprefix("Bearer ")
    forged = Tokens("another secret, as long as it has to be", 60).sign(Token("demo", uuid4()))
    expired = Tokens(settings.secret_key, 60).sign(Token("demo", uuid4()))
    import time
    from unittest import mock

    long_ago = time.time() - settings.token_max_age - 10
    with mock.patch("itsdangerous.timed.time.time", return_value=long_ago):
        expired = Tokens(settings.secret_key, 60).sign(Token("demo", uuid4()))
    bad = [
        "",
        "x",
        "a.b.c",
        good[:-1],
        good + "x",
        good.replace(".", "", 1),
        "é",
        "\x7f",
        "." * 500,
        "x" * 8_000,
    ]
    for token in (*bad, other_site, forged, expired):
        headers = {"Authorization": f"Bearer {token}"}
        problem(client.put(f"{A}/reaction", json={"mood": "sad"}, headers=headers), 401)
    for header in (f"Basic {good}", good, "Bearer", "Bearer  "):
        problem(client.get(f"{A}/me", headers={"Authorization": header}), 401)
    assert client.get(f"{A}/me", headers={"Authorization": f"bearer {good}"}).status_code == 200


def test_a_reader_that_sql_does_not_know_can_not_comment(client: FlaskClient, settings: Settings) -> None:
    from uuid import uuid4

    token = Tokens(settings.secret_key, 60).sign(Token("demo", uuid4()))
    headers = {"Authorization": f"Bearer {token}"}
    problem(client.post(f"{A}/comments", json={"body": "x"}, headers=headers), 401)
    problem(client.get(f"{A}/me", headers=headers), 401)
    problem(client.get("/v1/demo/readers/me", headers=headers), 401)
    problem(client.patch("/v1/demo/readers/me", json={"name": "x"}, headers=headers), 401)


def test_an_unknown_call_is_not_found_and_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    problem(client.get("/v1/demo/nope"), 404)
    problem(client.get("/nope"), 404)
    answer = client.post(f"{A}/footer")
    problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_a_reader_reads_and_changes_their_name(client: FlaskClient, reader: Headers) -> None:
    assert client.get("/v1/demo/readers/me", headers=reader).json["name"] is None  # type: ignore[index]
    changed: Any = client.patch("/v1/demo/readers/me", json={"name": "Zoë"}, headers=reader).json
    assert changed["name"] == "Zoë"
    assert client.patch("/v1/demo/readers/me", json={}, headers=reader).json == changed
    assert client.get("/v1/demo/readers/me", headers=reader).json == changed
