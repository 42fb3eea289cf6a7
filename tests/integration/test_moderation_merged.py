"""What moderation knows of comments goes with them when articles are merged, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from engagement.db.engine import Database
from engagement.settings import Settings
from engagement.sites.merging import begin, undo
from engagement.verify import verify
from engagement.worker.loop import Worker
from tests.jobs_world import World
from tests.merging_world import work
from tests.moderating import Newsroom
from tests.staffing import headers_of
from tests.waiting import until


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing stays in the ledger once SQL has it."""
    return replace(settings, ledger_keep=0.0)


def test_cases_decisions_and_stones_go_along_and_come_back(
    client: FlaskClient,
    new_reader: Callable[..., dict[str, str]],
    worker: Worker,
    database: Database,
    settings: Settings,
) -> None:
    world = World(settings, database)
    room = Newsroom(client, database, headers_of(database, "demo", "moderator"))
    old, new = "/v1/demo/articles/old", "/v1/demo/articles/new"
    first, second, held = (room.post(new_reader(), to=old) for _ in range(3))
    reply = room.post(new_reader(), first, to=old)
    room.post(new_reader(), to=new)
    worker.drain()
    decision = room.decided(first, "reject")
    room.decided(second, "close_thread")
    room.hold(held)
    worker.drain()
    work(worker, world, begin(database, "demo", "old", "new"))
    worker.drain()
    assert verify(database, world.hot).differences == []
    until(lambda: room.seen(first, new) is not None)

    for article in ("new", "old"):
        at = f"/v1/demo/articles/{article}"
        assert room.case(first)["article"]["id"] == article
        assert (room.case(first)["status"], room.case(first)["decision"]) == ("rejected", decision)
        assert room.queued("pending") == [held]
        assert room.queued("rejected") == [first]
        stone = room.seen(first, at)
        assert stone["status"] == "removed"
        assert [one["id"] for one in stone["replies"]["items"]] == [reply]
        body = {"body": f"Late on {article}", "parent_id": second}
        assert client.post(f"{at}/comments", headers=new_reader(), json=body).status_code == 409
        if article == "new":
            work(worker, world, undo(database, "demo", "old"))
            worker.drain()
            assert verify(database, world.hot).differences == []
            until(lambda: room.seen(second, old) is not None)
    assert room.undo(decision).status_code == 200
    assert room.seen(first, old)["status"] == "approved"
    worker.drain()
    assert verify(database, world.hot).differences == []
