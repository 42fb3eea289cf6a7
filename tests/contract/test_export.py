"""What a reader is told of all that is held of them, and how they ask to be erased."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from engagement import clock
from engagement.app import create_app
from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.tables import BALLOT, articles, choices, dead_letters, jobs
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot
from engagement.readers import unstored as unstored_module
from engagement.readers.export import Exports
from engagement.readers.unstored import unstored
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.jobs_world import World, hiding
from tests.waiting import until

A = "/v1/demo/articles/story"
ME = "/v1/demo/readers/me"
Headers = dict[str, str]


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World(settings, database)


def export(client: FlaskClient, reader: Headers) -> Any:
    answer = client.get(f"{ME}/export", headers=reader)
    assert answer.status_code == 200, answer.text
    return answer.json


def chosen(document: Any) -> dict[tuple[str, str | None], str]:
    found = [(item["article"], item["comment_id"], item["choice"]) for item in document["choices"]]
    assert len(found) == len({one[:2] for one in found})
    return {(article, comment): choice for article, comment, choice in found}


def test_an_export_tells_all_that_the_reader_did(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, database: Database
) -> None:
    ann, ben = new_reader(name="Ann"), new_reader(name="Ben")
    first: Any = client.post(
        f"{A}/comments", json={"body": "one *text*"}, headers={**ann, "Idempotency-Key": "once"}
    ).json
    edited = client.patch(
        f"{A}/comments/{first['id']}", json={"body": "better"}, headers={**ann, "If-Match": '"1"'}
    )
    assert edited.status_code == 200
    other: Any = client.post(f"{A}/comments", json={"body": "of Ben"}, headers=ben).json
    reply = {"body": "reply", "parent_id": other["id"]}
    second: Any = client.post(f"{A}/comments", json=reply, headers=ann).json
    client.delete(f"{A}/comments/{second['id']}", headers=ann)
    client.put(f"{A}/comments/{first['id']}/vote", json={"value": 1}, headers=ben)
    client.put(f"{A}/comments/{other['id']}/vote", json={"value": -1}, headers=ann)
    client.put("/v1/demo/articles/b/reaction", json={"mood": "sad"}, headers=ann)
    worker.drain()
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=ann)  # in the ledger alone
    document = export(client, ann)
    me: Any = client.get(ME, headers=ann).json
    assert document["site"] == "demo"
    assert document["reader"].items() >= me.items()
    written, gone = sorted(document["comments"], key=lambda item: item["id"])
    assert (written["body"], written["body_html"]) == ("better", "<p>better</p>")
    assert (written["article"], written["status"], written["parent_id"]) == ("story", "approved", None)
    assert [(before["revision"], before["body"]) for before in written["revisions"]] == [(1, "one *text*")]
    assert (written["votes"], written["network"][:2]) == ({"up": 1, "down": 0}, "1:")
    assert (gone["status"], gone["body"], gone["parent_id"]) == ("deleted", "", other["id"])
    assert chosen(document) == {
        ("story", None): "happy",
        ("b", None): "sad",
        ("story", other["id"]): "down",
    }
    assert {item["network"][:2] for item in document["choices"]} == {"1:"}
    (key,) = document["idempotency_keys"]
    assert (key["key"], key["comment_id"]) == ("once", first["id"])
    assert "of Ben" not in str(document)
    assert export(client, ben)["reader"]["name"] == "Ben"


def test_an_export_is_a_file_that_nobody_keeps(client: FlaskClient, reader: Headers) -> None:
    answer = client.get(f"{ME}/export", headers=reader)
    me: Any = client.get(ME, headers=reader).json
    assert answer.headers["Content-Disposition"] == f"attachment; filename=reader-{me['id']}.json"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.content_length == len(answer.data)
    assert answer.headers["Vary"] == "Origin"
    assert client.get(f"{ME}/export").status_code == 401
    away = client.get(f"{ME}/export", headers={**reader, "Origin": "https://elsewhere.example"})
    assert away.status_code == 403


def test_exports_are_limited(settings: Settings) -> None:
    client = create_app(replace(settings, ratelimit_enabled=True, ratelimit_exports="2/hour")).test_client()
    minted: Any = client.post("/v1/demo/readers", json={}).json
    reader = {"Authorization": f"Bearer {minted['token']}"}
    answers = [client.get(f"{ME}/export", headers=reader, buffered=True) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


@pytest.mark.every_redis
def test_choices_that_sql_does_not_have_yet_are_merged_wherever_the_worker_is(
    client: FlaskClient, reader: Headers, worker: Worker
) -> None:
    """Some are stored, some wait, some were changed or taken back since they were stored."""
    moods = ("happy", "sad", None)
    expected: dict[tuple[str, str | None], str] = {}
    for n in range(24):
        for mood in moods[: n % 4]:
            path = f"/v1/demo/articles/a{n % 12}/reaction"
            if mood is None:
                client.delete(path, headers=reader)
                expected.pop((f"a{n % 12}", None), None)
            else:
                client.put(path, json={"mood": mood}, headers=reader)
                expected[f"a{n % 12}", None] = mood
        before = clock.rfc3339(clock.now())
        document = export(client, reader)
        assert chosen(document) == expected, n
        assert document["as_of"] >= before
        if n % 5 == 0:
            worker.round(draining=True)


def test_what_is_stored_and_trimmed_while_the_export_is_made_is_there_once(
    settings: Settings, world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker comes between any two steps."""
    worker = Worker(replace(settings, ledger_keep=0.0))
    reader = world.new_reader()
    world.put_articles(*"abc")

    def step(name: str) -> Any:
        original = getattr(Hot, name)

        def between(hot: Hot, *args: Any) -> Any:
            answer = original(hot, *args)
            if hot is asked:
                worker.drain()
                world.choose(reader, "c", next(later))
            return answer

        return between

    asked = world.hot
    later = iter(["happy", "sad"] * 10)
    for article in "ab":
        world.choose(reader, article, "happy")
    monkeypatch.setattr(Hot, "execute_many", step("execute_many"))
    with Exports(database, asked).of("demo", reader) as found:
        document = orjson.loads(found.read())
    monkeypatch.undo()
    assert {key: value for key, value in chosen(document).items() if key[0] != "c"} == {
        ("a", None): "happy",
        ("b", None): "happy",
    }


