"""API tokens of the staff: what each may make, see and revoke, and when it is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import api_tokens
from engagement.settings import Settings
from engagement.staff.roles import ADMIN, MODERATOR, OWNER, QUEUE, SERVICE, TOKENS
from engagement.staff.service import Token
from engagement.staff.tokens import digest
from tests.staffing import headers_of, made
from tests.stores import SqlStore
from tests.waiting import until

TOKENS_PATH = "/v1/demo/admin/tokens"


def body_of(answer: Any) -> dict[str, Any]:
    assert answer.json is not None
    return dict(answer.json)


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_token_is_told_once_and_kept_as_a_digest(client: FlaskClient, database: Database) -> None:
    asked = {"name": "The back end", "role": SERVICE, "scopes": [QUEUE], "expires_in_days": 30}
    made_one = client.post(TOKENS_PATH, json=asked, headers=headers_of(database))
    assert made_one.status_code == 201
    assert made_one.headers["Cache-Control"] == "private, no-store"
    told = body_of(made_one)
    text = told.pop("token")
    assert text.startswith("eng_")
    assert len(text) == len("eng_") + 43
    with database.read() as connection:
        row = connection.execute(select(api_tokens).where(api_tokens.c.id == UUID(told["id"]))).one()
    assert row.digest == digest(text)
    assert text not in str(row)
    listed = client.get(TOKENS_PATH, headers=headers_of(database))
    assert told in body_of(listed)["items"]
    assert text not in listed.text


@pytest.mark.one_store("roles are the same on every store")
@pytest.mark.parametrize("role", [ADMIN, MODERATOR, SERVICE])
@pytest.mark.parametrize("wanted", [OWNER, ADMIN, MODERATOR, SERVICE])
def test_nobody_makes_a_token_that_may_more_than_they_may(
    client: FlaskClient, database: Database, role: str, wanted: str
) -> None:
    answer = client.post(
        TOKENS_PATH, json={"name": "x", "role": wanted}, headers=headers_of(database, role=role)
    )
    assert answer.status_code == (201 if role == ADMIN and wanted != OWNER else 403)


def test_a_confined_token_makes_none_that_is_less_confined(client: FlaskClient, database: Database) -> None:
    confined = headers_of(database, scopes=[TOKENS, QUEUE])
    wide = client.post(TOKENS_PATH, json={"name": "x", "role": MODERATOR}, headers=confined)
    assert (wide.status_code, "haven't got it" in body_of(wide)["detail"]) == (403, True)
    narrow = {"name": "x", "role": MODERATOR, "scopes": [QUEUE]}
    assert client.post(TOKENS_PATH, json=narrow, headers=confined).status_code == 201


def test_a_confined_owner_of_all_sites_can_not_be_made_by_an_admin(
    client: FlaskClient, database: Database
) -> None:
    asked = {"name": "x", "role": OWNER, "scopes": [QUEUE]}
    assert client.post(TOKENS_PATH, json=asked, headers=headers_of(database)).status_code == 403
    made_one = client.post(TOKENS_PATH, json=asked, headers=headers_of(database, role=OWNER))
    assert (made_one.status_code, body_of(made_one)["site"]) == (201, None)


def test_a_token_lasts_no_longer_than_the_one_that_made_it(client: FlaskClient, database: Database) -> None:
    headers, mine = made(database, days=2)
    for days in (None, 30):
        asked = {"name": "x", "role": ADMIN, "expires_in_days": days}
        told = body_of(client.post(TOKENS_PATH, json=asked, headers=headers))
        assert mine.expires_at is not None
        assert told["expires_at"] == clock.rfc3339(mine.expires_at)


def test_a_token_of_another_site_is_refused(client: FlaskClient, database: Database) -> None:
    assert client.get(TOKENS_PATH, headers=headers_of(database, "known")).status_code == 403
    assert client.get("/v1/nowhere/admin/tokens", headers=headers_of(database)).status_code == 404


def test_an_owner_is_of_every_site(client: FlaskClient, database: Database) -> None:
    owner = headers_of(database, role=OWNER)
    for site in ("demo", "known"):
        assert client.get(f"/v1/{site}/admin/tokens", headers=owner).status_code == 200


def test_owners_alone_see_and_revoke_tokens_of_all_sites(client: FlaskClient, database: Database) -> None:
    owner, mine = made(database, role=OWNER)
    admin = headers_of(database)
    path = f"{TOKENS_PATH}/{mine.id}"
    assert str(mine.id) not in client.get(TOKENS_PATH, headers=admin).text
    assert client.delete(path, headers=admin).status_code == 404
    assert str(mine.id) in client.get(TOKENS_PATH, headers=owner).text
    assert client.delete(path, headers=owner).status_code == 204


def test_a_token_of_another_site_can_not_be_revoked(client: FlaskClient, database: Database) -> None:
    headers, other = made(database, "known")
    assert client.delete(f"{TOKENS_PATH}/{other.id}", headers=headers_of(database)).status_code == 404
    assert client.get("/v1/known/admin/tokens", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer"}, bearer("eng_" + "A" * 43), bearer("x.y.z")]
)
def test_without_a_good_token_there_is_no_answer(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.get(TOKENS_PATH, headers=headers)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


def test_a_readers_token_is_none_of_the_staffs(client: FlaskClient, reader: dict[str, str]) -> None:
    assert client.get(TOKENS_PATH, headers=reader).status_code == 401


def test_a_revoked_token_is_refused_at_once_and_elsewhere_within_a_moment(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    elsewhere = create_app(settings).test_client()
    headers, token = made(database)
    assert elsewhere.get(TOKENS_PATH, headers=headers).status_code == 200
    assert client.get(TOKENS_PATH, headers=headers).status_code == 200
    assert client.delete(f"{TOKENS_PATH}/{token.id}", headers=headers).status_code == 204
    assert client.get(TOKENS_PATH, headers=headers).status_code == 401
    until(lambda: elsewhere.get(TOKENS_PATH, headers=headers).status_code == 401)
    again = client.delete(f"{TOKENS_PATH}/{token.id}", headers=headers_of(database))
    assert again.status_code == 204


def test_a_token_that_has_ended_is_refused_though_it_is_remembered(
    client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, _ = made(database, days=1)
    assert client.get(TOKENS_PATH, headers=headers).status_code == 200
    later = clock.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert client.get(TOKENS_PATH, headers=headers).status_code == 401


def last_use(database: Database, token: Token) -> Any:
    with database.read() as connection:
        return connection.scalar(select(api_tokens.c.last_used_at).where(api_tokens.c.id == token.id))


def test_when_a_token_was_used_is_written_down_once_a_minute(
    client: FlaskClient, settings: Settings, database: Database
) -> None:
    headers, token = made(database)
    assert last_use(database, token) is None
    client.get(TOKENS_PATH, headers=headers)
    first = last_use(database, token)
    assert first is not None
    for _ in range(2):  # this process knows that it has; another one finds it
        client.get(TOKENS_PATH, headers=headers)
        create_app(settings).test_client().get(TOKENS_PATH, headers=headers)
    assert last_use(database, token) == first
    old = first - timedelta(seconds=61)
    with database.write() as connection:
        connection.execute(update(api_tokens).where(api_tokens.c.id == token.id).values(last_used_at=old))
    create_app(settings).test_client().get(TOKENS_PATH, headers=headers)
    assert last_use(database, token) >= first


def test_a_use_that_can_not_be_written_down_is_no_error(settings: Settings, database: Database) -> None:
    headers, token = made(database)
    client = create_app(replace(settings, database_timeout=0.2)).test_client()
    with database.write() as connection:
        connection.execute(update(api_tokens).values(name="held by a transaction that does not end"))
        assert client.get(TOKENS_PATH, headers=headers).status_code == 200
    assert last_use(database, token) is None


def test_without_the_database_the_staff_are_asked_to_come_again(
    client: FlaskClient, settings: Settings, database: Database, sql_store: SqlStore
) -> None:
    headers = headers_of(database)
    database.close()
    sql_store.take_away(settings.database_url)
    assert client.get(TOKENS_PATH, headers=headers).status_code == 503


def test_tokens_are_listed_newest_first_page_by_page(client: FlaskClient, database: Database) -> None:
    headers = headers_of(database)
    ids = [str(made(database)[1].id) for _ in range(5)]
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = body_of(client.get(TOKENS_PATH, query_string=query, headers=headers))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen[:5] == ids[::-1]
    assert len(seen) == len(set(seen)) == 6
    for wrong in ("x", "!", "AAAA", "é" * 30):
        answer = client.get(TOKENS_PATH, query_string={"cursor": wrong}, headers=headers)
        assert answer.status_code == 400


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"role": "king"}, "role"),
        ({"name": ""}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"role": SERVICE, "scopes": [TOKENS]}, "scopes"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 4_000}, "expires_in_days"),
        ({"site": "known"}, "site"),
    ],
)
def test_what_is_wrong_with_a_new_token_is_named(
    client: FlaskClient, database: Database, change: dict[str, Any], field: str
) -> None:
    asked = {"name": "x", "role": ADMIN} | change
    answer = client.post(TOKENS_PATH, json=asked, headers=headers_of(database))
    assert answer.status_code == 422
    assert list(body_of(answer)["errors"]) == [field]


def test_the_calls_of_the_staff_say_so_in_openapi(client: FlaskClient) -> None:
    spec = body_of(client.get("/openapi.json"))
    assert spec["components"]["securitySchemes"]["staff"] == {"type": "http", "scheme": "bearer"}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            if "/admin/" in path and method != "parameters":
                assert operation["security"] == [{"staff": []}], (path, method)
