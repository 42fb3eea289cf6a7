"""That a moderator has closed a thread is told by every answer that shows a comment of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from engagement.comments.shut import some_closed
from engagement.db.engine import Database
from engagement.db.tables import articles
from tests.moderating import ARTICLE, Newsroom

Mint = Callable[..., dict[str, str]]


@pytest.fixture
def ways(room: Newsroom, reader: dict[str, str]) -> list[list[str]]:
    """Two threads, each comment the answer to the one before, deeper than threads are nested."""
    made = [[room.post(reader)] for _ in range(2)]
    for way in made:
        for _ in range(6):
            way.append(room.post(reader, way[-1]))
    return made


def told(shown: list[dict[str, Any]]) -> Iterator[tuple[str, bool]]:
    """Of comments and the replies that stand with them: may each be answered?"""
    for comment in shown:
        yield comment["id"], comment["replies_open"]
        yield from told(comment["replies"]["items"])


def get(room: Newsroom, path: str, **more: Any) -> Any:
    answer = room.client.get(f"{ARTICLE}/{path}", **more)
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.mark.parametrize("at", [0, 1, 5])
def test_what_stands_at_or_below_a_closed_comment_takes_no_replies(
    room: Newsroom, ways: list[list[str]], at: int
) -> None:
    _, way = ways
    everything = {id: True for each in ways for id in each}
    get(room, "footer")  # a page is kept from before
    decision = room.decided(way[at], "close_thread")
    now = everything | dict.fromkeys(way[at:], False)
    for path in ("footer", "comments", "comments?sort=oldest&limit=2"):
        page = get(room, path)
        seen = dict(told(page.get("comments", page)["items"]))
        assert len(seen) > 4
        assert seen == {id: now[id] for id in seen}
    for n, id in enumerate(way):
        answer = get(room, f"comments/{id}")
        assert answer["comment"]["replies_open"] is now[id]
        assert {one["id"]: one["replies_open"] for one in answer["ancestors"]} == {
            above: now[above] for above in way[:n]
        }
    flat = dict(told(get(room, f"comments/{way[2]}/replies")["items"]))
    assert flat == {id: now[id] for id in way[3:]}
    assert room.undo(decision).status_code == 200
    assert dict(told([get(room, f"comments/{id}")["comment"] for id in everything])) == everything


def test_an_author_is_told_too(room: Newsroom, ways: list[list[str]], new_reader: Mint) -> None:
    author = new_reader()
    own, held = room.post(author, ways[0][1]), room.post(author, ways[0][2])
    room.hold(held)
    room.decided(ways[0][0], "close_thread")
    (waiting,) = get(room, "me", headers=author)["pending"]
    assert (waiting["id"], waiting["replies_open"]) == (held, False)
    edited = room.client.patch(
        f"{ARTICLE}/comments/{own}", headers=author | {"If-Match": '"1"'}, json={"body": "In other words"}
    )
    assert edited.json["replies_open"] is False  # type: ignore[index]
    posted = room.client.post(f"{ARTICLE}/comments", headers=author, json={"body": "Elsewhere"})
    assert posted.json["replies_open"] is True  # type: ignore[index]


def test_without_scripts_no_reply_is_offered(room: Newsroom, ways: list[list[str]]) -> None:
    def offers(path: str) -> int:
        return room.client.get(path).text.count('engagement-join" rel')

    fragment, page = f"{ARTICLE}/footer.html", f"/discussions/demo/a1/comments/{ways[0][1]}"
    before = offers(fragment)
    assert "<textarea" in room.client.get(page).text
    room.decided(ways[0][0], "close_thread")
    assert 0 < offers(fragment) < before
    assert "This thread is closed to replies." in room.client.get(page).text
    assert "<textarea" not in room.client.get(page).text


def test_whether_an_article_has_a_closed_thread_is_found_by_an_index_of_those(database: Database) -> None:
    statement = select(articles.c.id).where(some_closed(articles.c.id))
    explain = "EXPLAIN" if database.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    with database.read() as connection:
        if database.engine.dialect.name == "postgresql":
            for costly in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_sort"):
                connection.exec_driver_sql(f"SET LOCAL {costly} = off")  # as if the table were large
        plan = str(connection.exec_driver_sql(f"{explain} {statement.compile(database.engine)}").all())
    assert "ix_comments_closed" in plan
