"""Queues: what waits, in which order, with what it takes to decide; claims; figures; the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import cases, meta
from engagement.moderation.queue import cases as making
from engagement.moderation.queue import service as queues
from engagement.worker.loop import Worker
from tests.moderating import ARTICLE, Newsroom
from tests.staffing import headers_of

Mint = Callable[..., dict[str, str]]


@pytest.fixture
def room(client: FlaskClient, database: Database) -> Newsroom:
    return Newsroom(client, database, headers_of(database, "demo", "moderator"))


def drain(worker: Worker) -> None:
    while worker.round().pending:
        pass


def test_what_was_let_through_waits_unmoderated_within_a_round_of_the_worker(
    room: Newsroom, worker: Worker, reader: dict[str, str]
) -> None:
    posted = [room.post(reader) for _ in range(3)]
    drain(worker)
    assert room.queued("unmoderated") == posted
    assert room.queued("approved", sort="newest") == posted[::-1]
    room.decided(posted[0], "approve")
    room.decided(posted[1], "reject")
    room.decided(posted[2], "spam")
    assert room.queued("unmoderated") == []
    assert room.queued("approved") == posted[:1]
    assert room.queued("rejected") == posted[1:2]
    assert room.queued("spam") == posted[2:]


def test_an_event_that_comes_twice_changes_nothing(
    room: Newsroom, worker: Worker, reader: dict[str, str], database: Database
) -> None:
    comment = room.post(reader)
    drain(worker)
    room.decided(comment, "reject")
    before = room.case(comment)
    with database.write() as connection:
        article = connection.scalar(cases.select().with_only_columns(cases.c.article_id))
        assert article is not None
        for event in ("comment.posted", "comment.edited"):
            making.follow(connection, [(article, UUID(comment), event)])
    assert room.case(comment) == before


@pytest.mark.parametrize("sort", ["oldest", "newest", "priority"])
def test_pages_show_each_comment_once_while_new_ones_arrive(
    room: Newsroom, worker: Worker, new_reader: Mint, sort: str
) -> None:
    posted = [room.post(new_reader()) for _ in range(11)]
    drain(worker)
    for n, comment in enumerate(posted):
        with room.database.write() as connection:
            mine = cases.c.comment_id == UUID(comment)
            connection.execute(update(cases).where(mine).values(priority=float(n % 3)))
    seen: list[str] = []
    page = room.queue("unmoderated", sort=sort, limit=4)
    while True:
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        room.post(new_reader())
        page = room.queue("unmoderated", sort=sort, limit=4, cursor=page["next_cursor"])
    shown = [id for id in seen if id in posted]
    assert len(shown) == len(set(shown)) == 11
    if sort == "priority":
        assert shown == sorted(posted, key=lambda id: (-(posted.index(id) % 3), posted.index(id)))
    else:
        assert shown == (posted if sort == "oldest" else posted[::-1])


def test_reports_bring_a_comment_into_the_queue_and_to_its_front(
    room: Newsroom, worker: Worker, reader: dict[str, str]
) -> None:
    posted = [room.post(reader) for _ in range(3)]
    drain(worker)
    with room.database.write() as connection:
        article = room_article(room)
        case = making.add_report(connection, article, UUID(posted[2]), 1.5)
    assert (case.reports, case.weight) == (1, 1.5)
    assert room.queued("reported") == [posted[2]]
    assert room.queued("unmoderated", sort="priority") == [posted[2], *posted[:2]]
    room.decided(posted[2], "approve")
    assert room.queued("reported") == []


def room_article(room: Newsroom) -> UUID:
    with room.database.read() as connection:
        found = connection.scalar(cases.select().with_only_columns(cases.c.article_id).limit(1))
    assert isinstance(found, UUID)
    return found


def test_queues_are_filtered_by_article_reader_author_and_text(
    room: Newsroom, worker: Worker, new_reader: Mint
) -> None:
    ann, bob = new_reader(name="Ann Archer"), new_reader(name="Bob")
    first = room.post(ann, text="The river is high today")
    second = room.post(bob, text="The RIVER runs south", to="/v1/demo/articles/a2")
    third = room.post(bob, text="Nothing about water")
    drain(worker)
    author = room.case(first)["author"]
    assert author["name"] == "Ann Archer"
    found: dict[tuple[tuple[str, str], ...], list[str]] = {
        (("article", "a2"),): [second],
        (("reader", author["id"]),): [first],
        (("author", author["id"]),): [first],
        (("author", "ann a"),): [first],
        (("author", "ann b"),): [],
        (("author", "BOB"),): [second, third],
        (("q", "river"),): [first, second],
        (("q", "south river"),): [second],
        (("q", "river"), ("author", "bob")): [second],
        (("article", "nowhere"),): [],
        (("section", "sports"),): [],
    }
    for asked, ids in found.items():
        assert room.queued("unmoderated", **dict(asked)) == ids, asked


def test_a_search_looks_through_so_many_and_says_where_to_go_on(
    room: Newsroom, worker: Worker, new_reader: Mint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "STEP", 2)
    monkeypatch.setattr(queues, "LOOKED_THROUGH", 4)
    posted = [
        room.post(new_reader(), text=f"Number {n}, {'needle' if n in (1, 8) else 'hay'}") for n in range(9)
    ]
    drain(worker)
    page = room.queue("unmoderated", q="NEEDLE")
    assert ([item["id"] for item in page["items"]], page["looked_through"]) == ([posted[1]], 4)
    page = room.queue("unmoderated", q="NEEDLE", cursor=page["next_cursor"])
    assert (page["items"], page["looked_through"]) == ([], 4)
    page = room.queue("unmoderated", q="NEEDLE", cursor=page["next_cursor"])
    assert [item["id"] for item in page["items"]] == [posted[8]]
    assert page["next_cursor"] is None


def test_an_item_has_what_it_takes_to_decide(room: Newsroom, worker: Worker, new_reader: Mint) -> None:
    ann, bob = new_reader(name="Ann"), new_reader(name="Bob")
    parent = room.post(ann, text="A question?")
    comment = room.post(bob, parent, text="An *answer*")
    bad = room.post(bob)
    drain(worker)
    room.decided(bad, "reject")
    (item,) = room.queue("unmoderated", author="bob")["items"]
    assert item["body"] == "An *answer*"
    assert "<em>answer</em>" in item["body_html"]
    assert item["article"]["id"] == "a1"
    assert (item["parent"]["id"], item["parent"]["author"]["name"]) == (parent, "Ann")
    author = item["author"]
    assert (author["name"], author["comments"], author["rejected"], author["bans"]) == ("Bob", 2, 1, 0)
    assert (item["id"], item["revision"], item["decision"], item["seen"]) == (comment, 1, None, False)
    assert (item["reasons"], item["reports"], item["claim"]) == ([], {}, None)


def test_each_queue_is_counted_up_to_a_bound(
    room: Newsroom, worker: Worker, new_reader: Mint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "COUNTED", 3)
    posted = [room.post(new_reader()) for _ in range(5)]
    drain(worker)
    room.hold(posted[0])
    answer = room.client.get("/v1/demo/admin/queue/counts", headers=dict(room.staff))
    assert answer.json == {
        "counts": {"pending": 1, "reported": 0, "unmoderated": 4, "approved": 4, "rejected": 0, "spam": 0}
    }


@pytest.mark.one_store("it is refused before any store is asked")
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"queue": "none"}, "queue"),
        ({"sort": "random"}, "sort"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"reader": "me"}, "reader"),
        ({"q": "  "}, "q"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_input_is_named(room: Newsroom, asked: dict[str, str], field: str) -> None:
    answer = room.client.get("/v1/demo/admin/queue", headers=dict(room.staff), query_string=asked)
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [field]  # type: ignore[index]


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJvbGRlc3QiLCJ4IiwieCJd"])
def test_an_unreadable_cursor_is_a_bad_request(room: Newsroom, cursor: str) -> None:
    answer = room.client.get(
        "/v1/demo/admin/queue", headers=dict(room.staff), query_string={"cursor": cursor}
    )
    assert answer.status_code == 400


def test_a_claim_runs_out_by_itself(
    room: Newsroom, worker: Worker, reader: dict[str, str], database: Database
) -> None:
    comment = room.post(reader)
    drain(worker)
    other = headers_of(database, "demo", "admin")
    claim = f"/v1/demo/admin/comments/{comment}/claim"
    assert room.client.post(claim, headers=other).status_code == 200
    assert room.client.post(claim, headers=dict(room.staff)).status_code == 409
    with database.write() as connection:
        past = clock.now() - timedelta(seconds=1)
        connection.execute(update(cases).values(claimed_until=past))
    assert room.case(comment)["claim"] is None
    assert room.client.post(claim, headers=dict(room.staff)).status_code == 200
    assert room.case(comment)["claim"]["mine"] is True


def test_comments_from_before_have_cases_and_count_as_seen(
    room: Newsroom, worker: Worker, reader: dict[str, str], database: Database
) -> None:
    posted = [room.post(reader) for _ in range(3)]
    room.hold(posted[2])
    drain(worker)
    with database.write() as connection:
        connection.execute(delete(cases))
        connection.execute(delete(meta).where(meta.c.key == "cases_made_up_to"))
    from engagement.worker.backfill import Backfill

    backfill = Backfill(database)
    assert backfill.step() is False
    assert room.queued("unmoderated") == []
    assert room.queued("approved") == posted[:2]
    assert room.queued("pending") == posted[2:]


def test_figures_tell_how_much_was_decided_how_soon_and_how_often_wrongly(
    room: Newsroom, worker: Worker, reader: dict[str, str]
) -> None:
    posted = [room.post(reader) for _ in range(4)]
    drain(worker)
    decided = [room.decided(posted[0], "approve"), *(room.decided(id, "reject") for id in posted[1:])]
    assert room.undo(decided[3]).status_code == 200
    figures: Any = room.client.get("/v1/demo/admin/stats", headers=dict(room.staff)).json
    assert figures["decisions"]["total"] == 4
    assert figures["decisions"]["by_action"] == {"approve": 1, "reject": 3}
    assert sum(hour["count"] for hour in figures["decisions"]["hours"]) == 4
    assert figures["decisions"]["moderators"] == 1
    assert 0 <= figures["time_to_decision"]["median"] <= figures["time_to_decision"]["p90"]
    assert figures["overturned"] == {
        "restrictions": 3, "undone": 1, "appeals_granted": 0, "share": pytest.approx(1 / 3)
    }  # fmt: skip
    assert figures["held"] == {"comments": 4, "held": 0, "share": 0.0}


def test_figures_are_asked_for_a_bounded_time(room: Newsroom) -> None:
    for asked in (
        {"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"},
        {"from": "2020-01-01T00:00:00Z"},
    ):
        answer = room.client.get("/v1/demo/admin/stats", headers=dict(room.staff), query_string=asked)
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["from"]  # type: ignore[index]


def test_the_log_is_read_page_by_page(room: Newsroom, worker: Worker, reader: dict[str, str]) -> None:
    posted = [room.post(reader) for _ in range(3)]
    drain(worker)
    for comment in posted:
        room.decided(comment, "approve")
    told: list[Any] = []
    cursor = None
    while True:
        asked = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page: Any = room.client.get("/v1/demo/admin/log", headers=dict(room.staff), query_string=asked).json
        told += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [entry["subject"]["comment_id"] for entry in told if entry["action"] == "approve"] == posted[::-1]
    assert told[0]["actor"]["name"] == "A moderator"
    assert page["head"] == f"{told[0]['number']}:{told[0]['mac']}"
    assert room.client.get(f"{ARTICLE}/footer").status_code == 200
