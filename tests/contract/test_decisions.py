"""Decisions of moderators: bound to what was seen, effective at once, told, logged, undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from engagement.db.engine import Database
from engagement.db.tables import decisions, moderation_log, reader_standing, statements
from engagement.hot.connection import Hot
from engagement.moderation.log.log import ModerationLog
from engagement.settings import Settings
from engagement.verify import Totals, differences
from engagement.worker.loop import Worker
from tests.moderating import ARTICLE, Newsroom
from tests.staffing import headers_of

Mint = Callable[..., dict[str, str]]


@pytest.fixture
def room(client: FlaskClient, database: Database) -> Newsroom:
    return Newsroom(client, database, headers_of(database, "demo", "moderator"))


@pytest.fixture
def other(database: Database) -> dict[str, str]:
    return headers_of(database, "demo", "admin")


def standing(database: Database, comment: str) -> list[tuple[str, str]]:
    """Restriction and reason of the statements that stand."""
    s = statements.c
    with database.read() as connection:
        found = select(s.restriction, s.reason).where(s.comment_id == UUID(comment), s.withdrawn_at.is_(None))
        return [(row.restriction, row.reason) for row in connection.execute(found)]


def drain(worker: Worker) -> None:
    while worker.round().pending:
        pass


def assert_right(database: Database, hot: Hot, worker: Worker, settings: Settings) -> None:
    """What is counted is what is there, and the log is whole."""
    drain(worker)
    assert list(differences(database, hot, Totals())) == []
    with database.read() as connection:
        assert list(ModerationLog(settings.secret_key).verify(connection)) == []


def test_a_rejected_comment_is_gone_from_every_answer_at_once(
    room: Newsroom, worker: Worker, reader: dict[str, str], database: Database, hot: Hot, settings: Settings
) -> None:
    comment = room.post(reader)
    drain(worker)
    assert room.client.get(f"{ARTICLE}/footer").json["counts"]["comments"] == 1  # type: ignore[index]
    room.decided(comment, "reject", reason="hate", note="For us alone")
    assert room.seen(comment) is None
    assert room.client.get(f"{ARTICLE}/footer").json["comments"]["items"] == []  # type: ignore[index]
    drain(worker)
    assert room.client.get(f"{ARTICLE}/footer").json["counts"]["comments"] == 0  # type: ignore[index]
    assert standing(database, comment) == [("removal", "hate")]
    assert_right(database, hot, worker, settings)


def test_what_was_held_is_shown_once_it_is_approved_and_takes_votes(
    room: Newsroom, worker: Worker, reader: dict[str, str], new_reader: Mint, database: Database
) -> None:
    comment = room.post(reader)
    drain(worker)
    room.hold(comment)
    drain(worker)
    vote = f"{ARTICLE}/comments/{comment}/vote"
    assert room.client.put(vote, headers=new_reader(), json={"value": 1}).status_code == 409
    room.decided(comment, "approve")
    assert room.seen(comment)["status"] == "approved"
    assert room.client.put(vote, headers=new_reader(), json={"value": 1}).status_code == 200
    assert standing(database, comment) == []


@pytest.mark.parametrize("action", ["reject", "spam", "delete"])
def test_what_has_replies_is_a_stone_without_text_and_author(
    room: Newsroom,
    worker: Worker,
    reader: dict[str, str],
    database: Database,
    hot: Hot,
    settings: Settings,
    action: str,
) -> None:
    comment = room.post(reader, text="Words that are to go")
    reply = room.post(reader, comment)
    drain(worker)
    room.decided(comment, action)
    for _ in range(2):  # before and after the worker has heard of it
        stone = room.seen(comment)
        assert (stone["status"], stone["body_html"]) == ("removed", "")
        assert stone["author"]["id"] is None
        assert [one["id"] for one in stone["replies"]["items"]] == [reply]
        for page in (f"{ARTICLE}/footer", f"{ARTICLE}/comments", f"{ARTICLE}/footer.html"):
            assert "Words that are to go" not in room.client.get(page).text
        drain(worker)
    assert room.client.get(f"{ARTICLE}/footer").json["counts"]["comments"] == 1  # type: ignore[index]
    room.decided(reply, "reject")
    drain(worker)
    drain(worker)
    assert room.seen(comment) is None
    assert_right(database, hot, worker, settings)


def test_a_stone_is_back_in_full_when_it_is_approved_again(
    room: Newsroom, worker: Worker, reader: dict[str, str], database: Database, hot: Hot, settings: Settings
) -> None:
    comment = room.post(reader, text="Words that come back")
    reply = room.post(reader, comment)
    drain(worker)
    decision = room.decided(comment, "reject")
    drain(worker)
    room.decided(comment, "approve", decision=decision)
    back = room.seen(comment)
    assert "Words that come back" in back["body_html"]
    assert back["author"]["id"] is not None
    assert [one["id"] for one in back["replies"]["items"]] == [reply]
    assert_right(database, hot, worker, settings)


def test_its_author_still_sees_a_stone_as_it_was_written(
    room: Newsroom, worker: Worker, reader: dict[str, str]
) -> None:
    comment = room.post(reader, text="What I wrote")
    room.post(reader, comment)
    room.hold(comment)
    (own,) = room.client.get(f"{ARTICLE}/me", headers=reader).json["pending"]  # type: ignore[index]
    assert (own["id"], own["body"], own["held_for"]) == (comment, "What I wrote", "reports")


def test_a_reply_to_a_stone_is_refused(room: Newsroom, reader: dict[str, str]) -> None:
    comment = room.post(reader)
    room.post(reader, comment)
    room.decided(comment, "reject")
    body = {"body": "To nobody", "parent_id": comment}
    answer = room.client.post(f"{ARTICLE}/comments", headers=reader, json=body)
    assert answer.status_code == 422
    assert "parent_id" in answer.json["errors"]  # type: ignore[index]


def test_who_comes_second_is_told_how_it_is_now(
    room: Newsroom, other: dict[str, str], reader: dict[str, str]
) -> None:
    comment = room.post(reader)
    first = room.decided(comment, "approve")
    late = room.decide(comment, "reject", by=other)
    assert late.status_code == 409
    assert late.json["type"] == "urn:engagement:problem:decided"  # type: ignore[index]
    present: Any = late.json["present"]  # type: ignore[index]
    assert (present["id"], present["status"], present["decision"]) == (comment, "approved", first)
    again = room.decide(comment, "reject", by=other, decision=present["decision"])
    assert again.status_code == 200


def test_a_decision_on_a_text_that_was_edited_is_refused(room: Newsroom, reader: dict[str, str]) -> None:
    comment = room.post(reader)
    url = f"{ARTICLE}/comments/{comment}"
    edited = room.client.patch(url, headers={**reader, "If-Match": '"1"'}, json={"body": "Something else"})
    assert edited.status_code == 200
    late = room.decide(comment, "reject", 1)
    assert (late.status_code, late.json["type"]) == (409, "urn:engagement:problem:edited")  # type: ignore[index]
    assert late.json["present"]["body"] == "Something else"  # type: ignore[index]
    assert late.json["present"]["revision"] == 2  # type: ignore[index]


def test_an_edited_text_waits_for_a_moderator_again(
    room: Newsroom, worker: Worker, reader: dict[str, str]
) -> None:
    comment = room.post(reader)
    drain(worker)
    room.decided(comment, "approve")
    assert room.queued("unmoderated") == []
    url = f"{ARTICLE}/comments/{comment}"
    room.client.patch(url, headers={**reader, "If-Match": '"1"'}, json={"body": "It says more now"})
    drain(worker)
    assert room.queued("unmoderated") == [comment]
    room.decided(comment, "approve", 2)


def test_a_status_that_was_seen_and_is_another_one_is_a_conflict(
    room: Newsroom, reader: dict[str, str]
) -> None:
    comment = room.post(reader)
    room.hold(comment)
    late = room.decide(comment, "approve", status="approved")
    assert (late.status_code, late.json["present"]["status"]) == (409, "pending")  # type: ignore[index]


def test_a_comment_that_its_author_deleted_is_a_conflict(room: Newsroom, reader: dict[str, str]) -> None:
    comment = room.post(reader)
    assert room.case(comment)["status"] == "approved"
    assert room.client.delete(f"{ARTICLE}/comments/{comment}", headers=reader).status_code == 204
    assert room.decide(comment, "approve", 1).status_code == 409


def test_a_rejection_needs_a_reason_that_there_is(room: Newsroom, reader: dict[str, str]) -> None:
    comment = room.post(reader)
    for reason in (None, "because", "premoderation"):
        answer = room.decide(comment, "reject", reason=reason)
        assert answer.status_code == 422, reason
        assert list(answer.json["errors"]) == ["reason"]  # type: ignore[index]
    assert room.seen(comment) is not None


def test_a_claimed_comment_is_decided_on_by_nobody_else(
    room: Newsroom, other: dict[str, str], reader: dict[str, str]
) -> None:
    comment = room.post(reader)
    claim = f"/v1/demo/admin/comments/{comment}/claim"
    assert room.client.post(claim, headers=other).status_code == 200
    late = room.decide(comment, "approve")
    assert (late.status_code, late.json["type"]) == (409, "urn:engagement:problem:claimed")  # type: ignore[index]
    assert late.json["present"]["claim"]["by"]["name"] == "A admin"  # type: ignore[index]
    assert late.json["present"]["claim"]["mine"] is False  # type: ignore[index]
    assert room.client.post(claim, headers=dict(room.staff)).status_code == 409
    assert room.client.delete(claim, headers=other).status_code == 204
    room.decided(comment, "approve")


def test_who_claims_a_comment_decides_on_it_and_the_claim_is_over(
    room: Newsroom, reader: dict[str, str]
) -> None:
    comment = room.post(reader)
    claim = f"/v1/demo/admin/comments/{comment}/claim"
    assert room.client.post(claim, headers=dict(room.staff)).status_code == 200
    assert room.case(comment)["claim"]["mine"] is True
    room.decided(comment, "approve")
    assert room.case(comment)["claim"] is None


@pytest.mark.parametrize("action", ["reject", "spam", "approve", "pin", "feature", "close_thread"])
def test_a_decision_is_undone_exactly(
    room: Newsroom,
    worker: Worker,
    reader: dict[str, str],
    database: Database,
    hot: Hot,
    settings: Settings,
    action: str,
) -> None:
    comment = room.post(reader)
    drain(worker)
    if action == "approve":
        room.hold(comment)
    room.client.get(f"{ARTICLE}/footer")
    before = {name: value for name, value in room.case(comment).items() if name != "claim"}
    decision = room.decided(comment, action)
    undone = room.undo(decision)
    assert undone.status_code == 200, undone.text
    assert {name: value for name, value in room.case(comment).items() if name != "claim"} == before
    assert standing(database, comment) == ([("hold", "reports")] if action == "approve" else [])
    assert room.undo(decision).status_code == 409
    assert room.undo(undone.json["decision"]).status_code == 409  # type: ignore[index]
    assert_right(database, hot, worker, settings)


def test_a_rejection_takes_the_pin_and_its_undoing_gives_it_back(
    room: Newsroom, reader: dict[str, str]
) -> None:
    comment = room.post(reader)
    pin = room.decided(comment, "pin")
    assert room.seen(comment)["pinned"] is True
    rejection = room.decided(comment, "reject", decision=pin)
    assert room.case(comment)["pinned"] is False
    assert room.undo(rejection).status_code == 200
    assert room.seen(comment)["pinned"] is True
    assert room.undo(pin).status_code == 200
    assert room.seen(comment)["pinned"] is False


def test_a_decision_after_which_another_came_is_not_undone(room: Newsroom, reader: dict[str, str]) -> None:
    comment = room.post(reader)
    first = room.decided(comment, "reject")
    room.decided(comment, "approve", decision=first)
    late = room.undo(first)
    assert late.status_code == 409
    assert late.json["present"]["status"] == "approved"  # type: ignore[index]


def test_reports_are_settled_by_a_decision_and_wait_again_when_it_is_undone(
    room: Newsroom, worker: Worker, reader: dict[str, str], new_reader: Mint, database: Database
) -> None:
    comment, reporter = room.post(reader), new_reader()
    drain(worker)
    report = f"{ARTICLE}/comments/{comment}/reports"
    assert room.client.post(report, headers=reporter, json={"reason": "abuse"}).status_code == 201
    assert room.case(comment)["reports"] == {"abuse": 1}
    assert room.queued("reported") == [comment]
    weight = room.queue("reported")["items"][0]["priority"]
    decision = room.decided(comment, "reject")
    assert room.queued("reported") == []
    assert right_and_wrong(database) == [(1, 0)]
    assert room.undo(decision).status_code == 200
    assert right_and_wrong(database) == [(0, 0)]
    (item,) = room.queue("reported")["items"]
    assert (item["id"], item["reports"], item["priority"]) == (comment, {"abuse": 1}, weight)
    room.decided(comment, "approve")
    assert right_and_wrong(database) == [(0, 1)]


def right_and_wrong(database: Database) -> list[tuple[int, int]]:
    s = reader_standing.c
    with database.read() as connection:
        found = connection.execute(select(s.reports_right, s.reports_wrong))
        return [(row.reports_right, row.reports_wrong) for row in found]


def test_a_deletion_is_for_good(room: Newsroom, reader: dict[str, str], database: Database) -> None:
    comment = room.post(reader)
    decision = room.decided(comment, "delete", reason="personal_data")
    assert room.undo(decision).status_code == 409
    assert standing(database, comment) == [("removal", "personal_data")]


def test_nobody_answers_in_a_closed_thread_until_it_is_opened(
    room: Newsroom, reader: dict[str, str], new_reader: Mint
) -> None:
    comment = room.post(reader)
    reply = room.post(reader, comment)
    elsewhere = room.post(new_reader())
    room.decided(comment, "close_thread")
    for parent in (comment, reply):
        answer = room.client.post(
            f"{ARTICLE}/comments", headers=new_reader(), json={"body": "Late", "parent_id": parent}
        )
        assert (answer.status_code, answer.json["type"]) == (409, "urn:engagement:problem:closed")  # type: ignore[index]
    room.post(reader, elsewhere)
    room.decided(comment, "open_thread")
    room.post(reader, reply)


def test_many_decisions_have_a_result_each(
    room: Newsroom,
    worker: Worker,
    reader: dict[str, str],
    database: Database,
    hot: Hot,
    settings: Settings,
) -> None:
    posted = [room.post(reader, to=f"/v1/demo/articles/a{n % 3}") for n in range(9)]
    drain(worker)
    room.decided(posted[0], "approve")
    wanted = [{"comment": id, "action": "reject", "reason": "spam", "revision": 1} for id in posted]
    wanted[1] |= {"revision": 7}
    wanted.append({"comment": str(UUID(int=1)), "action": "approve", "revision": 1})
    answer = room.client.post(
        "/v1/demo/admin/decisions", headers=dict(room.staff), json={"decisions": wanted}
    )
    assert answer.status_code == 200, answer.text
    results: Any = answer.json["results"]  # type: ignore[index]
    assert [result["comment"] for result in results] == [one["comment"] for one in wanted]
    kinds = [result["problem"]["type"].rsplit(":", 1)[1] if "problem" in result else "" for result in results]
    assert kinds == ["decided", "edited", *[""] * 7, "not-found"]
    assert [result.get("status") for result in results[2:9]] == ["rejected"] * 7
    assert_right(database, hot, worker, settings)


def test_the_log_tells_who_decided_what_without_a_text(
    room: Newsroom, reader: dict[str, str], database: Database
) -> None:
    comment = room.post(reader, text="Said in public")
    decision = room.decided(comment, "reject", reason="abuse", note="A note of the staff")
    with database.read() as connection:
        row = connection.execute(select(moderation_log).order_by(moderation_log.c.number.desc())).first()
        made = connection.execute(select(decisions).where(decisions.c.id == UUID(decision))).one()
    assert row is not None
    assert (row.action, row.actor_kind, row.actor_id) == ("reject", "staff", made.actor_id)
    assert row.subject["comment_id"] == comment
    assert row.subject["decision"] == decision
    assert "Said in public" not in str(row.subject)
    assert "A note" not in str(row.subject)
    assert made.note == "A note of the staff"


def test_a_comment_of_another_site_is_not_there(room: Newsroom, reader: dict[str, str]) -> None:
    comment = room.post(reader)
    admin = headers_of(room.database, "known", "admin")
    for method, path in (("get", ""), ("post", "/claim"), ("post", "/decision")):
        json = {"action": "approve", "revision": 1} if path == "/decision" else None
        url = f"/v1/known/admin/comments/{comment}{path}"
        assert getattr(room.client, method)(url, headers=admin, json=json).status_code == 404


def test_a_service_reads_queues_and_decides_on_nothing(room: Newsroom, reader: dict[str, str]) -> None:
    comment = room.post(reader)
    service = headers_of(room.database, "demo", "service")
    assert room.client.get("/v1/demo/admin/queue", headers=service).status_code == 200
    assert room.decide(comment, "approve", by=service).status_code == 403
    assert room.client.post(f"/v1/demo/admin/comments/{comment}/claim", headers=service).status_code == 403
