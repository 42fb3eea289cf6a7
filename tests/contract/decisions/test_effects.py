"""Decisions of moderators: effective at once, told, logged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from engagement.db.engine import Database
from engagement.db.tables import decisions, moderation_log
from engagement.hot.connection import Hot
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.contract.decisions.aftermath import assert_right, drain, standing
from tests.moderating import ARTICLE, Newsroom
from tests.staffing import headers_of

Mint = Callable[..., dict[str, str]]


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
