"""How somebody comes into the moderators' console, stays there, and leaves."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import update
from werkzeug.test import TestResponse

from engagement import clock
from engagement.app import create_app
from engagement.console.links import GOOD_FOR, Links
from engagement.console.sessions import Sessions, digest
from engagement.db.engine import Database
from engagement.db.tables import staff_links, staff_sessions
from engagement.errors import Expired
from engagement.settings import Settings
from engagement.staff.members import Member
from engagement.staff.roles import MODERATOR, OWNER
from engagement.staff.service import Staff
from tests.staffing import headers_of

ISS = "https://accounts.news.example"
SECRET = "a secret of the publisher, and long enough"
SignIn = Callable[..., FlaskClient]


@pytest.fixture
def owner(database: Database) -> Member:
    return Staff(database).named(None, OWNER, "Olga")


@pytest.fixture
def link(database: Database, owner: Member) -> str:
    return Links(database).make(owner.id)


@pytest.fixture
def sign_in(app: Flask, database: Database) -> SignIn:
    def sign_in(site: str | None = None, role: str = OWNER, name: str = "Olga") -> FlaskClient:
        client = app.test_client()
        link = Links(database).make(Staff(database).named(site, role, name).id)
        assert client.post("/moderate/link", data={"token": link}).status_code == 303
        return client

    return sign_in


def token_of(client: FlaskClient, path: str = "/moderate/sign-in") -> str:
    """What the forms of this session carry."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def is_in(client: FlaskClient) -> bool:
    answer = client.get("/moderate/")
    assert answer.status_code == 303
    return answer.headers["Location"] != "/moderate/sign-in"


def cookie_of(answer: TestResponse) -> str:
    found: str = answer.headers["Set-Cookie"]
    return found


def test_a_link_shows_a_button_and_is_not_used_up_by_being_looked_at(client: FlaskClient, link: str) -> None:
    for _ in range(3):
        assert client.get(f"/moderate/link?token={link}").status_code == 200
    assert not is_in(client)
    assert client.post("/moderate/link", data={"token": link}).status_code == 303
    assert is_in(client)


def test_a_link_works_once(app: Flask, client: FlaskClient, link: str) -> None:
    assert client.post("/moderate/link", data={"token": link}).status_code == 303
    other = app.test_client()
    assert other.post("/moderate/link", data={"token": link}).status_code == 410
    assert other.get(f"/moderate/link?token={link}").status_code == 410
    assert not is_in(other)


def test_of_many_who_use_a_link_at_once_one_comes_in(database: Database, link: str) -> None:
    def use(_: int) -> bool:
        try:
            Links(database).use(link)
        except Expired:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(use, range(16))) == 1


def test_a_link_is_good_for_ten_minutes(client: FlaskClient, database: Database, link: str) -> None:
    before = clock.now() - GOOD_FOR
    with database.write() as connection:
        connection.execute(update(staff_links).values(expires_at=before))
    assert client.post("/moderate/link", data={"token": link}).status_code == 410


def test_what_is_no_link_opens_nothing(client: FlaskClient) -> None:
    for token in ("", "no-such-link", "x" * 5_000, "\ud800".encode("utf-8", "surrogatepass")):
        assert client.post("/moderate/link", data={"token": token}).status_code == 410


def test_a_link_is_stored_as_a_digest(database: Database, link: str) -> None:
    with database.read() as connection:
        stored = connection.exec_driver_sql("SELECT digest FROM staff_links").scalars().all()
    assert stored == [digest(link)]


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(client: FlaskClient, link: str) -> None:
    cookie = cookie_of(client.post("/moderate/link", data={"token": link}))
    for word in ("HttpOnly", "SameSite=Lax", "Path=/moderate", "Max-Age=43200"):
        assert word in cookie
    assert "Secure" not in cookie


