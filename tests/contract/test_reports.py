"""Readers report comments, and enough of them take one from view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import cases, policies, reports, statements
from engagement.moderation.readers import standing
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.staffing import headers_of

A = "/v1/demo/articles/story"
Headers = dict[str, str]


def post(client: FlaskClient, reader: Headers, text: str) -> Any:
    answer = client.post(f"{A}/comments", json={"body": text}, headers=reader)
    assert answer.status_code == 201, answer.text
    return answer.json


def report(client: FlaskClient, reader: Headers, comment: Any, status: int = 201, **more: Any) -> Any:
    body = {"reason": "spam"} | more
    answer = client.post(f"{A}/comments/{comment['id']}/reports", json=body, headers=reader)
    assert answer.status_code == status, answer.text
    return answer.json


def hold_after(database: Database, n: int) -> None:
    now = clock.now()
    setting = {"hold_after_reports": {"value": n, "at": clock.rfc3339(now), "by": None}}
    with database.write() as connection:
        connection.execute(
            insert(policies).values(
                site="demo", scope="site", name="", settings=setting, version=1, changed_at=now
            )
        )


def case_of(database: Database) -> Any:
    with database.read() as connection:
        return connection.execute(select(cases)).one()


def test_a_reader_reports_once_and_again_in_its_place(
    client: FlaskClient, new_reader: Callable[..., Headers], database: Database
) -> None:
    ann, ben = new_reader(name="Ann"), new_reader(name="Ben")
    comment = post(client, ann, "buy this")
    told = report(client, ben, comment, note="an advert")
    assert told == {"comment_id": comment["id"], "reason": "spam", "note": "an advert"}
    assert report(client, ben, comment, 200, reason="abuse")["note"] is None
    report(client, new_reader(), comment)
    with database.read() as connection:
        found = connection.execute(select(reports.c.reason, reports.c.state)).all()
    assert sorted(tuple(row) for row in found) == [("abuse", "open"), ("spam", "open")]
    case = case_of(database)
    assert (case.reports, case.weight) == (2, 2.0)
    assert client.get(f"{A}/comments/{comment['id']}").status_code == 200


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "boring"}, "reason"),
        ({}, "reason"),
        ({"reason": "spam", "note": "x" * 1_001}, "note"),
        ({"reason": "spam", "loud": True}, "loud"),
    ],
)
def test_a_report_that_makes_no_sense_names_the_field(
    client: FlaskClient, new_reader: Callable[..., Headers], body: dict[str, Any], field: str
) -> None:
    comment = post(client, new_reader(), "something")
    answer = client.post(f"{A}/comments/{comment['id']}/reports", json=body, headers=new_reader())
    told: Any = answer.json
    assert answer.status_code == 422
    assert field in told["errors"]


def test_ones_own_comment_and_what_is_not_shown_is_not_reported(
    client: FlaskClient, new_reader: Callable[..., Headers]
) -> None:
    ann, ben = new_reader(), new_reader()
    comment = post(client, ann, "mine")
    report(client, ann, comment, 403)
    report(client, ben, {"id": clock.new_id()}, 404)
    client.delete(f"{A}/comments/{comment['id']}", headers=ann)
    report(client, ben, comment, 404)
    assert client.post(f"{A}/comments/{comment['id']}/reports", json={"reason": "spam"}).status_code == 401


def test_enough_reports_take_a_comment_from_view_and_its_author_is_told_why(
    client: FlaskClient, new_reader: Callable[..., Headers], database: Database, worker: Worker
) -> None:
    hold_after(database, 2)
    ann = new_reader(name="Ann")
    comment = post(client, ann, "a bad word")
    report(client, new_reader(), comment)
    assert client.get(f"{A}/comments/{comment['id']}").status_code == 200
    report(client, new_reader(), comment, reason="abuse")
    assert client.get(f"{A}/comments/{comment['id']}").status_code == 404
    assert client.get(f"{A}/comments").json["items"] == []  # type: ignore[index]
    (mine,) = client.get(f"{A}/me", headers=ann).json["pending"]  # type: ignore[index]
    assert (mine["status"], mine["held_for"]) == ("pending", "reports")
    with database.read() as connection:
        made = connection.execute(select(statements)).one()
    assert (made.restriction, made.reason, made.automated_decision) == ("hold", "reports", True)
    worker.drain()
    assert client.get(f"{A}/footer").json["counts"]["comments"] == 0  # type: ignore[index]


def test_what_a_moderator_has_let_stand_is_not_taken_from_view_by_reports(
    client: FlaskClient, new_reader: Callable[..., Headers], database: Database
) -> None:
    hold_after(database, 2)
    comment = post(client, new_reader(), "fair enough")
    liar = new_reader()
    report(client, liar, comment)
    decided = client.post(
        f"/v1/demo/admin/comments/{comment['id']}/decision",
        json={"action": "approve", "revision": 1},
        headers=headers_of(database, role="moderator"),
    )
    assert decided.status_code == 200, decided.text
    for _ in range(3):
        report(client, new_reader(), comment)
    report(client, liar, comment, 200)
    assert client.get(f"{A}/comments/{comment['id']}").status_code == 200


def test_who_was_wrong_before_weighs_less_and_who_was_right_more(
    client: FlaskClient, new_reader: Callable[..., Headers], database: Database
) -> None:
    moderator = headers_of(database, role="moderator")
    right, wrong, ids = new_reader(), new_reader(), {}
    for name, reader in (("right", right), ("wrong", wrong)):
        me: Any = client.get("/v1/demo/readers/me", headers=reader).json
        ids[name] = me["id"]
    for n in range(3):
        for reader, action in ((right, "reject"), (wrong, "approve")):
            comment = post(client, new_reader(), f"number {n}, to {action}")
            report(client, reader, comment)
            decision = {"action": action, "revision": 1, "reason": "spam" if action == "reject" else None}
            decided = client.post(
                f"/v1/demo/admin/comments/{comment['id']}/decision",
                json={key: value for key, value in decision.items() if value},
                headers=moderator,
            )
            assert decided.status_code == 200, decided.text
    weights = {
        name: client.get(f"/v1/demo/admin/readers/{id}", headers=moderator).json["standing"]["report_weight"]  # type: ignore[index]
        for name, id in ids.items()
    }
    assert weights == {"right": 2 * 4 / 5, "wrong": 2 * 1 / 5}
    with database.read() as connection:
        assert standing.weight_of(connection, clock.new_id()) == 1.0


def test_who_reports_too_much_waits(settings: Settings, database: Database) -> None:
    limited = replace(settings, ratelimit_enabled=True, ratelimit_reports="1/hour")
    client = create_app(limited).test_client()

    def mint() -> Headers:
        answer: Any = client.post("/v1/demo/readers", json={}).json
        return {"Authorization": f"Bearer {answer['token']}"}

    ann, ben = mint(), mint()
    comments = [post(client, ann, f"number {n}") for n in range(2)]
    report(client, ben, comments[0])
    report(client, ben, comments[1], 429)
