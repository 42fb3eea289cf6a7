"""Single sign-on: issuers, how they are added and disabled, and the staff that some of them vouch for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import issuers, staff
from engagement.settings import Settings
from engagement.staff.roles import ISSUERS
from tests.contract.sign_on.publisher import ASKED, ISSUERS_PATH, ME, SECRET, Add, by_secret, told
from tests.staffing import headers_of
from tests.waiting import until


def test_staff_by_sign_on_have_the_role_that_an_issuer_for_staff_names(
    client: FlaskClient, add: Add, database: Database
) -> None:
    add(for_staff=True)
    admin = by_secret(sub="editor", name="Edie", roles=["reader", "moderator", "admin"])
    assert client.get(ISSUERS_PATH, headers=admin).status_code == 200
    assert client.get(ISSUERS_PATH, headers=by_secret(sub="mo", roles=["moderator"])).status_code == 403
    for roles in (None, [], ["owner"], ["king"], "admin", {"admin": 1}):
        assert client.get(ISSUERS_PATH, headers=by_secret(sub="x", roles=roles)).status_code == 403
    assert client.get("/v1/known/admin/issuers", headers=admin).status_code == 401
    with database.read() as connection:
        row = connection.execute(select(staff).where(staff.c.subject == "editor")).one()
    assert (row.site, row.role, row.name) == ("demo", "admin", "Edie")
    assert row.last_seen_at is not None


def test_an_issuer_of_readers_makes_no_staff(client: FlaskClient, add: Add) -> None:
    add()
    assert client.get(ISSUERS_PATH, headers=by_secret(roles=["admin"])).status_code == 403


def test_a_disabled_issuer_vouches_for_nobody_and_can_come_back_with_a_new_secret(
    client: FlaskClient, add: Add, database: Database, settings: Settings
) -> None:
    issuer = add()
    elsewhere = create_app(settings).test_client()
    before = told(client.get(ME, headers=by_secret()))["id"]
    assert elsewhere.get(ME, headers=by_secret()).status_code == 200
    admin = headers_of(database)
    assert client.delete(f"{ISSUERS_PATH}/{issuer}", headers=admin).status_code == 204
    assert client.get(ME, headers=by_secret()).status_code == 401
    until(lambda: elsewhere.get(ME, headers=by_secret()).status_code == 401)
    new = "another secret of the publisher, as long"
    assert add(secret=new) == issuer
    assert client.get(ME, headers=by_secret()).status_code == 401
    assert told(client.get(ME, headers=by_secret(new)))["id"] == before


def test_secrets_are_never_told_again(client: FlaskClient, add: Add, database: Database) -> None:
    add()
    listed = client.get(ISSUERS_PATH, headers=headers_of(database))
    assert len(told(listed)["items"]) == 1
    assert SECRET not in listed.text


@pytest.mark.one_store("it is refused before any store is asked")
def test_a_secret_is_sealed_where_it_is_kept_and_gone_with_its_issuer(
    client: FlaskClient, add: Add, database: Database
) -> None:
    issuer = add()
    assert client.get(ME, headers=by_secret()).status_code == 200
    assert SECRET not in str(kept(database))
    assert kept(database) is not None
    client.delete(f"{ISSUERS_PATH}/{issuer}", headers=headers_of(database))
    assert kept(database) is None


def test_a_secret_that_an_earlier_release_has_kept_as_it_is_still_holds(
    client: FlaskClient, add: Add, database: Database, settings: Settings
) -> None:
    issuer = add()
    with database.write() as connection:
        connection.execute(update(issuers).values(secret=SECRET))
    elsewhere = create_app(settings).test_client()
    assert elsewhere.get(ME, headers=by_secret()).status_code == 200
    client.delete(f"{ISSUERS_PATH}/{issuer}", headers=headers_of(database))
    add()
    assert SECRET not in str(kept(database))


def test_with_another_secret_key_an_issuer_vouches_for_nobody_until_it_is_added_anew(
    add: Add, database: Database, settings: Settings
) -> None:
    issuer = add()
    later = create_app(replace(settings, secret_key="another secret of tests, and long enough")).test_client()
    assert later.get(ME, headers=by_secret()).status_code == 401
    admin = headers_of(database)
    assert [one["id"] for one in told(later.get(ISSUERS_PATH, headers=admin))["items"]] == [issuer]
    assert later.delete(f"{ISSUERS_PATH}/{issuer}", headers=admin).status_code == 204
    assert later.post(ISSUERS_PATH, json=ASKED, headers=admin).status_code == 201
    assert later.get(ME, headers=by_secret()).status_code == 200


def kept(database: Database) -> str | None:
    """What is in the database of the only issuer's secret."""
    with database.read() as connection:
        secret: str | None = connection.execute(select(issuers.c.secret)).scalar_one()
        return secret


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"algorithm": "none"}, "algorithm"), ({"algorithm": "HS512"}, "algorithm"),
        ({"secret": "short"}, "secret"),
        ({"secret": None}, "secret"), ({"jwks_url": "https://news.example/keys"}, "jwks_url"),
        ({"algorithm": "RS256"}, "secret"), ({"algorithm": "RS256", "secret": None}, "jwks_url"),
        ({"algorithm": "ES256", "secret": None, "jwks_url": "http://news.example/keys"}, "jwks_url"),
        ({"algorithm": "ES256", "secret": None, "jwks_url": "https://10.0.0.1/keys"}, "jwks_url"),
        ({"skew": 301}, "skew"), ({"skew": -1}, "skew"), ({"issuer": ""}, "issuer"),
        ({"audience": "\u200b"}, "audience"),
        ({"nonsense": 1}, "nonsense"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_issuer_is_named(
    client: FlaskClient, database: Database, change: dict[str, Any], field: str
) -> None:
    asked = {**ASKED, **change}
    answer = client.post(ISSUERS_PATH, json=asked, headers=headers_of(database))
    assert answer.status_code == 422, answer.text
    assert field in told(answer)["errors"]


def test_an_issuer_is_there_once(client: FlaskClient, add: Add, database: Database) -> None:
    add()
    again = client.post(ISSUERS_PATH, json=ASKED, headers=headers_of(database))
    assert told(again)["errors"] == {"issuer": ["is there already: disable it first"]}


def test_a_confined_token_adds_no_issuer_that_could_make_admins(
    client: FlaskClient, database: Database
) -> None:
    confined = headers_of(database, scopes=[ISSUERS])
    assert client.post(ISSUERS_PATH, json={**ASKED, "for_staff": True}, headers=confined).status_code == 403
    assert client.post(ISSUERS_PATH, json=ASKED, headers=confined).status_code == 201
