"""Single sign-on: whose tokens are good, and what becomes of who comes with one."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from sqlalchemy import select

from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import readers, staff
from engagement.settings import Settings
from engagement.staff.roles import ISSUERS
from engagement.worker.loop import Worker
from tests.servers.web import Asked, Told, WebServer
from tests.staffing import headers_of
from tests.stores import SqlStore
from tests.waiting import until

ISS, AUD = "https://accounts.news.example", "engagement"
SECRET = "a secret of the publisher, and long enough"
ISSUERS_PATH = "/v1/demo/admin/issuers"
ME = "/v1/demo/readers/me"
Sign = Callable[..., dict[str, str]]
_KEYS: dict[str, Any] = {}


def keys(algorithm: str) -> Any:
    """A key of the algorithm; one for all tests."""
    makers: dict[str, Callable[[], Any]] = {
        "RS256": lambda: RSAKey.generate_key(2048, {"kid": "rsa"}, auto_kid=False),
        "ES256": lambda: ECKey.generate_key("P-256", {"kid": "ec"}),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    }
    if algorithm not in _KEYS:
        _KEYS[algorithm] = makers[algorithm]()
    return _KEYS[algorithm]


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": ISS, "aud": AUD, "sub": "reader-1", "iat": now, "exp": now + 300, "name": "Ada"}
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(key: Key, algorithm: str, header: dict[str, Any] | None = None, **claims: Any) -> dict[str, str]:
    """The headers of a caller with a token of these claims."""
    from engagement.sso.signing_on import _REGISTRY

    sent = {"alg": algorithm, "typ": "JWT", **(header or {})}
    text = jwt.encode(sent, claims_of(**claims), key, registry=_REGISTRY)
    return {"Authorization": f"Bearer {text}"}


def by_secret(secret: str = SECRET, **claims: Any) -> dict[str, str]:
    return signed(OctKey.import_key(secret), "HS256", **claims)


def told(answer: Any) -> dict[str, Any]:
    assert answer.json is not None, answer.text
    return dict(answer.json)


@pytest.fixture
def add(client: FlaskClient, database: Database) -> Callable[..., str]:
    """Adds an issuer to a site; answers its id."""

    def add(site: str = "demo", **given: Any) -> str:
        asked = {"issuer": ISS, "audience": AUD, "algorithm": "HS256"} | given
        if asked["algorithm"] == "HS256":
            asked.setdefault("secret", SECRET)
        answer = client.post(f"/v1/{site}/admin/issuers", json=asked, headers=headers_of(database, site))
        assert answer.status_code == 201, answer.text
        return str(told(answer)["id"])

    return add


@pytest.fixture
def published() -> Iterator[WebServer]:
    """The publisher's JWKS address; `server.keys` is what it shows."""
    shown: list[Any] = [keys(name).as_dict(private=False) for name in ("RS256", "ES256", "EdDSA")]

    def answer(_: Asked) -> Told:
        return Told(json.dumps({"keys": shown}).encode())

    server = WebServer(answer)
    server.shown = shown  # type: ignore[attr-defined]
    yield server
    server.stop()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, fetch_inside=("127.0.0.1",))


def test_a_reader_by_sign_on_comments_under_their_name_with_avatar_and_badges(
    client: FlaskClient, add: Callable[..., str], worker: Worker
) -> None:
    add()
    profile: dict[str, Any] = {
        "name": " Ada\u202e L. ",
        "avatar": "https://news.example/ada.png",
        "badges": ["Staff", "", 7, "Staff"],
    }
    reader = by_secret(**profile)
    assert told(client.get(ME, headers=reader))["name"] == "Ada L."
    posted = client.post("/v1/demo/articles/story/comments", json={"body": "Said here"}, headers=reader)
    assert posted.status_code == 201, posted.text
    page = told(client.get("/v1/demo/articles/story/comments"))
    author = page["items"][0]["author"]
    assert (author["name"], author["avatar_url"], author["badges"]) == (
        "Ada L.", "https://news.example/ada.png", ["Staff"],
    )  # fmt: skip
    assert (
        client.put("/v1/demo/articles/story/reaction", json={"mood": "sad"}, headers=reader).status_code
        == 200
    )


