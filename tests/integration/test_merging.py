"""Merging articles and undoing it, on real stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from engagement.db.engine import Database
from engagement.errors import Invalid, NotFound
from engagement.settings import Settings
from engagement.sites.merging import begin, listed, undo
from engagement.verify import verify
from engagement.worker.loop import Worker
from tests.jobs_world import World
from tests.merging_world import (
    A,
    Headers,
    every_comment,
    moods,
    post,
    react,
    shown_id,
    vote,
    work,
)
from tests.waiting import until


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing stays in the ledger once SQL has it."""
    return replace(settings, ledger_keep=0.0)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World(settings, database)


@pytest.mark.every_redis
def test_a_merge_and_its_undoing(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    ann, ben, cem = new_reader(name="Ann"), new_reader(name="Ben"), new_reader(name="Cem")
    first = post(client, "old", "first", ann)
    answer = post(client, "old", "answer", ben, parent_id=first)
    post(client, "new", "there", cem)
    vote(client, "old", first, ben, 1)
    vote(client, "old", first, cem, -1)
    for article, reader, mood in (
        ("old", ann, "happy"), ("old", ben, "sad"), ("new", ben, "angry"), ("new", cem, "angry"),
    ):  # fmt: skip
        assert react(client, article, reader, mood) == 200
    worker.drain()
    work(worker, world, begin(world.database, "demo", "old", "new"))
    assert verify(world.database, world.hot).differences == []
    until(lambda: shown_id(client, "old") == "new")
    assert moods(client, "old") == {"happy": 1, "angry": 2}
    assert moods(client, "new") == {"happy": 1, "angry": 2}
    footer: Any = client.get(f"{A}/old/footer").json
    assert footer["article"]["id"] == "new"
    assert footer["counts"] == {"comments": 3, "reactions": 3}
    items = {item["body_html"]: item for item in footer["comments"]["items"]}
    assert len(items) == 2
    moved = next(item for item in items.values() if item["id"] == first)
    assert moved["votes"] == {"up": 1, "down": 1, "score": 0}
    assert [reply["id"] for reply in moved["replies"]["items"]] == [answer]
    assert vote(client, "old", first, ann, 1) == 200
    job = undo(world.database, "demo", "old")
    work(worker, world, job)
    assert verify(world.database, world.hot).differences == []
    until(lambda: shown_id(client, "old") == "old")
    assert moods(client, "old") == {"happy": 1, "sad": 1}
    assert moods(client, "new") == {"angry": 2}
    footer = client.get(f"{A}/old/footer").json
    assert footer["article"]["id"] == "old"
    assert footer["counts"] == {"comments": 2, "reactions": 2}
    (moved,) = footer["comments"]["items"]
    assert moved["votes"] == {"up": 2, "down": 1, "score": 1}
    assert client.get(f"{A}/new/footer").json["counts"] == {"comments": 1, "reactions": 2}  # type: ignore[index]


def test_merging_and_undoing_twice_is_once(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    reader = new_reader()
    comment = post(client, "old", "comment", reader)
    react(client, "old", reader, "sad")
    react(client, "new", new_reader(), "happy")
    worker.drain()
    for turn in range(2):
        job = begin(world.database, "demo", "old", "new")
        assert begin(world.database, "demo", "old", "new") == job
        work(worker, world, job)
        assert begin(world.database, "demo", "old", "new") == job
        assert not world.read(job).running
        assert [row[1:4] for row in listed(world.database)] == [("old", "new", "merged")]
        assert moods(client, "new") == {"happy": 1, "sad": 1}
        assert [item["id"] for item in every_comment(client, "new")] == [comment], turn
        assert undo(world.database, "demo", "old") == job
        assert undo(world.database, "demo", "old") == job
        work(worker, world, job)
        with pytest.raises(NotFound):
            undo(world.database, "demo", "old")
        assert list(listed(world.database)) == []
        until(lambda: shown_id(client, "old") == "old")
        assert moods(client, "old") == {"sad": 1}
        assert moods(client, "new") == {"happy": 1}
        assert [item["id"] for item in every_comment(client, "old")] == [comment]
        assert every_comment(client, "new") == []
        assert verify(world.database, world.hot).differences == []


def test_merges_follow_one_another_and_are_undone_from_the_last(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    readers = dict(zip("abc", [new_reader() for _ in range(3)], strict=True))
    for article, reader in readers.items():
        post(client, article, f"on {article}", reader)
        react(client, article, reader, "sad")
    worker.drain()
    for merged, into in ("ab", "bc"):
        work(worker, world, begin(world.database, "demo", merged, into))
    for article in "abc":
        until(lambda article=article: shown_id(client, article) == "c")  # type: ignore[misc]
        assert moods(client, article) == {"sad": 3}
        assert len(every_comment(client, article)) == 3
    with pytest.raises(Invalid, match="valid"):
        undo(world.database, "demo", "a")
    for article in "ba":
        work(worker, world, undo(world.database, "demo", article))
    for article in "abc":
        until(lambda article=article: shown_id(client, article) == article)  # type: ignore[misc]
        assert moods(client, article) == {"sad": 1}
        (item,) = every_comment(client, article)
        assert item["body_html"] == f"<p>on {article}</p>"
    assert verify(world.database, world.hot).differences == []


def test_what_can_not_be_merged_is_said(
    client: FlaskClient, new_reader: Callable[..., Headers], world: World
) -> None:
    for article in "abc":
        react(client, article, new_reader(), "sad")
    begin(world.database, "demo", "a", "b")
    for merged, into in (("b", "c"), ("c", "a"), ("c", "b"), ("a", "a"), ("a", "c")):
        with pytest.raises(Invalid):
            begin(world.database, "demo", merged, into)
    for merged, into in (("a", "nowhere"), ("nowhere", "b")):
        with pytest.raises((NotFound, Invalid)):
            begin(world.database, "demo", merged, into)
    with pytest.raises(Invalid):
        undo(world.database, "demo", "a")
    with pytest.raises(NotFound):
        undo(world.database, "demo", "b")


def test_edits_answers_and_deletions_between_merge_and_undoing_go_where_they_belong(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    world.put_articles("new")
    ann, ben = new_reader(name="Ann"), new_reader(name="Ben")
    edited, deleted, kept = (post(client, "old", f"{n} of Ann", ann) for n in range(3))
    under = post(client, "old", "an answer of old", ben, parent_id=deleted)
    worker.drain()
    work(worker, world, begin(world.database, "demo", "old", "new"))
    at = f"{A}/old/comments"
    again = {**ann, "If-Match": '"1"'}
    until(lambda: client.patch(f"{at}/{edited}", json={"body": "edited"}, headers=again).status_code == 200)
    assert client.delete(f"{at}/{deleted}", headers=ann).status_code == 204
    late = post(client, "old", "an answer of then", ben, parent_id=kept)
    worker.drain()
    assert client.get(f"{A}/new/footer").json["counts"]["comments"] == 4  # type: ignore[index]
    work(worker, world, undo(world.database, "demo", "old"))
    until(lambda: shown_id(client, "old") == "old")
    shown = {item["id"]: item for item in every_comment(client, "old")}
    assert {id: item["status"] for id, item in shown.items()} == {
        edited: "approved", deleted: "removed", kept: "approved", under: "approved",
    }  # fmt: skip
    assert "edited" in shown[edited]["body_html"]
    stays = {item["id"]: item["status"] for item in every_comment(client, "new")}
    assert stays == {kept: "removed", late: "approved"}
    assert client.get(f"{A}/new/footer").json["counts"]["comments"] == 1  # type: ignore[index]
    assert client.get(f"{A}/old/footer").json["counts"]["comments"] == 3  # type: ignore[index]
    assert verify(world.database, world.hot).differences == []


def test_a_comment_that_is_sent_again_after_a_merge_is_the_same_comment(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    key = {**new_reader(), "Idempotency-Key": "once"}
    first = post(client, "old", "comment", key)
    post(client, "new", "another", new_reader())
    work(worker, world, begin(world.database, "demo", "old", "new"))
    until(lambda: shown_id(client, "old") == "new")
    assert post(client, "old", "comment", key) == first
    assert client.get(f"{A}/old/comments/{first}").status_code == 200
