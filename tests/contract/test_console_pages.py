"""The console's pages, without a browser: who may open which, and what their forms do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engagement.console.links import Links
from engagement.console.rule_forms import SETTINGS
from engagement.db.engine import Database
from engagement.staff.roles import ADMIN, MODERATOR, OWNER
from engagement.staff.service import Staff
from engagement.worker.loop import Worker
from tests.contract.sign_on.publisher import AUD, ISS, SECRET, by_secret

Reader = Callable[..., dict[str, str]]
SignIn = Callable[..., "Desk"]
PAGES = ("queue", "articles", "rules", "readers", "appeals", "log", "figures", "tokens", "sign-on")
OF_MODERATORS = ("queue", "readers", "appeals", "log", "figures")


class Desk:
    """Somebody of the staff who is signed in."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def page(self, path: str, status: int = 200) -> str:
        answer = self.client.get(f"/moderate/demo/{path}")
        assert answer.status_code == status, answer.text
        return answer.text

    def send(self, path: str, status: int = 303, **form: Any) -> str:
        """Send a form; answers the page, or where it leads."""
        csrf = re.search(r'name="csrf-token" content="([^"]+)"', self.page("queue"))
        assert csrf
        answer = self.client.post(f"/moderate/demo/{path}", data={**form, "csrf": csrf[1]})
        assert answer.status_code == status, answer.text
        return answer.headers.get("Location") or answer.text


@pytest.fixture
def sign_in(app: Flask, database: Database) -> SignIn:
    def sign_in(role: str = OWNER, name: str = "Olga") -> Desk:
        client = app.test_client()
        site = None if role == OWNER else "demo"
        link = Links(database).make(Staff(database).named(site, role, name).id)
        assert client.post("/moderate/link", data={"token": link}).status_code == 303
        return Desk(client)

    return sign_in


@pytest.fixture
def desk(sign_in: SignIn) -> Desk:
    return sign_in()


def post(client: FlaskClient, reader: dict[str, str], body: str, article: str = "plums") -> str:
    """A comment; answers its id."""
    answer = client.post(f"/v1/demo/articles/{article}/comments", json={"body": body}, headers=reader)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def status(client: FlaskClient, comment: str, article: str = "plums") -> int:
    """Of the comment, as readers ask for it."""
    return client.get(f"/v1/demo/articles/{article}/comments/{comment}").status_code


@pytest.mark.one_store("roles are looked at before any page is made")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", [OWNER, ADMIN, MODERATOR])
def test_each_role_opens_its_pages_and_no_others(sign_in: SignIn, role: str, page: str) -> None:
    allowed = role != MODERATOR or page in OF_MODERATORS
    desk = sign_in(role)
    html = desk.page(page, 200 if allowed else 403)
    links = set(re.findall(r'href="/moderate/demo/([a-z-]+)"', desk.page("queue")))
    assert (page in links) == allowed
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", html)


def test_a_form_decides_without_scripts(
    desk: Desk, client: FlaskClient, reader: dict[str, str], worker: Worker
) -> None:
    comment = post(client, reader, "A thing that I say.")
    worker.round()
    html = desk.page("queue?queue=unmoderated")
    assert "A thing that I say." in html
    where = desk.send(
        f"comments/{comment}/decision", revision="1", action="reject:abuse", back="queue=unmoderated"
    )
    assert where == "/moderate/demo/queue?queue=unmoderated&done=reject"
    assert "Rejected." in desk.client.get(where).text
    assert status(client, comment) == 404


def test_a_form_decides_on_what_was_seen(
    desk: Desk, sign_in: SignIn, client: FlaskClient, reader: dict[str, str]
) -> None:
    comment = post(client, reader, "What I said first.")
    headers = reader | {"If-Match": '"1"'}
    url = f"/v1/demo/articles/plums/comments/{comment}"
    assert client.patch(url, json={"body": "What I say now."}, headers=headers).status_code == 200
    html = desk.send(f"comments/{comment}/decision", 409, revision="1", action="approve")
    assert "It is at revision 2 by now." in html
    assert "What I say now." in html
    desk.send(f"comments/{comment}/decision", revision="2", action="spam:spam")
    other = sign_in(name="Somebody else")
    html = other.send(f"comments/{comment}/decision", 409, revision="2", action="approve")
    assert "Somebody has decided on it meanwhile." in html
    assert status(client, comment) == 404


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "reject", "revision": "1"},
        {"action": "reject:no-such-reason", "revision": "1"},
        {"action": "explode", "revision": "1"},
        {"action": "approve", "revision": "one"},
        {"action": "approve", "revision": "1", "decision": "no-id"},
    ],
)
def test_a_form_that_is_wrong_is_told_in_words_and_changes_nothing(
    desk: Desk, client: FlaskClient, reader: dict[str, str], form: dict[str, Any]
) -> None:
    comment = post(client, reader, "Something.")
    assert "<b>" in desk.send(f"comments/{comment}/decision", 422, **form)
    assert status(client, comment) == 200


