"""Bans: who may not write, from when to when, and what the staff knows of a reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from flask.testing import FlaskClient

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.staffing import headers_of
from tests.waiting import until

A = "/v1/demo/articles/story"
ADMIN = "/v1/demo/admin/readers"
Headers = dict[str, str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, trusted_proxies=(ip_network("127.0.0.0/8"),))


@pytest.fixture
def moderator(database: Database) -> Headers:
    return headers_of(database, role="moderator")


def id_of(client: FlaskClient, reader: Headers) -> str:
    found: Any = client.get("/v1/demo/readers/me", headers=reader).json
    return str(found["id"])


def ban(client: FlaskClient, staff: Headers, reader: str, status: int = 201, **wanted: Any) -> Any:
    body = {"kind": "ban", "reason": "abuse"} | wanted
    answer = client.post(f"{ADMIN}/{reader}/bans", json=body, headers=staff)
    assert answer.status_code == status, answer.text
    return answer.json


def lift(client: FlaskClient, staff: Headers, reader: str, made: Any) -> Any:
    answer = client.delete(f"{ADMIN}/{reader}/bans/{made['id']}", headers=staff)
    assert answer.status_code == 200, answer.text
    return answer.json


def post(client: FlaskClient, reader: Headers, text: str) -> Any:
    return client.post(f"{A}/comments", json={"body": text}, headers=reader)


def in_days(n: int) -> str:
    return clock.rfc3339(clock.now() + timedelta(days=n))


def test_a_banned_reader_writes_nothing_and_is_told_why_and_until_when(
    client: FlaskClient, new_reader: Callable[..., Headers], moderator: Headers
) -> None:
    ann, ben = new_reader(name="Ann"), new_reader(name="Ben")
    mine: Any = post(client, ann, "before it").json
    theirs: Any = post(client, ben, "of Ben").json
    end = in_days(3)
    made = ban(client, moderator, id_of(client, ann), kind="suspension", until=end)
    assert (made["stands"], made["until"]) == (True, end)
    writes = [
        post(client, ann, "after it"),
        client.put(f"{A}/reaction", json={"mood": "happy"}, headers=ann),
        client.delete(f"{A}/reaction", headers=ann),
        client.put(f"{A}/comments/{theirs['id']}/vote", json={"value": 1}, headers=ann),
        client.patch("/v1/demo/readers/me", json={"name": "Other"}, headers=ann),
        client.patch(
            f"{A}/comments/{mine['id']}", json={"body": "changed"}, headers={**ann, "If-Match": '"1"'}
        ),
    ]
    for answer in writes:
        told: Any = answer.json
        assert (answer.status_code, told["type"]) == (403, "urn:engagement:problem:banned")
        assert (told["reason"], told["until"]) == ("abuse", end.split(".")[0] + "Z")
    assert client.get(f"{A}/me", headers=ann).status_code == 200
    assert client.get("/v1/demo/readers/me/export", headers=ann).status_code == 200
    assert client.delete(f"{A}/comments/{mine['id']}", headers=ann).status_code == 204
    lifted = lift(client, moderator, id_of(client, ann), made)
    assert not lifted["stands"]
    assert post(client, ann, "after all").status_code == 201
    assert lift(client, moderator, id_of(client, ann), made) == lifted


def test_every_process_knows_of_a_ban_and_of_its_end(
    client: FlaskClient, settings: Settings, reader: Headers, moderator: Headers
) -> None:
    other = create_app(settings).test_client()
    reaction = {"json": {"mood": "happy"}, "headers": reader}
    assert other.put(f"{A}/reaction", **reaction).status_code == 200
    made = ban(client, moderator, id_of(client, reader))
    until(lambda: other.put(f"{A}/reaction", **reaction).status_code == 403)
    assert post(other, reader, "from elsewhere").status_code == 403
    lift(client, moderator, id_of(client, reader), made)
    until(lambda: other.put(f"{A}/reaction", **reaction).status_code == 200)


def test_of_two_bans_the_one_that_ends_last_is_told_and_lifting_one_leaves_the_other(
    client: FlaskClient, reader: Headers, moderator: Headers
) -> None:
    id = id_of(client, reader)
    short = ban(client, moderator, id, kind="suspension", reason="spam", until=in_days(1))
    long = ban(client, moderator, id, reason="hate")
    told: Any = post(client, reader, "one").json
    assert (told["reason"], told["until"]) == ("hate", None)
    lift(client, moderator, id, long)
    told = post(client, reader, "two").json
    assert told["reason"] == "spam"
    lift(client, moderator, id, short)
    assert post(client, reader, "three").status_code == 201


def test_a_warning_is_told_and_no_more(client: FlaskClient, reader: Headers, moderator: Headers) -> None:
    ban(client, moderator, id_of(client, reader), kind="warning", reason="off_topic")
    assert post(client, reader, "still here").status_code == 201


def test_what_a_shadowed_reader_writes_is_seen_by_themself_alone(
    client: FlaskClient, new_reader: Callable[..., Headers], moderator: Headers, worker: Worker
) -> None:
    ann, ben = new_reader(name="Ann"), new_reader(name="Ben")
    earlier: Any = post(client, ann, "before it").json
    made = ban(client, moderator, id_of(client, ann), kind="shadow", reason="spam")
    posted = post(client, ann, "into the shadow")
    told: Any = posted.json
    assert (posted.status_code, told["status"]) == (201, "approved")
    assert "held_for" not in told
    edited: Any = client.patch(
        f"{A}/comments/{earlier['id']}", json={"body": "an edit"}, headers={**ann, "If-Match": '"1"'}
    ).json
    assert edited["status"] == "approved"
    worker.drain()
    assert client.get(f"{A}/comments").json["items"] == []  # type: ignore[index]
    assert client.get(f"{A}/comments/{told['id']}").status_code == 404
    mine: Any = client.get(f"{A}/me", headers=ann).json
    assert {(one["id"], one["status"]) for one in mine["pending"]} == {
        (told["id"], "approved"), (earlier["id"], "approved"),
    }  # fmt: skip
    assert client.get(f"{A}/me", headers=ben).json["pending"] == []  # type: ignore[index]
    lift(client, moderator, id_of(client, ann), made)
    assert post(client, ann, "in the light again").status_code == 201
    assert len(client.get(f"{A}/comments").json["items"]) == 1  # type: ignore[index]


def test_a_ban_by_network_keeps_others_from_there_out_until_its_end(
    client: FlaskClient, new_reader: Callable[..., Headers], moderator: Headers
) -> None:
    here, there = {"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "203.0.113.7"}
    ann, ben = new_reader(), new_reader()
    assert post(client, ann | here, "from here").status_code == 201
    made = ban(client, moderator, id_of(client, ann), network=True, until=in_days(10))
    assert post(client, ben | here, "from here, too").status_code == 403
    told: Any = client.put(f"{A}/reaction", json={"mood": "sad"}, headers=ben | here).json
    assert told["type"] == "urn:engagement:problem:banned"
    assert client.put(f"{A}/reaction", json={"mood": "sad"}, headers=ben | there).status_code == 200
    assert client.post("/v1/known/readers", json={}, headers=here).status_code == 201
    lift(client, moderator, id_of(client, ann), made)
    assert post(client, ben | here, "from here, after it").status_code == 201


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"kind": "exile"}, "kind"),
        ({"reason": "premoderation"}, "reason"),
        ({"kind": "suspension"}, "until"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "soon"}, "until"),
        ({"kind": "warning", "until": "2099-01-01T00:00:00Z"}, "until"),
        ({"network": True}, "until"),
        ({"network": True, "until": "2099-01-01T00:00:00Z"}, "until"),
        ({"kind": "shadow", "take_choices": True}, "take_choices"),
        ({"kind": "warning", "network": True}, "network"),
        ({"for": "ever"}, "for"),
        ({"note": "x" * 2_001}, "note"),
    ],
)
def test_a_ban_that_makes_no_sense_names_the_field(
    client: FlaskClient, reader: Headers, moderator: Headers, wanted: dict[str, Any], field: str
) -> None:
    told = ban(client, moderator, id_of(client, reader), 422, **wanted)
    assert field in told["errors"]


def test_a_network_that_is_not_known_is_said(
    client: FlaskClient, reader: Headers, moderator: Headers
) -> None:
    told = ban(client, moderator, id_of(client, reader), 422, network=True, until=in_days(1))
    assert "network" in told["errors"]


def test_only_the_owner_bans_on_every_site(
    client: FlaskClient, reader: Headers, moderator: Headers, database: Database
) -> None:
    id = id_of(client, reader)
    ban(client, moderator, id, 403, everywhere=True)
    owner = headers_of(database, role="owner")
    made = ban(client, owner, id, everywhere=True)
    assert made["everywhere"]
    answer = client.delete(f"{ADMIN}/{id}/bans/{made['id']}", headers=moderator)
    assert answer.status_code == 403
    lift(client, owner, id, made)


def test_a_reader_of_another_site_is_not_there(
    client: FlaskClient, new_reader: Callable[..., Headers], moderator: Headers
) -> None:
    elsewhere: Any = client.get("/v1/known/readers/me", headers=new_reader("known")).json
    ban(client, moderator, elsewhere["id"], 404)
    assert client.get(f"{ADMIN}/{elsewhere['id']}", headers=moderator).status_code == 404
    assert (
        client.delete(f"{ADMIN}/{elsewhere['id']}/bans/{clock.new_id()}", headers=moderator).status_code
        == 404
    )


def test_the_staff_reads_a_readers_file_leaves_notes_and_says_whom_it_trusts(
    client: FlaskClient, new_reader: Callable[..., Headers], moderator: Headers
) -> None:
    ann = new_reader(name="Ann")
    id = id_of(client, ann)
    said: Any = post(client, ann, "what Ann says").json
    made = ban(client, moderator, id, kind="warning", note="be kind")
    note = client.post(f"{ADMIN}/{id}/notes", json={"text": "A first note"}, headers=moderator)
    assert note.status_code == 201
    trusted: Any = client.put(f"{ADMIN}/{id}/standing", json={"trust": "trusted"}, headers=moderator).json
    assert (trusted["trust"], trusted["report_weight"]) == ("trusted", 1.0)
    file: Any = client.get(f"{ADMIN}/{id}", headers=moderator).json
    assert (file["name"], file["standing"]["trust"]) == ("Ann", "trusted")
    assert [one["id"] for one in file["comments"]] == [said["id"]]
    assert file["bans"] == [made]
    assert [one["text"] for one in file["notes"]] == ["A first note"]
    assert [one["restriction"] for one in file["statements"]] == ["warning"]
    assert file["counts"]["comments"] == {"approved": 1}
    for body in ({"text": " "}, {"text": "x" * 2_001}, {}):
        assert client.post(f"{ADMIN}/{id}/notes", json=body, headers=moderator).status_code == 422
    assert client.put(f"{ADMIN}/{id}/standing", json={"trust": "much"}, headers=moderator).status_code == 422


def test_a_back_end_reads_a_file_and_restricts_nobody(
    client: FlaskClient, reader: Headers, database: Database
) -> None:
    service = headers_of(database, role="service")
    id = id_of(client, reader)
    assert client.get(f"{ADMIN}/{id}", headers=service).status_code == 200
    ban(client, service, id, 403)
    assert client.post(f"{ADMIN}/{id}/notes", json={"text": "no"}, headers=service).status_code == 403
    assert client.get(f"{ADMIN}/{id}").status_code == 401