def test_on_https_the_cookie_is_for_https_alone(client: FlaskClient, link: str) -> None:
    answer = client.post("/moderate/link", data={"token": link}, base_url="https://localhost")
    assert "; Secure" in cookie_of(answer)


def test_the_public_address_says_that_it_is_https(settings: Settings, link: str) -> None:
    from dataclasses import replace

    app = create_app(replace(settings, public_url="https://talk.example"))
    answer = app.test_client().post("/moderate/link", data={"token": link}, base_url="http://talk.example")
    assert "; Secure" in cookie_of(answer)


def test_who_is_not_signed_in_is_asked_to(client: FlaskClient) -> None:
    answer = client.get("/moderate/demo/queue")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/moderate/sign-in")
    assert client.get("/moderate/demo/queue", headers={"HX-Request": "true"}).status_code == 401
    assert client.post("/moderate/sign-out").status_code == 401


def test_an_idle_session_ends(sign_in: SignIn, database: Database, settings: Settings) -> None:
    client = sign_in()
    assert is_in(client)
    long_ago = clock.now() - timedelta(seconds=settings.console_idle + 1)
    with database.write() as connection:
        connection.execute(update(staff_sessions).values(seen_at=long_ago))
    assert not is_in(client)


def test_a_busy_session_ends_as_well(sign_in: SignIn, database: Database, settings: Settings) -> None:
    client = sign_in()
    long_ago = clock.now() - timedelta(seconds=settings.console_max_age + 1)
    with database.write() as connection:
        connection.execute(update(staff_sessions).values(created_at=long_ago))
    assert not is_in(client)


def test_doing_something_keeps_a_session_and_a_page_that_looks_by_itself_does_not(
    database: Database, owner: Member
) -> None:
    sessions = Sessions(database, 3_600, 43_200)
    cookie = sessions.begin(owner.id)
    before = clock.now() - timedelta(minutes=30)
    with database.write() as connection:
        connection.execute(update(staff_sessions).values(seen_at=before))

    def seen() -> object:
        with database.read() as connection:
            return connection.execute(staff_sessions.select()).one().seen_at

    assert sessions.find(cookie, passive=True)
    assert seen() == before
    assert sessions.find(cookie)
    assert seen() != before


def test_signing_out_ends_the_session_for_whoever_has_the_cookie(app: Flask, sign_in: SignIn) -> None:
    client = sign_in()
    stolen = client.get_cookie("engagement_staff", path="/moderate")
    assert stolen
    answer = client.post("/moderate/sign-out", data={"csrf": token_of(client)})
    assert answer.status_code == 303
    assert client.get_cookie("engagement_staff", path="/moderate") is None
    thief = app.test_client()
    thief.set_cookie("engagement_staff", stolen.value, path="/moderate")
    assert not is_in(thief)


def test_signing_out_everywhere_ends_all_of_ones_own(sign_in: SignIn) -> None:
    here, there, somebody = sign_in(), sign_in(), sign_in(name="Somebody else")
    answer = here.post("/moderate/sign-out", data={"csrf": token_of(here), "where": "everywhere"})
    assert answer.status_code == 303
    assert [is_in(client) for client in (here, there, somebody)] == [False, False, True]


def test_a_form_needs_the_token_of_its_own_session(sign_in: SignIn) -> None:
    one, two = sign_in(), sign_in(name="Two")
    for token in ("", "x", token_of(two), token_of(one) + "x"):
        assert one.post("/moderate/sign-out", data={"csrf": token}).status_code == 403
    assert is_in(one)


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_of_another_page_is_refused(sign_in: SignIn, headers: dict[str, str]) -> None:
    client = sign_in()
    answer = client.post("/moderate/sign-out", data={"csrf": token_of(client)}, headers=headers)
    assert answer.status_code == 403
    assert is_in(client)


