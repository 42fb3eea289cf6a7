"""Many decisions at once: what became of each, and that their cost is not that of one after the other."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event, select

from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.hot.connection import Hot
from engagement.moderation.decisions.service import MAX_BULK
from engagement.moderation.log.service import ModerationLog
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.contract.decisions.aftermath import assert_right, drain, standing
from tests.filling import fill
from tests.moderating import Newsroom


def decide(room: Newsroom, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results, in order."""
    answer = room.client.post(
        "/v1/demo/admin/decisions", headers=dict(room.staff), json={"decisions": wanted}
    )
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json["results"]  # type: ignore[index]
    assert [result["comment"] for result in results] == [one["comment"] for one in wanted]
    return results


def test_500_at_once_have_a_result_each_for_a_few_statements_a_hundred(
    room: Newsroom, database: Database, worker: Worker, settings: Settings
) -> None:
    ids = [str(id) for n in range(5) for id in fill(database, "demo", f"a{n}", MAX_BULK // 5)]
    drain(worker)
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    wanted = [{"comment": id, "action": "reject", "reason": "hate", "revision": 1} for id in ids]
    event.listen(Engine, "before_cursor_execute", note)
    try:
        results = decide(room, wanted)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert {result.get("status") for result in results} == {"rejected"}
    assert len(statements) < MAX_BULK / 2
    with database.read() as connection:
        assert set(connection.scalars(select(comments.c.status))) == {"rejected"}
    assert standing(database, ids[-1]) == [("removal", "hate")]
    again = decide(room, wanted)
    assert {result["problem"]["type"].rsplit(":", 1)[1] for result in again} == {"decided"}
    assert {result["problem"]["present"]["status"] for result in again} == {"rejected"}
    drain(worker)
    asked = "&".join(f"article=a{n}" for n in range(5))
    counts = room.client.get(f"/v1/demo/counts?{asked}").json["articles"]  # type: ignore[index]
    assert [one["comments"] for one in counts.values()] == [0] * 5
    with database.read() as connection:
        assert list(ModerationLog(settings.secret_key).verify(connection)) == []


def test_every_kind_of_decision_at_once_does_what_it_does_alone(
    room: Newsroom, reader: dict[str, str], database: Database, hot: Hot, worker: Worker, settings: Settings
) -> None:
    actions = (
        "approve", "reject", "spam", "delete", "pin", "feature", "close_thread", "open_thread", "unpin"
    )  # fmt: skip
    pairs = []
    for n in range(2):
        posted = {action: room.post(reader, to=f"/v1/demo/articles/b{n}") for action in actions}
        for id in posted.values():
            room.post(reader, id, to=f"/v1/demo/articles/b{n}")
        pairs.append(posted)
    together, alone = pairs
    drain(worker)
    wanted = [
        {"comment": id, "action": action, "revision": 1} | ({"reason": "abuse"} if action == "reject" else {})
        for action, id in together.items()
    ]
    assert all("decision" in result for result in decide(room, wanted))
    for action, id in alone.items():
        room.decided(id, action)
    columns = ("status", "held_for", "shown", "pinned", "featured", "replies_closed", "revision", "body")
    with database.read() as connection:
        rows = {str(row.id): row for row in connection.execute(select(comments))}
    for action in actions:
        one, other = rows[together[action]], rows[alone[action]]
        same = [name for name in columns if name != "body" or action == "delete"]
        assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same], action
        assert standing(database, together[action]) == standing(database, alone[action])
        cases = [room.case(posted[action]) for posted in pairs]
        for name in ("status", "held_for", "seen", "claim", "reports"):
            assert cases[0][name] == cases[1][name], (action, name)
    assert_right(database, hot, worker, settings)


def test_a_comment_that_is_named_twice_is_decided_on_in_turn(
    room: Newsroom, reader: dict[str, str], worker: Worker
) -> None:
    first, second = room.post(reader), room.post(reader)
    drain(worker)
    flags = [{"comment": first, "action": action, "revision": 1} for action in ("pin", "feature")]
    refused = {"comment": second, "action": "reject", "reason": "abuse", "revision": 1}
    results = decide(room, [*flags, refused, {**refused, "action": "approve"}])
    # The pin was looked at as well: who features it has not seen that decision.
    kinds = [result["problem"]["type"].rsplit(":", 1)[1] if "problem" in result else "" for result in results]
    assert kinds == ["", "", "", "decided"]
    seen = room.seen(first)
    assert (seen["pinned"], seen["featured"]) == (True, True)
    assert results[3]["problem"]["present"]["status"] == "rejected"