def test_a_moderator_of_another_site_decides_on_nothing_here(
    app: Flask, database: Database, client: FlaskClient, reader: dict[str, str], desk: Desk
) -> None:
    comment = post(client, reader, "Something else.")
    other = app.test_client()
    link = Links(database).make(Staff(database).named("known", ADMIN, "Kim").id)
    other.post("/moderate/link", data={"token": link})
    found = re.search(r'name="csrf-token" content="([^"]+)"', other.get("/moderate/known/queue").text)
    assert found
    form = {"csrf": found[1], "revision": "1", "action": "spam:spam"}
    for site in ("demo", "known"):
        answer = other.post(f"/moderate/{site}/comments/{comment}/decision", data=form)
        assert answer.status_code == 404
    assert status(client, comment) == 200


def test_a_policy_is_set_and_says_why_it_is_so(
    desk: Desk, client: FlaskClient, reader: dict[str, str]
) -> None:
    post(client, reader, "The first word.")
    assert "Nobody has set it." in desk.page("articles")
    where = desk.send("articles", scope="site", name="", version="0", moderation="pre", closed="inherit")
    assert where == "/moderate/demo/articles?done"
    html = desk.page("articles?article=plums")
    assert "once a moderator has approved them" in html
    assert 'Set for the whole <a href="/moderate/demo/articles">site</a>' in html
    assert "by Olga" in html
    desk.send("articles", scope="article", name="plums", version="0", closed="true", slow_mode="30")
    answer = client.post("/v1/demo/articles/plums/comments", json={"body": "More."}, headers=reader)
    assert answer.status_code == 409


def test_a_policy_that_somebody_else_has_changed_is_shown_as_it_is_now(desk: Desk) -> None:
    desk.send("articles", scope="section", name="Sports", version="0", hold_links="true")
    html = desk.send("articles", 412, scope="section", name="Sports", version="0", hold_links="false")
    assert "It is at version 1 by now." in html
    html = desk.send("articles", 422, scope="section", name="Sports", version="1", slow_mode="-3")
    assert "<b>slow_mode</b>" in html


def test_what_is_done_is_in_the_log_and_in_the_figures(
    desk: Desk, client: FlaskClient, reader: dict[str, str]
) -> None:
    comment = post(client, reader, "To be counted.")
    desk.send(f"comments/{comment}/decision", revision="1", action="reject:hate")
    log = desk.page("log")
    assert "Reject" in log
    assert comment in log
    figures = desk.page("figures?span=week")
    assert "<b>1</b> decision, by 1 moderator" in figures
    assert "<rect" in figures


def rule_of(desk: Desk, name: str) -> str:
    """The path of the rule of this name."""
    found = re.search(rf'href="/moderate/demo/(rules/[0-9a-f-]{{36}})">{name}<', desk.page("rules"))
    assert found
    return found[1]


PHRASES: dict[str, Any] = {"kind": "phrases", "action": "hold", "mode": "on", "reason": ""}


def test_a_rule_is_made_tried_changed_and_ended(desk: Desk, client: FlaskClient, new_reader: Reader) -> None:
    post(client, new_reader(name="Ida"), "You <b>are</b> a muppet, sir.")
    rule = {**PHRASES, "name": "Insults", "settings.phrases": "muppet\n\nnumpt*\n"}
    html = desk.send("rules/preview", 200, **rule)
    assert "1 comment in the last 7 days" in html
    assert "You &lt;b&gt;are&lt;/b&gt; a <mark>muppet</mark>, sir." in html
    assert desk.send("rules", **rule) == "/moderate/demo/rules?done=made"
    path = rule_of(desk, "Insults")
    html = desk.page(path)
    assert "muppet\nnumpt*</textarea>" in html
    held = client.post(
        "/v1/demo/articles/plums/comments", json={"body": "What a muppet."}, headers=new_reader()
    )
    assert held.get_json()["status"] == "pending"
    queue = desk.page("queue")
    assert "What a <mark>muppet</mark>." in queue
    assert "rule <b>Insults</b> (version 1)" in queue
    changed = {**rule, "settings.phrases": "numpty", "version": "1"}
    assert desk.send(path, **changed) == "/moderate/demo/rules?done=changed"
    assert "It is at version 2" in desk.send(path, 412, **changed)
    assert "Save as version 3" in desk.page(path)
    gone: dict[str, Any] = {"kind": "phrases", "version": "2", "action_on_rule": "delete"}
    assert desk.send(path, **gone) == "/moderate/demo/rules?done=ended"
    assert "There is no rule yet." in desk.page("rules")


