"""Who may read, write and keep what: ETags, Cache-Control, CORS."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

A = "/v1/demo/articles/story"
NEWS = {"Origin": "https://news.example"}
EVIL = {"Origin": "https://evil.example"}
PUBLIC = [
    *(f"{A}/footer", f"{A}/reactions", f"{A}/comments", "/v1/demo/counts?article=story"),
    *(f"{A}/footer.html", f"{A}/feed.atom", "/v1/demo/feed.atom"),
]
Headers = dict[str, str]


@pytest.mark.one_store("headers are the same on every store")
@pytest.mark.parametrize("path", PUBLIC)
def test_what_is_public_is_cacheable_by_all_and_readable_from_everywhere(
    client: FlaskClient, path: str
) -> None:
    answer = client.get(path, headers=EVIL)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"] == "ETag, Retry-After, Location"
    assert "Vary" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.one_store("headers are the same on every store")
@pytest.mark.parametrize("path", PUBLIC)
def test_an_unchanged_answer_is_304(client: FlaskClient, path: str) -> None:
    etag = client.get(path).headers["ETag"]
    again = client.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == etag
    assert again.headers["Cache-Control"] == "public, max-age=1"


def test_a_change_changes_the_etag(client: FlaskClient, reader: Headers) -> None:
    etag = client.get(f"{A}/reactions").headers["ETag"]
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    assert client.get(f"{A}/reactions", headers={"If-None-Match": etag}).status_code == 200


def test_writes_and_me_are_for_the_origins_of_the_site(client: FlaskClient, reader: Headers) -> None:
    calls = [
        ("PUT", f"{A}/reaction", {"mood": "sad"}),
        ("GET", f"{A}/me", None),
        ("POST", "/v1/demo/readers", {}),
    ]
    for method, path, body in calls:
        good = client.open(path, method=method, json=body, headers=reader | NEWS)
        assert good.status_code in (200, 201)
        assert good.headers["Access-Control-Allow-Origin"] == NEWS["Origin"]
        assert "Origin" in good.headers["Vary"]
        bad = client.open(path, method=method, json=body, headers=reader | EVIL)
        assert bad.status_code == 403  # which the page may read, to say what is wrong
        assert bad.headers["Access-Control-Allow-Origin"] == EVIL["Origin"]
        assert bad.json["type"] == "urn:engagement:problem:forbidden"  # type: ignore[index]
        assert "Origin" in bad.headers["Vary"]
        none = client.open(path, method=method, json=body, headers=reader)
        assert none.status_code in (200, 201)
        assert "Access-Control-Allow-Origin" not in none.headers
        own = client.open(path, method=method, json=body, headers=reader | {"Origin": "http://localhost"})
        assert own.status_code in (200, 201)


def test_an_error_of_a_write_can_be_read_by_the_page(client: FlaskClient) -> None:
    answer = client.put(f"{A}/reaction", json={"mood": "sad"}, headers=NEWS)
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == NEWS["Origin"]


def test_a_preflight_is_answered_for_two_hours(client: FlaskClient) -> None:
    ask = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = client.options(f"{A}/reaction", headers=NEWS | ask)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == NEWS["Origin"]
    assert answer.headers["Access-Control-Allow-Methods"] == "PUT"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    assert "Origin" in answer.headers["Vary"]
    assert (
        client.options(f"{A}/reaction", headers=EVIL | ask).status_code == 204
    )  # the call itself is refused


def test_a_preflight_of_a_public_read_is_answered_for_all(client: FlaskClient) -> None:
    answer = client.options(f"{A}/footer", headers=EVIL | {"Access-Control-Request-Method": "GET"})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
