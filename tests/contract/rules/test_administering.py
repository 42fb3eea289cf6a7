"""Rules: what the staff does with them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.settings import Settings
from tests.contract.rules.house import RULES, Headers, held, make, post, rule
from tests.staffing import headers_of
from tests.waiting import until


def test_rules_are_listed_replaced_and_ended_and_every_version_stays(
    client: FlaskClient, admin: Headers, ann: Headers
) -> None:
    made = make(client, admin, "phrases", {"phrases": ["fool"]})
    assert (made["version"], made["mode"], made["reason"]) == (1, "on", "phrase_suspect")
    url = f"{RULES}/{made['id']}"
    assert client.get(url, headers=admin).headers["ETag"] == '"1"'
    new = rule("phrases", {"phrases": ["knave"]}, "reject", reason="abuse")
    assert client.put(url, json=new, headers=admin).status_code == 428
    assert client.put(url, json=new, headers={**admin, "If-Match": '"7"'}).status_code == 412
    answer = client.put(url, json=new, headers={**admin, "If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    assert held(post(client, ann, "You knave")) == ("rejected", "abuse")
    assert post(client, ann, "You fool")["status"] == "approved"
    page = client.get(f"{url}/versions?limit=1", headers=admin).json
    assert page is not None
    assert [item["version"] for item in page["items"]] == [2]
    rest = client.get(f"{url}/versions?cursor={page['next_cursor']}", headers=admin).json
    assert rest is not None
    assert [item["settings"] for item in rest["items"]] == [{"phrases": ["fool"]}]
    assert client.delete(url, headers={**admin, "If-Match": '"2"'}).status_code == 204
    assert client.get(url, headers=admin).status_code == 404
    assert client.get(RULES, headers=admin).json == {"items": []}
    assert post(client, ann, "You knave again")["status"] == "approved"
    assert len(client.get(f"{url}/versions", headers=admin).json["items"]) == 2  # type: ignore[index]


def test_other_processes_know_a_new_version_soon(
    client: FlaskClient, settings: Settings, admin: Headers, ann: Headers
) -> None:
    elsewhere = create_app(settings).test_client()
    assert post(elsewhere, ann, f"You fool {uuid4()}")["status"] == "approved"
    make(client, admin, "phrases", {"phrases": ["fool"]})
    until(lambda: post(elsewhere, ann, f"You fool {uuid4()}")["status"] == "pending")


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "regex"}, "kind"),
        ({"action": "delete"}, "action"),
        ({"mode": "maybe"}, "mode"),
        ({"name": "  "}, "name"),
        ({"reason": "No Code"}, "reason"),
        ({"nonsense": 1}, "nonsense"),
        ({"settings": {}}, "settings.phrases"),
        ({"settings": {"phrases": []}}, "settings.phrases"),
        ({"settings": {"phrases": ["good", "..."]}}, "settings.phrases.1"),
        ({"settings": {"phrases": ["x" * 101]}}, "settings.phrases.0"),
        ({"settings": {"phrases": ["x"] * 5_001}}, "settings.phrases"),
        ({"settings": {"phrases": ["a"], "regex": "(a+)+"}}, "settings.regex"),
        ({"kind": "links", "settings": {}}, "settings.most"),
        ({"kind": "links", "settings": {"deny": ["http://x"]}}, "settings.deny.0"),
        ({"kind": "flood", "settings": {"count": 0, "seconds": 1}}, "settings.count"),
        ({"kind": "caps", "settings": {"share": 7}}, "settings.share"),
        ({"kind": "scorer", "settings": {"secret": "x"}}, "settings.url"),
    ],
)
def test_bad_input_is_named(client: FlaskClient, admin: Headers, change: dict[str, Any], field: str) -> None:
    sent = rule("phrases", {"phrases": ["fool"]}) | change
    answer = client.post(RULES, json=sent, headers=admin)
    assert answer.status_code == 422, answer.text
    assert field in answer.json["errors"]  # type: ignore[index]
    assert client.get(RULES, headers=admin).json == {"items": []}


def test_five_thousand_long_phrases_are_taken(client: FlaskClient, admin: Headers, ann: Headers) -> None:
    phrases = [f"fool number {n} {'x' * 80}" for n in range(5_000)]
    make(client, admin, "phrases", {"phrases": phrases})
    assert held(post(client, ann, f"You {phrases[4_321].upper()}!")) == ("pending", "phrase_suspect")
    long = client.post(RULES, data=b" " * 1_100_000, headers={**admin, "Content-Type": "application/json"})
    assert long.status_code == 413


def test_a_secret_is_never_told_and_stays_where_it_is_not_sent(client: FlaskClient, admin: Headers) -> None:
    settings = {"url": "https://scorer.example/", "secret": "a-very-secret-word"}
    made = make(client, admin, "scorer", settings)
    assert "secret" not in made["settings"]
    new = rule("scorer", {"url": "https://scorer.example/", "threshold": 0.9})
    url = f"{RULES}/{made['id']}"
    answer = client.put(url, json=new, headers={**admin, "If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    other = rule("scorer", {"url": "https://elsewhere.example/"})
    taken = client.put(url, json=other, headers={**admin, "If-Match": '"2"'})
    assert taken.status_code == 422
    assert "settings.secret" in taken.json["errors"]  # type: ignore[index]
    for call in (url, RULES, f"{url}/versions"):
        assert "a-very-secret-word" not in client.get(call, headers=admin).text


def test_a_preview_tells_what_a_rule_would_have_caught(
    client: FlaskClient, admin: Headers, ann: Headers, ben: Headers, database: Database
) -> None:
    old, *_, newest = [post(client, ann, f"You fool number {n}")["id"] for n in range(3)]
    post(client, ann, "You are right")
    post(client, ben, "A fool elsewhere", "/v1/demo/articles/other")
    with database.write() as connection:
        past = clock.now() - timedelta(days=8)
        connection.execute(update(comments).where(comments.c.id == UUID(old)).values(created_at=past))
    asked = {"kind": "phrases", "settings": {"phrases": ["fool"]}}
    told = client.post(f"{RULES}/preview", json=asked, headers=admin).json
    assert told is not None
    assert (told["looked_at"], told["caught"], told["complete"]) == (4, 3, True)
    assert [item["article"]["id"] for item in told["items"]] == ["other", "story", "story"]
    assert told["items"][1]["id"] == newest
    assert told["items"][1]["found"] == [{"phrase": "fool", "start": 4, "end": 8}]
    assert client.get(RULES, headers=admin).json == {"items": []}
    flood = {"kind": "flood", "settings": {"count": 1, "seconds": 3_600}}
    told = client.post(f"{RULES}/preview", json=flood, headers=admin).json
    assert told is not None
    assert told["caught"] == 2
    bad = client.post(
        f"{RULES}/preview", json={"kind": "phrases", "settings": {"phrases": [1]}}, headers=admin
    )
    assert bad.status_code == 422
    assert "settings.phrases.0" in bad.json["errors"]  # type: ignore[index]


def test_a_preview_tells_of_what_was_held_or_refused_as_well(
    client: FlaskClient, admin: Headers, ann: Headers, ben: Headers
) -> None:
    shown = post(client, ann, "A fool is shown")["id"]
    make(client, admin, "phrases", {"phrases": ["held"]}, action="hold")
    make(client, admin, "phrases", {"phrases": ["refused"]}, action="reject")
    make(client, admin, "phrases", {"phrases": ["spam"]}, action="spam")
    texts = ("A fool is held", "A fool is refused", "A fool is spam", "Nobody is held")
    held, refused, spam, _ = [post(client, ben, text)["id"] for text in texts]
    gone = post(client, ann, "A fool is taken back")["id"]
    assert client.delete(f"/v1/demo/articles/story/comments/{gone}", headers=ann).status_code == 204
    asked = {"kind": "phrases", "settings": {"phrases": ["fool"]}}
    told: Any = client.post(f"{RULES}/preview", json=asked, headers=admin).json
    assert (told["looked_at"], told["caught"], told["complete"]) == (5, 4, True)
    assert [(item["id"], item["status"]) for item in told["items"]] == [
        (spam, "spam"), (refused, "rejected"), (held, "pending"), (shown, "approved"),
    ]  # fmt: skip
    assert [item["held_for"] is None for item in told["items"]] == [False, False, False, True]


def test_a_scorer_is_not_previewed_and_that_is_told(client: FlaskClient, admin: Headers) -> None:
    asked = {"kind": "scorer", "settings": {"scorer": "akismet", "secret": "a key", "threshold": 0.5}}
    refused = client.post(f"{RULES}/preview", json=asked, headers=admin)
    assert refused.status_code == 422
    assert "shadow mode" in str(refused.json["errors"]["kind"])  # type: ignore[index]


def test_who_may_not_write_rules_sees_and_changes_none(
    client: FlaskClient, admin: Headers, database: Database
) -> None:
    made = make(client, admin, "phrases", {"phrases": ["fool"]})
    for role, site in (("moderator", "demo"), ("service", "demo"), ("admin", "known")):
        headers = {**headers_of(database, site, role), "If-Match": '"1"'}
        for method, url, body in (
            ("GET", RULES, None), ("POST", RULES, rule("phrases", {"phrases": ["x"]})),
            ("GET", f"{RULES}/{made['id']}", None), ("DELETE", f"{RULES}/{made['id']}", None),
            ("PUT", f"{RULES}/{made['id']}", rule("phrases", {"phrases": ["x"]})),
            ("GET", f"{RULES}/{made['id']}/versions", None),
            ("POST", f"{RULES}/preview", {"kind": "phrases", "settings": {"phrases": ["x"]}}),
        ):  # fmt: skip
            assert client.open(url, method=method, json=body, headers=headers).status_code == 403, (role, url)
    owner = headers_of(database, None, "owner")
    elsewhere = f"/v1/known/admin/rules/{made['id']}"
    assert client.get(elsewhere, headers=owner).status_code == 404