def test_a_rule_that_is_wrong_keeps_what_was_typed_and_names_the_field(desk: Desk) -> None:
    rule = {**PHRASES, "name": "Mine", "settings.phrases": "a*b\ngood"}
    html = desk.send("rules", 422, **rule)
    assert "settings.phrases" in html
    assert "a*b\ngood</textarea>" in html
    flood: dict[str, Any] = {"kind": "flood", "action": "hold", "name": "Flood", "settings.count": "many"}
    assert "<b>settings.count</b>" in desk.send("rules", 422, **flood)
    assert "<b>kind</b>" in desk.send("rules", 422, kind="no-such-kind")


@pytest.mark.one_store("forms are the same on every store")
@pytest.mark.parametrize("kind", sorted(SETTINGS))
def test_each_kind_of_rules_has_a_form_that_can_be_sent(desk: Desk, kind: str) -> None:
    html = desk.page(f"rules/new?kind={kind}")
    filled = {"phrases": "word", "most": "2", "secret": "a secret", "url": "https://scores.example/"}
    form: dict[str, Any] = {
        f"settings.{each.name}": filled.get(each.name, str(each.default)) for each in SETTINGS[kind]
    }
    for name in form:
        assert f'name="{name}"' in html
    desk.send("rules", kind=kind, name=f"All of {kind}", action="hold", mode="shadow", **form)
    assert f"All of {kind}" in desk.page(rule_of(desk, f"All of {kind}"))


def test_five_thousand_phrases_fit_into_a_form(desk: Desk) -> None:
    phrases = "\n".join(f"phrase number {n} and some more words of it" for n in range(5_000))
    desk.send("rules", **PHRASES, name="Many", **dict[str, Any]({"settings.phrases": phrases}))
    assert "(5,000)" in desk.page("rules")


def test_who_may_not_write_rules_may_not_send_much(sign_in: SignIn) -> None:
    desk = sign_in(MODERATOR, "Mo")
    desk.send("rules", 403, **PHRASES, name="Mine", **dict[str, Any]({"settings.phrases": "word"}))
    desk.send("rules", 403, **dict[str, Any]({"settings.phrases": "x" * 100_000}))


def test_a_reader_is_found_noted_banned_and_let_in_again(
    desk: Desk, client: FlaskClient, new_reader: Reader
) -> None:
    headers = new_reader(name="Wanda & Co")
    comment = post(client, headers, "Words of **hers**.")
    found = re.search(r'href="/moderate/demo/(readers/[0-9a-f-]{36})"', desk.page("readers?q=wanda"))
    assert found
    path = found[1]
    html = desk.page(path)
    assert "<h1>Wanda &amp; Co</h1>" in html
    assert "Words of <strong>hers</strong>." in html
    assert comment in html
    assert desk.send(f"{path}/notes", text="Called <today>.").endswith("?done=noted")
    assert "Called &lt;today&gt;." in desk.page(path)
    desk.send(f"{path}/standing", trust="trusted")
    assert '<option value="trusted" selected>' in desk.page(path)
    ban: dict[str, Any] = {
        "kind": "suspension",
        "reason": "abuse",
        "note": "Third time",
        "take_choices": "yes",
    }
    html = desk.send(f"{path}/bans", 422, **ban)
    assert "<b>until</b>" in html
    assert "Third time</textarea>" in html
    desk.send(f"{path}/bans", **ban, days="7")
    said = client.post("/v1/demo/articles/plums/comments", json={"body": "And more."}, headers=headers)
    assert said.status_code == 403
    lift = re.search(r'action="/moderate/demo/(readers/[^"]+/lift)"', desk.page(path))
    assert lift
    desk.send(lift[1])
    assert "lifted" in desk.page(path)
    assert (
        client.post(
            "/v1/demo/articles/plums/comments", json={"body": "And more."}, headers=headers
        ).status_code
        == 201
    )


def test_nobody_is_found_where_nobody_is(desk: Desk) -> None:
    assert "There is no such reader." in desk.page("readers?q=nobody-of-this-name")
    desk.page("readers/01990000-0000-7000-8000-000000000000", 404)


def test_only_an_owner_bans_on_every_site(sign_in: SignIn, client: FlaskClient, new_reader: Reader) -> None:
    post(client, new_reader(name="Zoe"), "Here I am.")
    moderator = sign_in(MODERATOR, "Mo")
    found = re.search(r'href="/moderate/demo/(readers/[0-9a-f-]{36})"', moderator.page("readers?q=Zoe"))
    assert found
    assert "On every site" not in moderator.page(found[1])
    moderator.send(f"{found[1]}/bans", 403, kind="ban", reason="spam", everywhere="yes")
    assert "On every site" in sign_in().page(found[1])


