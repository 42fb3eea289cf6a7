"""Single sign-on: what becomes of a reader who comes with a publisher's token."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import readers
from engagement.settings import Settings
from engagement.worker.loop import Worker
from tests.contract.sign_on.publisher import ME, Add, by_secret, told
from tests.stores import SqlStore
from tests.waiting import until


def test_a_reader_by_sign_on_comments_under_their_name_with_avatar_and_badges(
    client: FlaskClient, add: Add, worker: Worker
) -> None:
    add()
    profile: dict[str, Any] = {
        "name": " Ada\u202e L. ",
        "avatar": "https://news.example/ada.png",
        "badges": ["Staff", "", 7, "Staff"],
    }
    reader = by_secret(**profile)
    assert told(client.get(ME, headers=reader))["name"] == "Ada L."
    posted = client.post("/v1/demo/articles/story/comments", json={"body": "Said here"}, headers=reader)
    assert posted.status_code == 201, posted.text
    page = told(client.get("/v1/demo/articles/story/comments"))
    author = page["items"][0]["author"]
    assert (author["name"], author["avatar_url"], author["badges"]) == (
        "Ada L.", "https://news.example/ada.png", ["Staff"],
    )  # fmt: skip
    assert told(posted)["author"] == author
    assert (
        client.put("/v1/demo/articles/story/reaction", json={"mood": "sad"}, headers=reader).status_code
        == 200
    )


def test_what_a_sign_on_has_told_is_in_the_readers_export(client: FlaskClient, add: Add) -> None:
    add()
    headers = by_secret(avatar="https://news.example/ada.png", badges=["Staff"])
    profile = told(client.get(f"{ME}/export", headers=headers))["reader"]
    assert (profile["subject"], profile["avatar_url"]) == ("reader-1", "https://news.example/ada.png")
    assert profile["badges"] == ["Staff"]


def test_the_same_person_is_the_same_reader_everywhere_and_another_is_another(
    client: FlaskClient, add: Add, settings: Settings
) -> None:
    add()
    mine = told(client.get(ME, headers=by_secret()))["id"]
    elsewhere = create_app(settings).test_client()
    assert told(elsewhere.get(ME, headers=by_secret()))["id"] == mine
    assert told(client.get(ME, headers=by_secret(sub="reader-2")))["id"] != mine


def test_two_first_calls_at_once_make_one_reader(client: FlaskClient, add: Add, settings: Settings) -> None:
    add()
    apps = [create_app(settings) for _ in range(4)]
    barrier = Barrier(len(apps))

    def first(app: Flask) -> Any:
        barrier.wait()
        return told(app.test_client().get(ME, headers=by_secret()))["id"]

    with ThreadPoolExecutor(len(apps)) as pool:
        assert len(set(pool.map(first, apps))) == 1


def test_a_reader_who_is_known_here_reacts_while_the_database_is_down(
    client: FlaskClient,
    add: Add,
    settings: Settings,
    database: Database,
    sql_store: SqlStore,
    worker: Worker,
) -> None:
    add()
    path = "/v1/demo/articles/story/reaction"
    assert client.put(path, json={"mood": "sad"}, headers=by_secret()).status_code == 200
    worker.drain()
    assert client.put(path, json={"mood": "angry"}, headers=by_secret()).status_code == 200
    database.close()
    sql_store.take_away(settings.database_url)
    assert client.put(path, json={"mood": "happy"}, headers=by_secret()).status_code == 200


def test_a_newer_token_says_what_a_reader_is_called(client: FlaskClient, add: Add) -> None:
    add()
    now = int(time.time())
    client.get(ME, headers=by_secret(iat=now - 20))
    newer, older = by_secret(name="Ada Lovelace", iat=now - 10), by_secret(iat=now - 20)
    assert told(client.get(ME, headers=newer))["name"] == "Ada Lovelace"
    assert told(client.get(ME, headers=older))["name"] == "Ada Lovelace"
    assert client.patch(ME, json={"name": "Somebody"}, headers=newer).status_code == 403


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("avatar", "http://news.example/a.png"), ("avatar", "javascript:alert(1)"), ("avatar", 7),
        ("avatar", "https://u:p@news.example/a.png"), ("avatar", "https://n.example/" + "x" * 2_100),
        ("badges", "Staff"), ("badges", {"a": 1}), ("badges", [["x"]]),
        ("name", 7), ("name", "\u200b"), ("name", "x" * 5_000),
    ],
)  # fmt: skip
def test_a_profile_that_can_not_be_shown_is_none(
    client: FlaskClient, add: Add, database: Database, field: str, value: Any
) -> None:
    add()
    reader_id = told(client.get(ME, headers=by_secret(**{field: value})))["id"]
    with database.read() as connection:
        row = connection.execute(select(readers).where(readers.c.issuer_id.is_not(None))).one()
    assert str(row.id) == reader_id
    shown = {"avatar": row.avatar_url, "badges": row.badges or None, "name": row.name}
    assert shown[field] is None


def test_an_erased_reader_who_comes_again_is_a_new_reader(
    client: FlaskClient, add: Add, settings: Settings, database: Database, worker: Worker
) -> None:
    add()
    elsewhere = create_app(settings).test_client()
    before = told(client.get(ME, headers=by_secret()))["id"]
    assert told(elsewhere.get(ME, headers=by_secret()))["id"] == before
    assert client.delete(ME, headers=by_secret()).status_code == 202
    after = told(client.get(ME, headers=by_secret()))["id"]
    assert after != before
    until(lambda: told(elsewhere.get(ME, headers=by_secret()))["id"] == after)

    def emptied() -> bool:
        worker.round()
        with database.read() as connection:
            row = connection.execute(select(readers).where(readers.c.name.is_(None))).all()
        return any(str(each.id) == before and each.subject is None for each in row)

    until(emptied)
    assert told(client.get(ME, headers=by_secret()))["id"] == after