def test_a_link_is_not_taken_from_another_page(client: FlaskClient, link: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert client.post("/moderate/link", data={"token": link}, headers=headers).status_code == 403
    assert not is_in(client)


def test_a_moderator_sees_no_other_site(sign_in: SignIn) -> None:
    client = sign_in("demo", MODERATOR, "Mo")
    assert client.get("/moderate/demo/queue").status_code == 200
    assert client.get("/moderate/known/queue").status_code == 404
    assert client.get("/moderate/no-such-site/queue").status_code == 404


@pytest.mark.parametrize("path", ["/moderate/sign-in", "/moderate/demo/queue", "/moderate/no/such/page"])
def test_every_page_has_its_headers(sign_in: SignIn, path: str) -> None:
    answer = sign_in().get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/moderate/sign-in", "/moderate/demo/queue", "/moderate/no/such/page"])
def test_no_page_has_scripts_or_styles_of_its_own(sign_in: SignIn, path: str) -> None:
    html = sign_in().get(path).text
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", html)


def test_an_api_token_is_no_way_into_the_console(client: FlaskClient, database: Database) -> None:
    token, _ = Staff(database).make_token(None, None, role=OWNER, name="A program")
    assert client.post("/moderate/sign-in", data={"token": token}).status_code == 401
    assert client.post("/moderate/sign-in", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert not is_in(client)


def test_a_sign_in_that_is_none_is_refused_in_words(client: FlaskClient) -> None:
    for sent in ({}, {"token": "x"}, {"token": "a.b.c", "site": "demo"}):
        answer = client.post("/moderate/sign-in", data=sent)
        assert answer.status_code in (400, 401)
        assert "<h1>" in answer.text


def signed(**claims: object) -> str:
    """A token of the publisher's."""
    now = int(time.time())
    good = {"iss": ISS, "aud": "engagement", "sub": "ed", "iat": now, "exp": now + 300, "name": "Ed"}
    return jwt.encode({"alg": "HS256"}, good | claims, OctKey.import_key(SECRET))


@pytest.fixture
def issuer(client: FlaskClient, database: Database) -> str:
    """The path of an issuer that vouches for the staff of `demo`."""
    asked = {
        "issuer": ISS,
        "audience": "engagement",
        "algorithm": "HS256",
        "secret": SECRET,
        "for_staff": True,
    }
    made = client.post("/v1/demo/admin/issuers", json=asked, headers=headers_of(database))
    assert made.status_code == 201, made.text
    return f"/v1/demo/admin/issuers/{made.get_json()['id']}"


def test_staff_come_in_by_single_sign_on_from_a_page_of_the_publisher(
    client: FlaskClient, issuer: str
) -> None:
    form = {"site": "demo", "token": signed(roles=["moderator"])}
    publisher = {"Origin": "https://news.example", "Sec-Fetch-Site": "cross-site"}
    elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/moderate/sign-in", data=form, headers=elsewhere).status_code == 403
    assert client.post("/moderate/sign-in", data=form, headers=publisher).status_code == 303
    html = client.get("/moderate/", follow_redirects=True).text
    assert "<summary>Ed</summary>" in html
    assert "Moderator of demo" in html


def test_who_has_no_role_or_comes_too_late_does_not_come_in(client: FlaskClient, issuer: str) -> None:
    long_ago = int(time.time()) - 3_600
    for claims in ({}, {"roles": ["reader"]}, {"roles": ["admin"], "exp": long_ago}):
        form = {"site": "demo", "token": signed(**claims)}
        assert client.post("/moderate/sign-in", data=form).status_code in (401, 403)
        assert not is_in(client)


def test_sessions_end_with_the_issuer_that_vouched(
    client: FlaskClient, issuer: str, database: Database
) -> None:
    form = {"site": "demo", "token": signed(roles=["admin"])}
    assert client.post("/moderate/sign-in", data=form).status_code == 303
    assert is_in(client)
    assert client.delete(issuer, headers=headers_of(database)).status_code == 204
    assert not is_in(client)
