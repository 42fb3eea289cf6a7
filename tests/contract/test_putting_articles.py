"""The publisher's back end puts articles."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from engagement.db.engine import Database
from engagement.sites.canonical import encode_segment
from engagement.staff.roles import MODERATOR, SERVICE
from tests.staffing import headers_of

PATH = "/v1/known/admin/articles/night-train"


def told(answer: Any) -> dict[str, Any]:
    assert answer.json is not None, answer.text
    return dict(answer.json)


def test_an_article_is_put_and_changed_field_by_field(client: FlaskClient, database: Database) -> None:
    service = headers_of(database, "known", SERVICE)
    first = {"url": "https://news.example/a", "title": "Night train", "section": "travel"}
    answer = client.put(PATH, json=first, headers=service)
    whole = {"id": "night-train", "comments_open": True, "reactions_open": True, "aliases": []} | first
    assert (answer.status_code, told(answer)) == (200, whole)
    changed = client.put(PATH, json={"comments_open": False}, headers=service)
    assert told(changed) == whole | {"comments_open": False}
    assert told(client.get(PATH, headers=service)) == whole | {"comments_open": False}
    footer = told(client.get("/v1/known/articles/night-train/footer"))
    assert footer["article"]["title"] == "Night train"
    assert footer["article"]["comments_open"] is False


def test_an_article_is_put_by_its_address(client: FlaskClient, database: Database) -> None:
    path = f"/v1/known/admin/articles/{encode_segment('https://www.news.example/b/?utm_source=x')}"
    answer = client.put(path, json={}, headers=headers_of(database, "known", SERVICE))
    assert told(answer)["id"] == "https://news.example/b"


def test_who_may_not_put_articles_is_refused(client: FlaskClient, database: Database) -> None:
    assert client.put(PATH, json={}, headers=headers_of(database, "known", MODERATOR)).status_code == 403
    assert client.put(PATH, json={}, headers=headers_of(database, "demo", SERVICE)).status_code == 403
    assert client.put(PATH, json={}).status_code == 401
    assert client.get(PATH, headers=headers_of(database, "known", MODERATOR)).status_code == 403
    assert client.get(PATH).status_code == 401


def test_an_article_that_was_not_put_is_not_there(client: FlaskClient, database: Database) -> None:
    assert client.get(PATH, headers=headers_of(database, "known", SERVICE)).status_code == 404


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "javascript:alert(1)"),
        ("title", "\u200b"),
        ("section", "x" * 101),
        ("comments_open", 7),
        ("id", "x"),
    ],
)
def test_what_is_wrong_is_named(client: FlaskClient, database: Database, field: str, value: Any) -> None:
    answer = client.put(PATH, json={field: value}, headers=headers_of(database, "known", SERVICE))
    assert answer.status_code == 422
    assert list(told(answer)["errors"]) == [field]
