"""Rules: what they hold and refuse, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from flask.testing import FlaskClient
from sqlalchemy import select, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import cases, comments, moderation_log, rule_hits, statements, text_digests
from engagement.hot.connection import Hot
from engagement.verify import verify
from engagement.worker.loop import Worker
from tests.contract.rules.house import A, Headers, held, make, post, shown

LONG = "It was said that the ferry is never late, and now it is late every day"


def hits(database: Database, comment: str) -> list[dict[str, Any]]:
    h = rule_hits.c
    with database.read() as connection:
        found = connection.execute(
            select(h.rule_id, h.version, h.reason, h.action, h.shadow, h.found)
            .where(h.comment_id == UUID(comment))
            .order_by(h.id)
        )
        return [dict(row._mapping) for row in found]


def standing(database: Database, comment: str) -> list[Any]:
    s = statements.c
    with database.read() as connection:
        mine = (s.comment_id == UUID(comment), s.withdrawn_at.is_(None))
        return list(connection.execute(select(statements).where(*mine)))


def test_a_hold_names_its_rule_its_version_and_its_phrase(
    client: FlaskClient, admin: Headers, ann: Headers, database: Database
) -> None:
    made = make(client, admin, "phrases", {"phrases": ["fool", "bad word"]}, name="Insults")
    posted = post(client, ann, "What a b4d w0rd, you fool")
    assert held(posted) == ("pending", "phrase_suspect")
    assert shown(client) == []
    assert [(hit["found"], str(hit["rule_id"]), hit["version"]) for hit in hits(database, posted["id"])] == [
        ({"phrase": "bad word", "start": 7, "end": 15}, made["id"], 1),
        ({"phrase": "fool", "start": 21, "end": 25}, made["id"], 1),
    ]
    (statement,) = standing(database, posted["id"])
    assert statement.restriction == "hold"
    assert statement.automated_detection
    for word in ("Insults", "version 1", "bad word", "fool"):
        assert word in statement.facts
    with database.read() as connection:
        case = connection.execute(select(cases)).one()
        logged = connection.execute(select(moderation_log).order_by(moderation_log.c.number.desc())).first()
    assert (str(case.comment_id), case.status, case.reason, str(case.rule_id)) == (
        posted["id"], "pending", "phrase_suspect", made["id"],
    )  # fmt: skip
    assert logged is not None
    assert (logged.action, logged.actor_kind, str(logged.actor_id)) == ("comment.held", "rule", made["id"])


def test_what_no_rule_touches_is_shown_and_writes_nothing(
    client: FlaskClient, admin: Headers, ann: Headers, database: Database
) -> None:
    make(client, admin, "phrases", {"phrases": ["fool"]})
    posted = post(client, ann, "A classic from Scunthorpe")
    assert posted["status"] == "approved"
    assert hits(database, posted["id"]) == []
    assert standing(database, posted["id"]) == []


def test_the_hardest_action_wins_and_all_findings_are_kept(
    client: FlaskClient, admin: Headers, ann: Headers, database: Database
) -> None:
    make(client, admin, "phrases", {"phrases": ["fool"]}, name="Suspect")
    make(client, admin, "phrases", {"phrases": ["idiot*"]}, "reject", name="Banned")
    make(client, admin, "links", {"most": 0}, "spam")
    posted = post(client, ann, "You fool, idiots: https://spam.example/x")
    assert held(posted) == ("rejected", "phrase_banned")
    assert [hit["action"] for hit in hits(database, posted["id"])] == ["hold", "reject", "spam"]
    assert hits(database, posted["id"])[2]["found"] == {
        "links": 1, "link": "spam.example", "start": 26, "end": 38,
    }  # fmt: skip
    (statement,) = standing(database, posted["id"])
    assert (statement.restriction, statement.reason) == ("removal", "phrase_banned")
    assert statement.automated_decision


def test_a_shadow_rule_only_notes(
    client: FlaskClient, admin: Headers, ann: Headers, database: Database
) -> None:
    make(client, admin, "phrases", {"phrases": ["fool"]}, "reject", mode="shadow")
    make(client, admin, "phrases", {"phrases": ["fool"]}, "reject", mode="off")
    posted = post(client, ann, "You fool")
    assert posted["status"] == "approved"
    assert shown(client) == [posted["id"]]
    (hit,) = hits(database, posted["id"])
    assert hit["shadow"]
    assert standing(database, posted["id"]) == []


def test_links_are_counted_and_told_apart_by_their_domains(
    client: FlaskClient, admin: Headers, ann: Headers
) -> None:
    settings = {"most": 1, "allow": ["news.example"], "deny": ["bad.example"]}
    make(client, admin, "links", settings)
    good = "See https://www.news.example/1, https://news.example/2 and https://one.example/"
    assert post(client, ann, good)["status"] == "approved"
    assert held(post(client, ann, f"{good} and https://two.example/")) == ("pending", "link")
    assert held(post(client, ann, "[here](http://x.bad.example/)")) == ("pending", "link")
    assert post(client, ann, "http://notbad.example/")["status"] == "approved"


def test_capitals_and_disposable_mail_domains(client: FlaskClient, admin: Headers, ann: Headers) -> None:
    make(client, admin, "caps", {"min_letters": 10, "share": 0.8})
    make(client, admin, "mail_domain", {"also": ["throw.example"]})
    assert held(post(client, ann, "THIS IS A SCANDAL so")) == ("pending", "caps")
    assert post(client, ann, "NATO")["status"] == "approved"
    assert held(post(client, ann, "Write to me@mailinator.com")) == ("pending", "mail_domain")
    assert held(post(client, ann, "Or to me@in.throw.example.")) == ("pending", "mail_domain")
    assert post(client, ann, "Or to me@paper.example")["status"] == "approved"


def test_nearly_the_same_text_by_anybody_anywhere_is_a_duplicate(
    client: FlaskClient, admin: Headers, ann: Headers, ben: Headers, database: Database
) -> None:
    make(client, admin, "duplicate", {"within": 3_600})
    first = post(client, ann, LONG)
    assert first["status"] == "approved"
    other = post(client, ben, f"{LONG.upper()}!!!", "/v1/demo/articles/other")
    assert held(other) == ("pending", "duplicate")
    assert hits(database, other["id"])[0]["found"]["comment_id"] == first["id"]
    assert post(client, ann, "Thank you")["status"] == "approved"
    assert post(client, ben, "Thank you")["status"] == "approved"
    with database.write() as connection:
        past = clock.now() - timedelta(days=8)
        connection.execute(update(text_digests).values(created_at=past))
    assert post(client, ben, f"{LONG}.")["status"] == "approved"
    with database.read() as connection:
        kept = list(connection.scalars(select(text_digests.c.created_at)))
    assert len(kept) == 1  # what is old goes with what is new


def test_what_was_taken_back_was_not_said(
    client: FlaskClient, admin: Headers, ann: Headers, ben: Headers, database: Database
) -> None:
    make(client, admin, "duplicate", {})
    posted = post(client, ann, LONG)
    assert client.delete(f"{A}/comments/{posted['id']}", headers=ann).status_code == 204
    with database.read() as connection:
        assert connection.execute(select(text_digests)).all() == []
    assert post(client, ben, LONG)["status"] == "approved"


def test_an_edit_of_ones_own_is_no_duplicate(client: FlaskClient, admin: Headers, ann: Headers) -> None:
    make(client, admin, "duplicate", {})
    posted = post(client, ann, LONG)
    headers = {**ann, "If-Match": '"1"'}
    edited = client.patch(f"{A}/comments/{posted['id']}", json={"body": f"{LONG}."}, headers=headers)
    assert edited.json["status"] == "approved"  # type: ignore[index]


def test_a_flood_is_held(client: FlaskClient, admin: Headers, ann: Headers, ben: Headers) -> None:
    make(client, admin, "flood", {"count": 2, "seconds": 3_600}, "spam")
    assert [post(client, ann, f"Number {n} of {uuid4()}")["status"] for n in range(3)] == [
        "approved", "approved", "spam",
    ]  # fmt: skip
    assert post(client, ben, "One by another")["status"] == "approved"


def test_an_edit_goes_back_through_the_rules(
    client: FlaskClient,
    admin: Headers,
    ann: Headers,
    ben: Headers,
    database: Database,
    worker: Worker,
    hot: Hot,
) -> None:
    make(client, admin, "phrases", {"phrases": ["fool"]})
    posted = post(client, ann, "You are right")
    assert client.put(f"{A}/comments/{posted['id']}/vote", json={"value": 1}, headers=ben).status_code == 200
    assert shown(client) == [posted["id"]]
    headers = {**ann, "If-Match": '"1"'}
    edited = client.patch(f"{A}/comments/{posted['id']}", json={"body": "You fool"}, headers=headers).json
    assert held(edited) == ("pending", "phrase_suspect")
    assert shown(client) == []
    vote = client.put(f"{A}/comments/{posted['id']}/vote", json={"value": -1}, headers=ben)
    assert vote.status_code in (404, 409)
    assert [hit["found"]["phrase"] for hit in hits(database, posted["id"])] == ["fool"]
    assert len(standing(database, posted["id"])) == 1
    headers = {**ann, "If-Match": '"2"'}
    again = client.patch(
        f"{A}/comments/{posted['id']}", json={"body": "You are so right"}, headers=headers
    ).json
    assert held(again) == ("pending", "phrase_suspect")  # a moderator looks, whatever it says now
    while worker.round().pending:
        pass
    assert client.get(f"{A}/footer").json["counts"]["comments"] == 0  # type: ignore[index]
    assert verify(database, hot).differences == []


def policy(client: FlaskClient, admin: Headers, **values: Any) -> None:
    url = "/v1/demo/admin/policy"
    version = client.get(url, headers=admin).json["version"]  # type: ignore[index]
    answer = client.patch(url, json=values, headers={**admin, "If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text


def test_policies_hold_as_rules_do(
    client: FlaskClient, admin: Headers, ann: Headers, ben: Headers, database: Database
) -> None:
    policy(client, admin, hold_links=True, hold_new_readers=1)
    first = post(client, ann, "My first")
    assert held(first) == ("pending", "new_reader")
    (statement,) = standing(database, first["id"])
    assert not statement.automated_detection
    assert statement.facts
    with database.write() as connection:
        connection.execute(update(comments).values(status="approved", shown=True))
    assert post(client, ann, "My second")["status"] == "approved"
    assert held(post(client, ann, "See https://a.example/")) == ("pending", "link")
    policy(client, admin, moderation="pre", hold_links=False, hold_new_readers=0)
    assert held(post(client, ben, "Read me first")) == ("pending", "premoderation")
