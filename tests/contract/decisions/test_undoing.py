"""Decisions are undone, exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from engagement.db.engine import Database
from engagement.db.tables import reader_standing
from engagement.hot.connection import Hot
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.contract.decisions.aftermath import assert_right, drain, standing
from tests.moderating import ARTICLE, Newsroom

Mint = Callable[..., dict[str, str]]


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
