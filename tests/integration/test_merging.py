"""Merging articles and undoing it, on real stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from engagement.db.engine import Database
from engagement.settings import Settings
from engagement.sites.merging import begin, undo
from engagement.verify import verify
from engagement.worker.loop import Worker
from tests.jobs_world import World
from tests.waiting import until

A = "/v1/demo/articles"
Headers = dict[str, str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing stays in the ledger once SQL has it."""
    return replace(settings, ledger_keep=0.0)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World(settings, database)


def work(worker: Worker, world: World, job: UUID) -> None:
    """Rounds of a worker until the job rests, and nothing is in flight."""

    def over() -> bool:
        worker.round()
        found = world.read(job)
        assert not found.faults, found.error
        return not found.running

    until(over)
    assert worker.drain()


def post(client: FlaskClient, article: str, body: str, reader: Headers, **more: Any) -> str:
    answer = client.post(f"{A}/{article}/comments", json={"body": body, **more}, headers=reader)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]  # type: ignore[index,no-any-return]


def vote(client: FlaskClient, article: str, comment: str, reader: Headers, value: int) -> int:
    path = f"{A}/{article}/comments/{comment}/vote"
    return client.put(path, json={"value": value}, headers=reader).status_code


def react(client: FlaskClient, article: str, reader: Headers, mood: str) -> int:
    return client.put(f"{A}/{article}/reaction", json={"mood": mood}, headers=reader).status_code


def moods(client: FlaskClient, article: str) -> dict[str, int]:
    tally: Any = client.get(f"{A}/{article}/reactions").json
    return {mood["key"]: mood["count"] for mood in tally["moods"] if mood["count"]}


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
    until(lambda: moods(client, "old") == {"happy": 1, "angry": 2})
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
    until(lambda: moods(client, "old") == {"happy": 1, "sad": 1})
    assert moods(client, "new") == {"angry": 2}
    footer = client.get(f"{A}/old/footer").json
    assert footer["article"]["id"] == "old"
    assert footer["counts"] == {"comments": 2, "reactions": 2}
    (moved,) = footer["comments"]["items"]
    assert moved["votes"] == {"up": 2, "down": 1, "score": 1}
    assert client.get(f"{A}/new/footer").json["counts"] == {"comments": 1, "reactions": 2}  # type: ignore[index]
