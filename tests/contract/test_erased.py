"""What an erased reader gets, and what others see of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engagement.app import create_app
from engagement.db import jobs
from engagement.db.engine import Database
from engagement.db.tables import comments, readers
from engagement.readers import bars
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.waiting import until

A = "/v1/demo/articles/story"
Headers = dict[str, str]
GONE = "There is no such reader any more."


def id_of(client: FlaskClient, reader: Headers) -> UUID:
    found: Any = client.get("/v1/demo/readers/me", headers=reader).json
    return UUID(found["id"])


def erase_now(database: Database, worker: Worker, id: UUID) -> None:
    job = erase(database, id)

    def over() -> bool:
        worker.round()
        with database.read() as connection:
            found = jobs.read(connection, job)
        return found is not None and not found.running

    until(over)


CALLS: list[tuple[str, str, Any]] = [
    ("PUT", f"{A}/reaction", {"mood": "happy"}),
    ("DELETE", f"{A}/reaction", None),
    ("POST", f"{A}/comments", {"body": "again"}),
    ("PUT", f"{A}/comments/00000000-0000-7000-8000-000000000000/vote", {"value": 1}),
    ("GET", f"{A}/me", None),
    ("GET", "/v1/demo/readers/me", None),
    ("PATCH", "/v1/demo/readers/me", {"name": "Ann"}),
]


def test_the_token_of_an_erased_reader_is_refused_by_every_call_that_takes_one(
    client: FlaskClient, reader: Headers, database: Database
) -> None:
    """Within about a second, in every process; before the job has done anything."""
    erase(database, id_of(client, reader))
    until(lambda: client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader).status_code == 401)
    for method, path, body in CALLS:
        answer = client.open(path, method=method, json=body, headers=reader)
        assert (answer.status_code, answer.json["detail"]) == (401, GONE), path  # type: ignore[index]
        assert answer.mimetype == "application/problem+json"


def test_other_readers_and_new_ones_go_on(
    client: FlaskClient, new_reader: Callable[..., Headers], database: Database, worker: Worker
) -> None:
    ann, ben = new_reader(), new_reader()
    erase_now(database, worker, id_of(client, ann))
    for reader in (ben, new_reader()):
        assert client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader).status_code == 200


@pytest.fixture
def unaware(settings: Settings, reader: Headers, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A process that has looked who is erased, and then hung."""
    monkeypatch.setattr(bars, "REFRESH", 3_600.0)
    client = create_app(settings).test_client()
    assert client.get("/v1/demo/readers/me", headers=reader).status_code == 200
    return client


def test_a_process_that_hung_takes_no_choice_no_comment_and_no_name(
    client: FlaskClient, unaware: FlaskClient, reader: Headers, database: Database, worker: Worker
) -> None:
    comment: Any = client.post(f"{A}/comments", json={"body": "text"}, headers=reader).json
    erase_now(database, worker, id_of(unaware, reader))
    vote = f"{A}/comments/{comment['id']}/vote"
    for path, body in ((f"{A}/reaction", {"mood": "happy"}), (vote, {"value": 1})):
        answer = unaware.put(path, json=body, headers=reader)
        assert (answer.status_code, answer.json["type"]) == (403, "urn:engagement:problem:forbidden")  # type: ignore[index]
    assert unaware.post(f"{A}/comments", json={"body": "more"}, headers=reader).status_code == 401
    assert unaware.patch("/v1/demo/readers/me", json={"name": "Ann"}, headers=reader).status_code == 401
    with database.read() as connection:
        assert connection.scalars(select(comments.c.body)).all() == [""]
        assert connection.scalar(select(func.count()).where(readers.c.name.is_not(None))) == 0


@pytest.mark.postgresql_only("SQLite has one writer")
def test_a_comment_that_is_being_posted_is_waited_for_and_emptied(
    client: FlaskClient, reader: Headers, database: Database, worker: Worker
) -> None:
    id = id_of(client, reader)
    client.post(f"{A}/comments", json={"body": "first"}, headers=reader)
    erasing = threading.Thread(target=erase_now, args=(database, worker, id))
    with database.write() as connection:
        bars.lock_reader(connection, "demo", id)
        erasing.start()
        until(lambda: _waits_for_a_lock(database))
        row = connection.execute(select(comments)).one()._asdict()
        connection.execute(comments.insert().values(**{**row, "id": id, "body": "late"}))
    erasing.join()
    with database.read() as connection:
        assert connection.scalars(select(comments.c.body)).all() == ["", ""]


def _waits_for_a_lock(database: Database) -> bool:
    with database.read() as connection:
        waiting = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(waiting.scalar())


def test_what_an_erased_reader_wrote_holds_its_place_while_it_has_replies_and_says_nothing(
    client: FlaskClient, new_reader: Callable[..., Headers], database: Database, worker: Worker
) -> None:
    ann, ben = new_reader(name="Zora"), new_reader(name="Ben")
    root: Any = client.post(f"{A}/comments", json={"body": "of Zora"}, headers=ann).json
    reply: Any = client.post(
        f"{A}/comments", json={"body": "of Ben", "parent_id": root["id"]}, headers=ben
    ).json
    last: Any = client.post(
        f"{A}/comments", json={"body": "of Zora, too", "parent_id": reply["id"]}, headers=ann
    ).json
    client.put(f"{A}/comments/{root['id']}/vote", json={"value": 1}, headers=ben)
    worker.drain()
    before: Any = client.get(f"{A}/footer").json
    erase_now(database, worker, id_of(client, ann))
    worker.drain()
    after: Any = client.get(f"{A}/footer").json
    assert (before["counts"]["comments"], after["counts"]["comments"]) == (3, 1)
    assert after["comments"]["total"] == before["comments"]["total"]
    (removed,) = after["comments"]["items"]
    assert (removed["status"], removed["body_html"]) == ("removed", "")
    assert removed["author"] == {"id": None, "name": None, "avatar_url": None, "badges": []}
    assert (removed["votes"], removed["reply_count"]) == ({"up": 1, "down": 0, "score": 1}, 1)
    (kept,) = removed["replies"]["items"]
    assert (kept["status"], kept["body_html"], kept["author"]["name"]) == ("approved", "<p>of Ben</p>", "Ben")
    assert (kept["reply_count"], kept["replies"]["items"]) == (0, [])
    assert client.get(f"{A}/comments/{last['id']}").status_code == 404
    found: Any = client.get(f"{A}/comments/{reply['id']}").json
    assert [above["status"] for above in found["ancestors"]] == ["removed"]
    assert found["ancestors"][0]["revision"] == root["revision"] + 1
    for answer in (after, found, client.get(f"{A}/comments?sort=top").json):
        assert "Zora" not in str(answer)
