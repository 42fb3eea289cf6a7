"""Decisions are bound to what was seen: who comes late is told how it is now."""

from __future__ import annotations

from typing import Any

from engagement.worker.loop import Worker
from tests.contract.decisions.aftermath import drain
from tests.moderating import ARTICLE, Newsroom


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
