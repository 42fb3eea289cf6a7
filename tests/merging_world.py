"""What the tests of merges do and look at: through the API, under either name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select

from engagement.db.tables import articles, choices
from engagement.hot.keys import MOOD
from engagement.worker.loop import Worker
from tests.jobs_world import World
from tests.waiting import until

A = "/v1/demo/articles"
Headers = dict[str, str]


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


def shown_id(client: FlaskClient, article: str) -> str:
    """Of the article that the name stands for, as far as the process knows."""
    found: Any = client.get(f"{A}/{article}/footer").json
    return str(found["article"]["id"])


def moods(client: FlaskClient, article: str) -> dict[str, int]:
    tally: Any = client.get(f"{A}/{article}/reactions").json
    return {mood["key"]: mood["count"] for mood in tally["moods"] if mood["count"]}


def every_comment(client: FlaskClient, article: str) -> list[Any]:
    """Of an article, by a walk through its threads."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page: Any = client.get(f"{A}/{article}/comments?sort=oldest&limit=50{cursor}").json
        for item in page["items"]:
            found += [item, *item["replies"]["items"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    return found


def nothing_is_left_of(world: World, job: UUID) -> None:
    """Of its fences."""
    for server in world.hot.primaries():
        assert list(server.client.scan_iter("*:moving:*")) == []


def id_of(client: FlaskClient, reader: Headers) -> UUID:
    found: Any = client.get("/v1/demo/readers/me", headers=reader).json
    return UUID(found["id"])


def chosen_on(world: World, article: str) -> dict[UUID, str]:
    """Reader → mood, as SQL has it."""
    c = choices.c
    with world.database.read() as connection:
        rows = connection.execute(
            select(c.reader_id, c.choice)
            .join(articles, articles.c.id == c.article_id)
            .where(articles.c.external_id == article, c.kind == MOOD)
        )
        return {reader: mood for reader, mood in rows}
