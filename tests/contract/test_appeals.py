"""Statements of reasons as readers and the EU read them, and appeals against them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import policies, statements
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.statements.statements import RESTRICTIONS, make
from engagement.moderation.statements.telling import APPEAL_WITHIN
from engagement.settings import Settings
from engagement.verify import verify
from engagement.worker.loop import Worker
from tests.contract.transparency import EXPORT
from tests.jobs_world import World
from tests.staffing import headers_of
from tests.waiting import until

A = "/v1/demo/articles/story"
ADMIN = "/v1/demo/admin"
MINE = "/v1/demo/readers/me/statements"
Headers = dict[str, str]


@pytest.fixture
def first(database: Database) -> Headers:
    """The moderator who restricts."""
    return headers_of(database, role="moderator")


@pytest.fixture
def second(database: Database) -> Headers:
    """Another one."""
    return headers_of(database, role="moderator")


def id_of(client: FlaskClient, reader: Headers) -> str:
    found: Any = client.get("/v1/demo/readers/me", headers=reader).json
    return str(found["id"])


def post(client: FlaskClient, reader: Headers, text: str) -> Any:
    answer = client.post(f"{A}/comments", json={"body": text}, headers=reader)
    assert answer.status_code == 201, answer.text
    return answer.json


def reject(client: FlaskClient, staff: Headers, comment: Any, reason: str = "abuse") -> None:
    body = {"action": "reject", "revision": comment["revision"], "reason": reason}
    answer = client.post(f"{ADMIN}/comments/{comment['id']}/decision", json=body, headers=staff)
    assert answer.status_code == 200, answer.text


def ban(client: FlaskClient, staff: Headers, reader: Headers, **wanted: Any) -> Any:
    body = {"kind": "ban", "reason": "abuse"} | wanted
    answer = client.post(f"{ADMIN}/readers/{id_of(client, reader)}/bans", json=body, headers=staff)
    assert answer.status_code == 201, answer.text
    return answer.json


def mine(client: FlaskClient, reader: Headers) -> list[Any]:
    answer = client.get(MINE, headers=reader)
    assert answer.status_code == 200, answer.text
    return answer.json["items"]  # type: ignore[index,no-any-return]


def appeal(client: FlaskClient, reader: Headers, statement: Any, status: int = 201) -> Any:
    answer = client.post(f"{MINE}/{statement['id']}/appeal", json={"text": "It was a quote."}, headers=reader)
    assert answer.status_code == status, answer.text
    return answer.json


def decide(client: FlaskClient, staff: Headers, appealed: Any, outcome: str, status: int = 200) -> Any:
    answer = client.post(
        f"{ADMIN}/appeals/{appealed['appeal']['id']}/decision",
        json={"outcome": outcome, "answer": "We have looked again."},
        headers=staff,
    )
    assert answer.status_code == status, answer.text
    return answer.json


def test_an_author_reads_why_appeals_and_is_heard_by_somebody_else(
    client: FlaskClient, new_reader: Callable[..., Headers], first: Headers, second: Headers,
    database: Database, settings: Settings, worker: Worker,
) -> None:  # fmt: skip
    ann = new_reader(name="Ann")
    comment = post(client, ann, "You fool, he said")
    reject(client, first, comment)
    (told,) = mine(client, ann)
    assert (told["restriction"], told["reason"], told["ground"]) == ("removal", "abuse", "terms")
    assert told["comment_id"] == comment["id"]
    assert told["facts"]
    assert told["redress"]
    assert (told["automated_detection"], told["automated_decision"]) == (False, False)
    appealed = appeal(client, ann, told)
    assert (appealed["appeal"]["state"], appealed["appeal"]["text"]) == ("open", "It was a quote.")
    appeal(client, ann, told, 409)
    (waiting,) = client.get(f"{ADMIN}/appeals", headers=first).json["items"]  # type: ignore[index]
    assert not waiting["yours_to_decide"]
    decide(client, first, appealed, "grant", 403)
    (waiting,) = client.get(f"{ADMIN}/appeals", headers=second).json["items"]  # type: ignore[index]
    assert waiting["yours_to_decide"]
    assert waiting["reader"]["name"] == "Ann"
    granted = decide(client, second, appealed, "grant")
    assert granted["state"] == "granted"
    assert client.get(f"{A}/comments/{comment['id']}").status_code == 200
    (told,) = mine(client, ann)
    assert told["withdrawn_at"]
    assert (told["appeal"]["state"], told["appeal"]["answer"]) == ("granted", "We have looked again.")
    decide(client, second, appealed, "refuse", 409)
    worker.drain()
    assert client.get(f"{A}/footer").json["counts"]["comments"] == 1  # type: ignore[index]
    world = World(settings, database)
    assert verify(database, world.hot).differences == []
    with database.read() as connection:
        assert list(ModerationLog(settings.secret_key).verify(connection)) == []


def test_a_refused_appeal_leaves_all_as_it_is(
    client: FlaskClient, reader: Headers, first: Headers, second: Headers
) -> None:
    comment = post(client, reader, "An insult")
    reject(client, first, comment)
    (told,) = mine(client, reader)
    decide(client, second, appeal(client, reader, told), "refuse")
    assert client.get(f"{A}/comments/{comment['id']}").status_code == 404
    (told,) = mine(client, reader)
    assert (told["withdrawn_at"], told["appeal"]["state"]) == (None, "refused")
    states = {
        state: len(client.get(f"{ADMIN}/appeals?state={state}", headers=first).json["items"])  # type: ignore[index]
        for state in ("open", "refused", "granted", "settled")
    }
    assert states == {"open": 0, "refused": 1, "granted": 0, "settled": 0}


def test_a_banned_reader_appeals_and_gets_all_back(
    client: FlaskClient, new_reader: Callable[..., Headers], first: Headers, second: Headers, worker: Worker
) -> None:
    ann = new_reader(name="Ann")
    client.put(f"{A}/reaction", json={"mood": "sad"}, headers=ann)
    worker.drain()
    ban(client, first, ann, take_choices=True)

    def total() -> int:
        worker.round()
        return client.get(f"{A}/reactions").json["total"]  # type: ignore[index,no-any-return]

    until(lambda: total() == 0)
    (told,) = mine(client, ann)
    assert (told["restriction"], told["comment_id"]) == ("ban", None)
    decide(client, second, appeal(client, ann, told), "grant")
    until(lambda: total() == 1)
    post(client, ann, "I am back")
    file: Any = client.get(f"{ADMIN}/readers/{id_of(client, ann)}", headers=first).json
    assert [one["stands"] for one in file["bans"]] == [False]


def test_what_a_rule_or_a_policy_holds_anybody_of_the_staff_may_let_go(
    client: FlaskClient, reader: Headers, first: Headers, database: Database
) -> None:
    now = clock.now()
    setting = {"moderation": {"value": "pre", "at": clock.rfc3339(now), "by": None}}
    with database.write() as connection:
        connection.execute(
            insert(policies).values(
                site="demo", scope="site", name="", settings=setting, version=1, changed_at=now
            )
        )
    comment = post(client, reader, "To be read first")
    assert comment["status"] == "pending"
    (told,) = mine(client, reader)
    assert (told["restriction"], told["automated_decision"]) == ("hold", True)
    decide(client, first, appeal(client, reader, told), "grant")
    assert client.get(f"{A}/comments/{comment['id']}").status_code == 200


def test_what_is_decided_otherwise_settles_an_appeal(
    client: FlaskClient, reader: Headers, first: Headers, second: Headers
) -> None:
    made = ban(client, first, reader)
    (told,) = mine(client, reader)
    appealed = appeal(client, reader, told)
    client.delete(f"{ADMIN}/readers/{id_of(client, reader)}/bans/{made['id']}", headers=first)
    assert mine(client, reader)[0]["appeal"]["state"] == "settled"
    decide(client, second, appealed, "grant", 409)
    appeal(client, reader, told, 409)


def test_after_six_months_it_is_too_late(
    client: FlaskClient, reader: Headers, first: Headers, database: Database
) -> None:
    ban(client, first, reader, kind="warning")
    (told,) = mine(client, reader)
    with database.write() as connection:
        late = clock.now() - APPEAL_WITHIN - timedelta(seconds=1)
        connection.execute(update(statements).values(created_at=late))
    appeal(client, reader, told, 409)


def test_statements_of_others_are_not_there(
    client: FlaskClient, new_reader: Callable[..., Headers], first: Headers
) -> None:
    ann, ben = new_reader(), new_reader()
    ban(client, first, ann, kind="warning")
    (told,) = mine(client, ann)
    assert mine(client, ben) == []
    appeal(client, ben, told, 404)
    assert client.get(MINE).status_code == 401
    assert client.get(f"{MINE}?cursor=x", headers=ann).status_code == 400
    for body in ({"text": ""}, {}, {"text": "x" * 5_001}, {"text": "a", "b": 1}):
        assert client.post(f"{MINE}/{told['id']}/appeal", json=body, headers=ann).status_code == 422


def test_long_lists_of_statements_are_paged(client: FlaskClient, reader: Headers, first: Headers) -> None:
    for _ in range(53):
        ban(client, first, reader, kind="warning")
    page: Any = client.get(MINE, headers=reader).json
    rest: Any = client.get(f"{MINE}?cursor={page['next_cursor']}", headers=reader).json
    ids = [one["id"] for one in (*page["items"], *rest["items"])]
    assert (len(page["items"]), len(ids), rest["next_cursor"]) == (50, 53, None)
    assert ids == sorted(set(ids), reverse=True)


def made_of_every_kind(database: Database, reader: UUID) -> None:
    with database.write() as connection:
        for restriction in RESTRICTIONS:
            for reason in ("illegal", "hate", "reports"):
                make(
                    connection, site="demo", reader_id=reader, restriction=restriction, reason=reason,
                    facts="=HYPERLINK(1) was found", automated_decision=reason == "reports",
                    ends_at=clock.now() + timedelta(days=1) if restriction == "suspension" else None,
                )  # fmt: skip


def test_the_export_is_as_the_transparency_database_asks(
    client: FlaskClient, reader: Headers, first: Headers, database: Database
) -> None:
    made_of_every_kind(database, UUID(id_of(client, reader)))
    comment = post(client, reader, "An insult")
    reject(client, first, comment)
    ban(client, first, reader)
    answer = client.get(f"{ADMIN}/statements", headers=first)
    assert answer.mimetype == "application/json"
    told: Any = answer.json
    jsonschema.validate(told, EXPORT)
    assert len(told["statements"]) == 3 * (len(RESTRICTIONS) - 1) + 2
    laws = {one.get("illegal_content_legal_ground") for one in told["statements"]} - {None}
    assert all("Regulation (EU) 2022/2065" in law for law in laws)
    assert laws
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"statements": [told["statements"][0] | {"category": "SPAM"}]}, EXPORT)
    broken = {key: value for key, value in told["statements"][0].items() if key != "puid"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"statements": [broken]}, EXPORT)


def test_the_export_as_csv_has_no_formulas(
    client: FlaskClient, reader: Headers, first: Headers, database: Database
) -> None:
    made_of_every_kind(database, UUID(id_of(client, reader)))
    answer = client.get(f"{ADMIN}/statements?format=csv", headers=first)
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 3 * len(RESTRICTIONS)
    assert {row["facts"] for row in rows} == {"'=HYPERLINK(1) was found"}


def test_the_export_is_of_a_time(
    client: FlaskClient, reader: Headers, first: Headers, database: Database
) -> None:
    ban(client, first, reader)
    with database.read() as connection:
        at = connection.execute(select(statements.c.created_at)).scalar_one()
    day = timedelta(days=1)

    def many(since: Any, to: Any) -> int:
        asked = {"from": clock.rfc3339(since), "to": clock.rfc3339(to)}
        answer = client.get(f"{ADMIN}/statements", query_string=asked, headers=first)
        assert answer.status_code == 200, answer.text
        return len(answer.json["statements"])  # type: ignore[index]

    assert many(at - day, at + day) == 1
    assert many(at + day, at + 2 * day) == many(at - 2 * day, at - day) == 0
    for query in ("from=yesterday", "format=xml", "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z"):
        assert client.get(f"{ADMIN}/statements?{query}", headers=first).status_code == 422
    assert client.get(f"{ADMIN}/statements").status_code == 401
