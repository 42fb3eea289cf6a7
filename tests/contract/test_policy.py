"""What the staff sets holds at once for readers, on every process; and says why it is so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import articles, comments, moderation_log
from engagement.settings import Settings
from tests.staffing import headers_of
from tests.waiting import until

SITE = "/v1/demo/admin/policy"
ARTICLE = "/v1/demo/admin/articles/story/policy"
A = "/v1/demo/articles/story"
Headers = dict[str, str]


@pytest.fixture
def admin(database: Database) -> Headers:
    return headers_of(database, "demo", "admin")


@pytest.fixture
def ann(new_reader: Callable[..., Headers]) -> Headers:
    return new_reader(name="Ann")


@pytest.fixture
def elsewhere(settings: Settings) -> FlaskClient:
    """Another process."""
    return create_app(settings).test_client()


def change(client: FlaskClient, admin: Headers, url: str, method: str = "PATCH", /, **values: Any) -> Any:
    version = client.get(url, headers=admin).json["version"]  # type: ignore[index]
    answer = client.open(url, method=method, json=values, headers={**admin, "If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text
    return answer.json


def post(client: FlaskClient, reader: Headers, text: str | None = None) -> Any:
    return client.post(f"{A}/comments", json={"body": text or f"I say {uuid4()}"}, headers=reader)


def is_open(client: FlaskClient) -> bool:
    footer = client.get(f"{A}/footer").json
    assert footer is not None
    return bool(footer["article"]["comments_open"])


def test_what_nobody_has_set_is_the_default(client: FlaskClient, admin: Headers) -> None:
    answer = client.get(SITE, headers=admin)
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == '"0"'
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.json["set"] == {}  # type: ignore[index]
    assert answer.json["policy"]["moderation"] == {  # type: ignore[index]
        "value": "post", "because": {"scope": "default", "name": "", "at": None, "by": None},
    }  # fmt: skip


def test_each_value_is_inherited_and_says_where_it_was_set(
    client: FlaskClient, admin: Headers, ann: Headers, database: Database
) -> None:
    post(client, ann)
    with database.write() as connection:
        connection.execute(update(articles).values(section="sport"))
    change(client, admin, SITE, moderation="pre", slow_mode=30, hold_links=True)
    change(client, admin, "/v1/demo/admin/sections/sport/policy", slow_mode=0, hold_new_readers=3)
    told = change(client, admin, ARTICLE, moderation="post")
    why = {name: (held["value"], held["because"]["scope"]) for name, held in told["policy"].items()}
    assert why == {
        "moderation": ("post", "article"), "closed": (False, "default"), "reactions_only": (False, "default"),
        "close_after_days": (0, "default"), "hold_links": (True, "site"), "hold_new_readers": (3, "section"),
        "slow_mode": (0, "section"), "hold_after_reports": (0, "default"),
    }  # fmt: skip
    assert told["policy"]["hold_new_readers"]["because"]["name"] == "sport"
    assert told["policy"]["hold_links"]["because"]["by"] is not None
    back = change(client, admin, ARTICLE, moderation=None)
    assert back["policy"]["moderation"]["value"] == "pre"
    assert back["set"] == {}
    assert change(client, admin, SITE, "PUT", closed=True)["set"] == {"closed": True}


def test_a_change_is_of_the_version_that_was_seen(client: FlaskClient, admin: Headers) -> None:
    assert client.patch(SITE, json={"closed": True}, headers=admin).status_code == 428
    change(client, admin, SITE, closed=True)
    late = client.patch(SITE, json={"closed": False}, headers={**admin, "If-Match": '"0"'})
    assert late.status_code == 412
    assert "version 1" in late.json["detail"]  # type: ignore[index]
    assert client.patch(SITE, json={}, headers={**admin, "If-Match": "*"}).status_code == 400
    assert client.get(SITE, headers=admin).json["version"] == 1  # type: ignore[index]


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("moderation", "no"),
        ("closed", "yes"),
        ("slow_mode", -1),
        ("slow_mode", 1.5),
        ("hold_links", 1),
        ("nonsense", 1),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    client: FlaskClient, admin: Headers, field: str, value: Any
) -> None:
    answer = client.patch(SITE, json={field: value}, headers={**admin, "If-Match": '"0"'})
    assert answer.status_code == 422, answer.text
    assert field in answer.json["errors"]  # type: ignore[index]
    assert client.get(SITE, headers=admin).json["version"] == 0  # type: ignore[index]


def test_an_article_that_is_not_there_has_no_policy(client: FlaskClient, admin: Headers) -> None:
    assert client.get("/v1/demo/admin/articles/nowhere/policy", headers=admin).status_code == 404


def test_who_may_not_write_policies_sees_and_changes_none(client: FlaskClient, database: Database) -> None:
    for role, site in (("moderator", "demo"), ("service", "demo"), ("admin", "known")):
        headers = {**headers_of(database, site, role), "If-Match": '"0"'}
        assert client.get(SITE, headers=headers).status_code == 403
        assert client.patch(SITE, json={"closed": True}, headers=headers).status_code == 403
    assert client.get(SITE).status_code == 401


@pytest.mark.parametrize(
    ("values", "word"), [({"closed": True}, "no more comments"), ({"reactions_only": True}, "reactions")]
)
def test_closed_takes_no_comments_at_once_and_everywhere(
    client: FlaskClient,
    elsewhere: FlaskClient,
    admin: Headers,
    ann: Headers,
    values: dict[str, bool],
    word: str,
) -> None:
    assert post(client, ann).status_code == 201
    assert is_open(client)
    assert is_open(elsewhere)
    change(client, admin, ARTICLE, **values)
    refused = post(client, ann)
    assert (refused.status_code, refused.json["type"]) == (409, "urn:engagement:problem:closed")
    assert word in refused.json["detail"]
    assert not is_open(client)
    until(lambda: not is_open(elsewhere))
    assert post(elsewhere, ann).status_code == 409
    reacted = client.put(f"{A}/reaction", json={"mood": "happy"}, headers=ann)
    assert reacted.status_code == 200, reacted.text
    change(client, admin, ARTICLE, **dict.fromkeys(values))
    assert is_open(client)
    assert post(client, ann).status_code == 201


def test_a_closed_site_makes_no_new_articles_for_comments(
    client: FlaskClient, admin: Headers, ann: Headers, database: Database
) -> None:
    change(client, admin, SITE, closed=True)
    assert post(client, ann).status_code == 409
    assert not is_open(client)
    with database.read() as connection:
        assert connection.execute(select(articles)).all() == []


def test_an_article_closes_after_its_days(
    client: FlaskClient, admin: Headers, ann: Headers, database: Database
) -> None:
    post(client, ann)
    change(client, admin, SITE, close_after_days=14)
    assert is_open(client)
    with database.write() as connection:
        connection.execute(update(articles).values(created_at=clock.now() - timedelta(days=14)))
    refused = post(client, ann)
    assert refused.status_code == 409
    assert "14 days" in refused.json["detail"]
    change(client, admin, ARTICLE, close_after_days=0)
    assert post(client, ann).status_code == 201


def test_in_slow_mode_a_reader_waits_between_two_comments(
    client: FlaskClient, admin: Headers, ann: Headers, new_reader: Callable[..., Headers], database: Database
) -> None:
    assert post(client, ann).status_code == 201
    change(client, admin, SITE, slow_mode=60)
    fast = post(client, ann)
    assert fast.status_code == 429
    assert 1 <= int(fast.headers["Retry-After"]) <= 60
    assert post(client, new_reader()).status_code == 201
    with database.write() as connection:
        connection.execute(update(comments).values(created_at=clock.now() - timedelta(seconds=61)))
    assert post(client, ann).status_code == 201


def test_each_change_is_in_the_log(client: FlaskClient, admin: Headers, database: Database) -> None:
    change(client, admin, SITE, closed=True)
    change(client, admin, SITE, closed=True)  # as it is
    with database.read() as connection:
        logged = connection.execute(select(moderation_log)).all()
    assert [(row.action, row.site, row.actor_kind) for row in logged] == [("policy.changed", "demo", "staff")]
    assert logged[0].subject["version"] == 1