def test_what_a_sign_on_has_told_is_in_the_readers_export(
    client: FlaskClient, add: Callable[..., str]
) -> None:
    add()
    headers = by_secret(avatar="https://news.example/ada.png", badges=["Staff"])
    profile = told(client.get(f"{ME}/export", headers=headers))["reader"]
    assert (profile["subject"], profile["avatar_url"]) == ("reader-1", "https://news.example/ada.png")
    assert profile["badges"] == ["Staff"]


def test_the_same_person_is_the_same_reader_everywhere_and_another_is_another(
    client: FlaskClient, add: Callable[..., str], settings: Settings
) -> None:
    add()
    mine = told(client.get(ME, headers=by_secret()))["id"]
    elsewhere = create_app(settings).test_client()
    assert told(elsewhere.get(ME, headers=by_secret()))["id"] == mine
    assert told(client.get(ME, headers=by_secret(sub="reader-2")))["id"] != mine


def test_two_first_calls_at_once_make_one_reader(
    client: FlaskClient, add: Callable[..., str], settings: Settings
) -> None:
    add()
    apps = [create_app(settings) for _ in range(4)]
    barrier = Barrier(len(apps))

    def first(app: Flask) -> Any:
        barrier.wait()
        return told(app.test_client().get(ME, headers=by_secret()))["id"]

    with ThreadPoolExecutor(len(apps)) as pool:
        assert len(set(pool.map(first, apps))) == 1


def test_a_reader_who_is_known_here_reacts_while_the_database_is_down(
    client: FlaskClient,
    add: Callable[..., str],
    settings: Settings,
    database: Database,
    sql_store: SqlStore,
    worker: Worker,
) -> None:
    add()
    path = "/v1/demo/articles/story/reaction"
    assert client.put(path, json={"mood": "sad"}, headers=by_secret()).status_code == 200
    worker.drain()
    assert client.put(path, json={"mood": "angry"}, headers=by_secret()).status_code == 200
    database.close()
    sql_store.take_away(settings.database_url)
    assert client.put(path, json={"mood": "happy"}, headers=by_secret()).status_code == 200


def test_a_newer_token_says_what_a_reader_is_called(client: FlaskClient, add: Callable[..., str]) -> None:
    add()
    now = int(time.time())
    client.get(ME, headers=by_secret(iat=now - 20))
    newer, older = by_secret(name="Ada Lovelace", iat=now - 10), by_secret(iat=now - 20)
    assert told(client.get(ME, headers=newer))["name"] == "Ada Lovelace"
    assert told(client.get(ME, headers=older))["name"] == "Ada Lovelace"
    assert client.patch(ME, json={"name": "Somebody"}, headers=newer).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("avatar", "http://news.example/a.png"), ("avatar", "javascript:alert(1)"), ("avatar", 7),
        ("avatar", "https://u:p@news.example/a.png"), ("avatar", "https://n.example/" + "x" * 2_100),
        ("badges", "Staff"), ("badges", {"a": 1}), ("badges", [["x"]]),
        ("name", 7), ("name", "\u200b"), ("name", "x" * 5_000),
    ],
)  # fmt: skip
def test_a_profile_that_can_not_be_shown_is_none(
    client: FlaskClient, add: Callable[..., str], database: Database, field: str, value: Any
) -> None:
    add()
    reader_id = told(client.get(ME, headers=by_secret(**{field: value})))["id"]
    with database.read() as connection:
        row = connection.execute(select(readers).where(readers.c.issuer_id.is_not(None))).one()
    assert str(row.id) == reader_id
    shown = {"avatar": row.avatar_url, "badges": row.badges or None, "name": row.name}
    assert shown[field] is None


