"""Networks are forgotten: their keys change and go, and so do the hashes that were made with them."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from structlog.testing import capture_logs

from engagement import clock
from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import choices, comments, network_keys
from engagement.hot import bars
from engagement.hot.commands import Command
from engagement.hot.keys import barred_key
from engagement.readers import network_keys as keys_module
from engagement.readers.network_keys import NetworkKeys, current_key, forget_keys
from engagement.settings import Settings
from engagement.worker.housekeeping import Housekeeping
from engagement.worker.loop import Worker
from tests.jobs_world import World
from tests.waiting import until

A = "/v1/demo/articles/story"
Headers = dict[str, str]
LATER = timedelta(days=31)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World(settings, database)


def age_keys(database: Database, by: timedelta) -> None:
    with database.write() as connection:
        rows = connection.execute(select(network_keys)).all()
        for row in rows:
            connection.execute(
                update(network_keys)
                .where(network_keys.c.number == row.number)
                .values(created_at=row.created_at - by)
            )


def numbers(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.scalars(select(network_keys.c.number).order_by(network_keys.c.number)))


def test_processes_that_need_the_first_key_at_once_agree_on_one(settings: Settings) -> None:
    together, found = threading.Barrier(6), []

    def ask() -> None:
        database = Database(settings.database_url)
        keys = NetworkKeys(database, 30)
        together.wait()
        found.append(keys.current())
        database.close()

    for _ in range(2):  # the first key, and the one after it
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        database = Database(settings.database_url)
        age_keys(database, LATER)
        database.close()
    assert len(found) == 12
    assert len(set(found[:6])) == len(set(found[6:])) == 1
    assert [found[0].number, found[6].number] == [1, 2]
    assert found[0].key != found[6].key


def test_what_is_stored_names_the_key_and_changes_with_it(
    client: FlaskClient, app: Flask, reader: Headers, database: Database, worker: Worker, settings: Settings
) -> None:
    def do(client: FlaskClient, n: int) -> None:
        client.post(f"{A}/comments", json={"body": f"text {n}"}, headers=reader)
        client.put(f"/v1/demo/articles/a{n}/reaction", json={"mood": "happy"}, headers=reader)

    do(client, 1)
    age_keys(database, LATER)
    do(create_app(settings).test_client(), 2)  # a process that looks now
    worker.drain()
    with database.read() as connection:
        written = connection.scalars(select(comments.c.network).order_by(comments.c.id)).all()
        chosen = connection.scalars(select(choices.c.network).order_by(choices.c.chosen_at)).all()
    assert written == chosen
    assert [hash[:2] for hash in written] == ["1:", "2:"]
    assert written[0][2:] != written[1][2:]


def test_a_process_looks_for_a_newer_key_now_and_then_and_goes_on_without_the_database(
    database: Database, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    keys = NetworkKeys(database, 30, monotonic=lambda: now[0])
    first = keys.current()
    age_keys(database, LATER)
    assert keys.current() == first
    now[0] += keys_module.LOOK
    second = keys.current()
    assert second.number == 2
    age_keys(database, LATER)
    with monkeypatch.context() as patch:
        patch.setattr(keys, "_database", Database(f"sqlite:///{tmp_path}/no/such.db"))
        for _ in range(3):
            now[0] += keys_module.LOOK
            assert keys.current() == second
    now[0] += keys_module.LOOK
    assert keys.current().number == 3


def test_a_process_that_never_saw_a_key_refuses_what_would_store_a_hash_and_nothing_else(
    settings: Settings, client: FlaskClient, reader: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    unaware = create_app(settings).test_client()
    away = Database(f"sqlite:////no/such/folder/{id(unaware)}.db")
    monkeypatch.setattr(NetworkKeys, "_look", lambda keys: setattr(keys, "_known", current_key(away, 30)))
    answer = unaware.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert unaware.post(f"{A}/comments", json={"body": "text"}, headers=reader).status_code == 503
    for path in (f"{A}/footer", f"{A}/me", "/v1/demo/readers/me", f"{A}/reactions"):
        assert unaware.get(path, headers=reader).status_code == 200, path
    assert client.put(f"{A}/reaction", json={"mood": "sad"}, headers=reader).status_code == 200


@pytest.mark.every_redis
def test_what_a_network_may_do_is_counted_on_when_the_key_changes(
    settings: Settings, database: Database
) -> None:
    strict = replace(
        settings,
        ratelimit_enabled=True,
        ratelimit_readers="2/hour",
        trusted_proxies=(ip_network("127.0.0.0/8"),),
    )
    here, there = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.3.1"}

    def mint(headers: Headers) -> int:
        client = create_app(strict).test_client()
        return client.post("/v1/demo/readers", json={}, headers=headers).status_code

    assert [mint(here), mint(here)] == [201, 201]
    age_keys(database, LATER)
    assert [mint(here), mint(there)] == [429, 201]
    assert numbers(database) == [1, 2]


def test_keys_go_after_their_time_but_not_the_newest_and_not_one_that_is_needed(
    database: Database, world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = Housekeeping(database, world.hot, settings)
    for _ in range(3):
        house.tidy()
        age_keys(database, LATER)
    assert numbers(database) == [1, 2, 3]  # 93, 62, 31 days old
    needed = select(network_keys.c.number).where(network_keys.c.number == 1)
    monkeypatch.setattr(keys_module, "NEEDED", (needed,))
    house.tidy()
    assert numbers(database) == [1, 2, 3, 4]
    monkeypatch.undo()
    house.tidy()
    assert numbers(database) == [2, 3, 4]
    age_keys(database, timedelta(days=1_000))
    assert forget_keys(database, 90) == 2
    assert numbers(database) == [4]  # a number never comes twice
    house.tidy()
    assert numbers(database) == [5]


@pytest.mark.sqlite_only("it breaks the schema")
def test_what_fails_in_housekeeping_is_said_and_keeps_the_worker_from_nothing(
    client: FlaskClient, reader: Headers, worker: Worker, world: World
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    with world.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE network_keys")
    with capture_logs() as said:
        until(lambda: (worker.round(), said)[-1] != [])
    assert [line["event"] for line in said] == ["housekeeping failed"]
    assert worker.drain()
    assert world.count(choices, UUID(client.get("/v1/demo/readers/me", headers=reader).json["id"])) == 1  # type: ignore[index]


@pytest.mark.every_redis
def test_bars_that_are_over_go(world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, there = clock.new_id().bytes, clock.new_id().bytes
    monkeypatch.setattr(bars, "HOLD", 1)
    bars.bar(world.hot, gone, "job")
    monkeypatch.setattr(bars, "HOLD", 3_600_000)
    bars.bar(world.hot, there, "job")
    until(lambda: not bars.hold(world.hot, gone, "job"))
    bars.forget(world.hot)
    left = {reader for n in range(128) for reader in world.hot.execute(_keys(n))}
    assert left == {there}


def _keys(n: int) -> Any:
    return Command(None, (), ("HKEYS", barred_key(n)), list)