def test_a_worker_that_is_far_behind_makes_the_export_say_up_to_when_it_is(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unstored_module, "ENTRIES", 2)
    monkeypatch.setattr(unstored_module, "BOUND", 4)
    world.put_articles("a")
    reader = world.new_reader()
    begun = clock.now()
    for _ in range(8):
        world.choose(world.new_reader(), "a", "happy")
    world.choose(reader, "a", "happy")
    short = unstored(world.hot, database, "demo", reader.bytes)
    assert short.entries == {}
    assert short.as_of is not None
    assert abs((short.as_of - begun).total_seconds()) < 1.0
    monkeypatch.undo()
    whole = unstored(world.hot, database, "demo", reader.bytes)
    assert [entry.new for _, entry in whole.entries.values()] == ["happy"]
    assert whole.as_of is not None
    assert whole.as_of > short.as_of


def test_without_redis_what_sql_has_is_told_and_that_the_moment_is_not_known(
    client: FlaskClient, reader: Headers, worker: Worker, settings: Settings, tmp_path: Path
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    worker.drain()
    away = create_app(replace(settings, redis_url=f"unix://{tmp_path}/no.sock")).test_client()
    document = export(away, reader)
    assert document["as_of"] is None
    assert chosen(document) == {("story", None): "happy"}


def test_a_reader_with_25_000_choices_costs_less_memory_than_the_document_is_long(
    world: World, database: Database
) -> None:
    """It takes 1.9 to 2.1 MB, however many there are: 35 bytes that stay of each would be too much."""
    reader, others = world.new_reader(), 25_000
    now = clock.now()
    with database.write() as connection:
        world_articles = [(clock.new_id(), "demo", f"a{n}", True, True, now) for n in range(others)]
        columns = ("id", "site", "external_id", "comments_open", "reactions_open", "created_at")
        bulk.put(connection, articles, columns, world_articles)
        rows = [(row[0], MOOD, row[0], reader, "happy", now, "1:net") for row in world_articles]
        bulk.put(connection, choices, (*BALLOT, "reader_id", "choice", "chosen_at", "network"), rows)
    del rows, world_articles
    tracemalloc.start()
    try:
        with Exports(database, world.hot).of("demo", reader) as found:
            size = found.seek(0, 2)
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 3_000_000
    assert peak < 2_750_000


def test_a_reader_erases_themselves_and_the_token_is_good_for_nothing_at_once(
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    settings: Settings,
    worker: Worker,
    database: Database,
) -> None:
    ann, elsewhere = new_reader(name="Ann"), create_app(settings).test_client()
    assert elsewhere.get(ME, headers=ann).status_code == 200
    client.post(f"{A}/comments", json={"body": "of Ann"}, headers=ann)
    answer = client.delete(ME, headers=ann)
    assert answer.status_code == 202
    told: Any = answer.json
    assert told["choices"] == "taken"
    assert "Your reactions and votes are taken back." in told["will"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    for path in (ME, f"{ME}/export"):
        assert client.get(path, headers=ann).status_code == 401
    assert client.delete(ME, headers=ann).status_code == 401
    until(lambda: elsewhere.get(ME, headers=ann).status_code == 401, within=2.0)

    def over() -> bool:
        worker.round()
        with database.read() as connection:
            row = connection.execute(jobs.select().where(jobs.c.id == UUID(told["job_id"]))).one()
        return bool(row.state == "done")

    until(over)
    assert "of Ann" not in client.get(f"{A}/footer").text


def test_another_reader_is_asked_for_nothing_and_told_nothing(
    client: FlaskClient, new_reader: Callable[..., Headers]
) -> None:
    ann, ben = new_reader(name="Ann"), new_reader(name="Ben")
    client.delete(ME, headers=ann)
    assert client.get(ME, headers=ben).status_code == 200
    assert client.delete("/v1/known/readers/me", headers=ben).status_code == 401
    assert client.delete(ME).status_code == 401


def test_what_is_kept_is_said(settings: Settings) -> None:
    client = create_app(replace(settings, erase_choices="kept")).test_client()
    minted: Any = client.post("/v1/demo/readers", json={}).json
    told: Any = client.delete(ME, headers={"Authorization": f"Bearer {minted['token']}"}).json
    assert told["choices"] == "kept"
    assert any("go on counting" in line for line in told["will"])


def test_the_reader_of_a_token_that_a_restored_database_does_not_know_is_told_so(
    client: FlaskClient, reader: Headers, database: Database
) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM readers")
    for answer in (client.delete(ME, headers=reader), client.get(f"{ME}/export", headers=reader)):
        assert answer.status_code == 401


def test_refused_and_taken_choices_are_told_as_well(
    client: FlaskClient, reader: Headers, world: World, database: Database
) -> None:
    me: Any = client.get(ME, headers=reader).json
    id = UUID(me["id"])
    world.put_articles("a")
    world.choose(id, "a", "happy")
    world.flush()
    job = world.hide(id)
    world.run(job, world.runner(hiding))
    with database.write() as connection:
        connection.execute(
            insert(dead_letters).values(
                ballot=Ballot("demo", "a", MOOD).name, entry_id="1-1", reader_id=id, choice="up",
                chosen_at=clock.now(), reason="no such comment",
            )
        )  # fmt: skip
    document = export(client, reader)
    assert [item["choice"] for item in document["taken_choices"]] == ["happy"]
    assert [item["reason"] for item in document["refused_choices"]] == ["no such comment"]
    assert [item["id"] for item in document["jobs"]] == [str(job)]
    assert document["choices"] == []