def test_an_erased_reader_who_comes_again_is_a_new_reader(
    client: FlaskClient, add: Callable[..., str], settings: Settings, database: Database, worker: Worker
) -> None:
    add()
    elsewhere = create_app(settings).test_client()
    before = told(client.get(ME, headers=by_secret()))["id"]
    assert told(elsewhere.get(ME, headers=by_secret()))["id"] == before
    assert client.delete(ME, headers=by_secret()).status_code == 202
    after = told(client.get(ME, headers=by_secret()))["id"]
    assert after != before
    until(lambda: told(elsewhere.get(ME, headers=by_secret()))["id"] == after)

    def emptied() -> bool:
        worker.round()
        with database.read() as connection:
            row = connection.execute(select(readers).where(readers.c.name.is_(None))).all()
        return any(str(each.id) == before and each.subject is None for each in row)

    until(emptied)
    assert told(client.get(ME, headers=by_secret()))["id"] == after


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://other.example"}, {"iss": None}, {"iss": 7}, {"iss": [ISS]},
        {"aud": "other"}, {"aud": None}, {"aud": ["other"]}, {"aud": {"engagement": 1}},
        {"exp": None}, {"exp": 1}, {"exp": "4000000000"}, {"exp": True}, {"exp": float("inf")},
        {"nbf": 4_000_000_000}, {"iat": 4_000_000_000}, {"iat": "now"},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "x" * 256}, {"sub": "a\x00b"},
    ],
)  # fmt: skip
def test_a_token_that_does_not_say_what_it_must_is_refused(
    client: FlaskClient, add: Callable[..., str], changed: dict[str, Any]
) -> None:
    add()
    assert client.get(ME, headers=by_secret(**changed)).status_code == 401
    assert client.get(ME, headers=by_secret(aud=["other", AUD])).status_code == 200


def test_a_clock_may_be_a_little_wrong(client: FlaskClient, add: Callable[..., str]) -> None:
    add(skew=120)
    now = int(time.time())
    assert client.get(ME, headers=by_secret(exp=now - 60, iat=now - 90)).status_code == 200
    assert client.get(ME, headers=by_secret(iat=now + 60, nbf=now + 60)).status_code == 200
    assert client.get(ME, headers=by_secret(exp=now - 180)).status_code == 401


def test_an_issuer_vouches_on_its_own_site_alone(client: FlaskClient, add: Callable[..., str]) -> None:
    add("known")
    assert client.get("/v1/known/readers/me", headers=by_secret()).status_code == 200
    assert client.get(ME, headers=by_secret()).status_code == 401


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_each_algorithm_with_the_keys_of_an_address(
    client: FlaskClient, add: Callable[..., str], published: WebServer, algorithm: str
) -> None:
    add(algorithm=algorithm, jwks_url=f"{published.url}/keys")
    key = keys(algorithm)
    assert client.get(ME, headers=signed(key, algorithm)).status_code == 200
    assert client.get(ME, headers=signed(key, algorithm, {"kid": key.kid})).status_code == 200
    assert client.get(ME, headers=signed(key, algorithm, {"kid": "another"})).status_code == 401
    for other in {"RS256", "ES256", "EdDSA"} - {algorithm}:
        assert client.get(ME, headers=signed(keys(other), other)).status_code == 401
    assert client.get(ME, headers=by_secret()).status_code == 401
    assert len(published.asked) == 1  # kept; and another one is not asked for at once


def test_without_a_signature_nobody_is_anybody(client: FlaskClient, add: Callable[..., str]) -> None:
    add()
    payload = b64(json.dumps(claims_of()).encode())
    for name in ("none", "None", "NONE", "nOnE", "", None, ["HS256"], 7):
        header = b64(json.dumps({"alg": name, "typ": "JWT"}).encode())
        for signature in ("", b64(b"x" * 32)):
            token = {"Authorization": f"Bearer {header}.{payload}.{signature}"}
            assert client.get(ME, headers=token).status_code == 401


def test_a_public_key_is_no_secret(
    client: FlaskClient, add: Callable[..., str], published: WebServer
) -> None:
    add(algorithm="RS256", jwks_url=f"{published.url}/keys")
    public = keys("RS256")
    header, payload = ({"alg": "HS256", "kid": "rsa"}, claims_of())
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(payload).encode())}"
    for secret in (public.as_pem(private=False), json.dumps(public.as_dict(private=False)).encode()):
        forged = f"{body}.{b64(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"
        assert client.get(ME, headers={"Authorization": f"Bearer {forged}"}).status_code == 401