def test_a_token_is_shown_once_and_revoked(desk: Desk, client: FlaskClient) -> None:
    html = desk.send("tokens", 200, name="The back end", role="service", days="30", scopes="queue:read")
    token = re.search(r'<code class="token">(eng_[^<]+)</code>', html)
    assert token
    headers = {"Authorization": f"Bearer {token[1]}"}
    assert client.get("/v1/demo/admin/queue", headers=headers).status_code == 200
    html = desk.page("tokens")
    assert token[1] not in html
    revoke = re.search(r'action="/moderate/demo/(tokens/[^"]+/revoke)"', html)
    assert revoke
    desk.send(revoke[1])
    assert client.get("/v1/demo/admin/queue", headers=headers).status_code == 401
    assert "<b>expires_in_days</b>" in desk.send("tokens", 422, name="X", role="service", days="-1")


def test_an_issuer_is_added_and_disabled_and_its_secret_is_never_shown(
    desk: Desk, sign_in: SignIn, client: FlaskClient
) -> None:
    asked: dict[str, Any] = {
        "issuer": ISS,
        "audience": AUD,
        "algorithm": "HS256",
        "secret": SECRET,
        "skew": "30",
    }
    refused = desk.send("sign-on", 422, **asked | {"skew": "301"})
    assert "<b>skew</b>" in refused
    assert f'value="{ISS}"' in refused
    assert SECRET not in refused
    assert "<b>secret</b>" in desk.send("sign-on", 422, **asked | {"secret": ""})
    assert "<b>skew</b>" in desk.send("sign-on", 422, **asked | {"skew": "soon"})
    assert desk.send("sign-on", **asked, for_staff="true") == "/moderate/demo/sign-on?done=issuer-added"
    html = desk.page("sign-on")
    assert ISS in html
    assert "staff too" in html
    assert SECRET not in html
    assert client.get("/v1/demo/readers/me", headers=by_secret()).status_code == 200
    disable = re.search(r'action="/moderate/demo/(sign-on/[^"]+/disable)"', html)
    assert disable
    moderator = sign_in(MODERATOR, "Mo")
    moderator.page("sign-on", 403)
    for path in ("sign-on", disable[1]):
        moderator.send(path, 403, **asked)
        assert desk.client.post(f"/moderate/demo/{path}", data=asked).status_code == 403  # no CSRF token
    assert desk.send(disable[1]) == "/moderate/demo/sign-on?done=issuer-disabled"
    assert client.get("/v1/demo/readers/me", headers=by_secret()).status_code == 401
    assert "disabled " in desk.page("sign-on")
    assert "Issuer disabled" in desk.page("log")


def test_an_admin_gives_no_more_than_they_have(sign_in: SignIn) -> None:
    admin = sign_in(ADMIN, "Ada")
    admin.send("tokens", 403, name="Everything", role="owner")


def test_an_appeal_is_decided_by_somebody_else_than_who_has_restricted(
    desk: Desk, sign_in: SignIn, client: FlaskClient, reader: dict[str, str]
) -> None:
    comment = post(client, reader, "An opinion that is not wanted.")
    desk.send(f"comments/{comment}/decision", revision="1", action="reject:abuse")
    mine = "/v1/demo/readers/me/statements"
    (statement,) = client.get(mine, headers=reader).get_json()["items"]
    url = f"{mine}/{statement['id']}/appeal"
    assert client.post(url, json={"text": "It is <mine>."}, headers=reader).status_code == 201
    html = desk.page("appeals")
    assert "It is &lt;mine&gt;." in html
    assert "somebody else decides on the appeal" in html
    assert re.search(r'id="count-appeals"[^>]*>1<', desk.page("counts"))
    other = sign_in(MODERATOR, "Mo")
    path = re.search(r'action="/moderate/demo/(appeals/[^"]+)"', other.page("appeals"))
    assert path
    assert "decided decides" in desk.send(path[1], 403, outcome="grant", answer="Yes.")
    other.send(path[1], 422, outcome="perhaps", answer="Yes.")
    assert "<b>answer</b>" in other.send(path[1], 422, outcome="grant", answer="")
    assert other.send(path[1], outcome="grant", answer="You are right.").endswith("?done=granted")
    assert status(client, comment) == 200
    assert "You are right." in other.page("appeals?state=granted")
    assert "Somebody has decided" in other.send(path[1], 409, outcome="refuse", answer="No.")
    assert comment in other.page("statements.csv")
    assert other.client.get("/moderate/demo/statements.json").get_json()
    other.page("statements.xml", 404)