def test_a_key_that_a_header_brings_or_names_is_not_looked_at(
    client: FlaskClient, add: Callable[..., str], published: WebServer
) -> None:
    add(algorithm="RS256", jwks_url=f"{published.url}/keys")
    mine = RSAKey.generate_key(2048, auto_kid=False)
    evil = WebServer(lambda _: Told(json.dumps({"keys": [mine.as_dict(private=False)]}).encode()))
    try:
        for header in (
            {"jwk": mine.as_dict(private=False)}, {"jku": f"{evil.url}/keys"}, {"x5u": f"{evil.url}/cert"},
            {"jku": f"{evil.url}/keys", "kid": "rsa"},
        ):  # fmt: skip
            assert client.get(ME, headers=signed(mine, "RS256", header)).status_code == 401
            assert client.get(ME, headers=signed(keys("RS256"), "RS256", header)).status_code == 200
        assert evil.asked == []
    finally:
        evil.stop()
    assert (
        client.get(ME, headers=signed(keys("RS256"), "RS256", {"kid": "../../etc/passwd"})).status_code == 401
    )


@pytest.mark.parametrize(
    "token", ["eyJ.eyJ.", "eyJhbGciOiJIUzI1NiJ9.e30.", "eyJ" + "A" * 20_000 + ".a.b", "eyJ..", "eyJé.b.c"]
)
def test_what_is_no_token_is_refused(client: FlaskClient, add: Callable[..., str], token: str) -> None:
    add()
    headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    assert client.get(ME, headers=headers).status_code == 401


def test_a_changed_token_is_refused(client: FlaskClient, add: Callable[..., str]) -> None:
    add()
    header, _, signature = by_secret()["Authorization"].removeprefix("Bearer ").split(".")
    changed = b64(json.dumps(claims_of(sub="somebody-else")).encode())
    headers = {"Authorization": f"Bearer {header}.{changed}.{signature}"}
    assert client.get(ME, headers=headers).status_code == 401
    assert client.get(ME, headers=by_secret("another secret, as long as the good one")).status_code == 401


def test_staff_by_sign_on_have_the_role_that_an_issuer_for_staff_names(
    client: FlaskClient, add: Callable[..., str], database: Database
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


def test_an_issuer_of_readers_makes_no_staff(client: FlaskClient, add: Callable[..., str]) -> None:
    add()
    assert client.get(ISSUERS_PATH, headers=by_secret(roles=["admin"])).status_code == 403


def test_a_disabled_issuer_vouches_for_nobody_and_can_come_back_with_a_new_secret(
    client: FlaskClient, add: Callable[..., str], database: Database, settings: Settings
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


def test_secrets_are_never_told_again(
    client: FlaskClient, add: Callable[..., str], database: Database
) -> None:
    add()
    listed = client.get(ISSUERS_PATH, headers=headers_of(database))
    assert len(told(listed)["items"]) == 1
    assert SECRET not in listed.text


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
    asked = {"issuer": ISS, "audience": AUD, "algorithm": "HS256", "secret": SECRET} | change
    answer = client.post(ISSUERS_PATH, json=asked, headers=headers_of(database))
    assert answer.status_code == 422, answer.text
    assert field in told(answer)["errors"]


def test_an_issuer_is_there_once(client: FlaskClient, add: Callable[..., str], database: Database) -> None:
    add()
    asked = {"issuer": ISS, "audience": AUD, "algorithm": "HS256", "secret": SECRET}
    again = client.post(ISSUERS_PATH, json=asked, headers=headers_of(database))
    assert told(again)["errors"] == {"issuer": ["is there already: disable it first"]}


def test_a_confined_token_adds_no_issuer_that_could_make_admins(
    client: FlaskClient, database: Database
) -> None:
    confined = headers_of(database, scopes=[ISSUERS])
    asked = {"issuer": ISS, "audience": AUD, "algorithm": "HS256", "secret": SECRET}
    assert client.post(ISSUERS_PATH, json=asked | {"for_staff": True}, headers=confined).status_code == 403
    assert client.post(ISSUERS_PATH, json=asked, headers=confined).status_code == 201
