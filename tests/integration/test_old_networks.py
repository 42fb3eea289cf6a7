"""Hashes of networks that are old are emptied, beside the flush that writes others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, func, insert, select, update

from engagement import clock
from engagement.db import jobs
from engagement.db.ballots import lock_cursors
from engagement.db.engine import Database
from engagement.db.tables import BALLOT, choices, comments, cursors, job_choices
from engagement.db.tables import jobs as jobs_table
from engagement.hot.keys import MOOD
from engagement.settings import Settings
from engagement.verify import verify
from engagement.worker import networks
from engagement.worker.loop import Worker
from engagement.worker.networks import Networks
from tests.jobs_world import World
from tests.waiting import until

A = "/v1/demo/articles/story"
Headers = dict[str, str]


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World(settings, database)


def hashes(database: Database) -> dict[str, int]:
    """Table → rows with a hash."""
    tables = (comments, choices, job_choices)
    with database.read() as connection:
        return {
            table.name: connection.scalar(select(func.count()).where(table.c.network != "")) or 0
            for table in tables
        }


def pass_over(steps: Networks, database: Database) -> None:
    """A whole pass, now."""
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM meta WHERE key = 'networks'")
    until(lambda: not steps.step())


def write_much(client: FlaskClient, readers: list[Headers], worker: Worker, world: World) -> None:
    """Five comments, votes and moods of each; half of all is old by then; an old job holds some."""
    for n, reader in enumerate(readers):
        for m in range(5):
            path = f"/v1/demo/articles/a{m}"
            posted: Any = client.post(f"{path}/comments", json={"body": f"{n} {m}"}, headers=reader).json
            client.put(f"{path}/comments/{posted['id']}/vote", json={"value": 1}, headers=reader)
            client.put(f"{path}/reaction", json={"mood": "happy"}, headers=reader)
    worker.drain()
    job = world.hide(world.new_reader())
    old = clock.now() - timedelta(days=91)
    with world.database.write() as connection:
        for table, date in ((comments, "created_at"), (choices, "chosen_at")):
            keys = table.primary_key.columns
            rows = connection.execute(select(*keys).order_by(*keys)).all()
            for row in rows[::2]:
                at = [column == value for column, value in zip(keys, row, strict=True)]
                connection.execute(update(table).where(*at).values({date: old}))
        take_some(connection, job)
        connection.execute(update(jobs_table).values(created_at=old, state=jobs.DONE, next_at=None))


def take_some(connection: Connection, job: Any) -> None:
    columns = [*BALLOT, "reader_id", "choice", "network"]
    some = select(*(choices.c[name] for name in columns)).where(choices.c.kind == MOOD)
    some = some.where(choices.c.reader_id == select(choices.c.reader_id).limit(1).scalar_subquery())
    for row in connection.execute(some).all():
        connection.execute(insert(job_choices).values(job_id=job, **row._mapping))


def test_the_hashes_of_what_is_old_go_and_nothing_else_changes(
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    worker: Worker,
    world: World,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(networks, "PAGE", 7)
    write_much(client, [new_reader() for _ in range(4)], worker, world)
    before = hashes(database)
    assert before == {"comments": 20, "choices": 40, "job_choices": 5}
    steps = Networks(database, 90)
    pass_over(steps, database)
    assert hashes(database) == {"comments": 10, "choices": 20, "job_choices": 0}
    old = clock.now() - timedelta(days=90)
    with database.read() as connection:
        for table, date in ((comments, comments.c.created_at), (choices, choices.c.chosen_at)):
            wrong = select(func.count()).where((date < old) == (table.c.network != ""))
            assert connection.scalar(wrong) == 0
    assert verify(database, world.hot).differences == []
    assert not steps.step()  # till tomorrow


def test_two_workers_take_steps_of_one_pass(
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    worker: Worker,
    world: World,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While readers change what they chose long ago, and others are stored beside them."""
    monkeypatch.setattr(networks, "PAGE", 5)
    readers = [new_reader() for _ in range(4)]
    write_much(client, readers, worker, world)
    with world.database.write() as connection:
        connection.execute(update(choices).values(chosen_at=clock.now() - timedelta(days=91)))
    faults: list[BaseException] = []
    over = threading.Event()

    def forget() -> None:
        try:
            database = Database(settings.database_url)
            steps = Networks(database, 90)
            for _ in range(40):
                steps.step()
            database.close()
        except BaseException as error:  # noqa: BLE001 - the test tells it
            faults.append(error)

    def store() -> None:
        try:
            while not over.is_set():
                worker.round(draining=True)
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=forget) for _ in range(2)]
    storing = threading.Thread(target=store)
    for thread in (*threads, storing):
        thread.start()
    for mood in ("sad", "angry", "afraid", "amused"):
        for reader in readers:
            for m in range(5):
                path = f"/v1/demo/articles/a{m}/reaction"
                assert client.put(path, json={"mood": mood}, headers=reader).status_code == 200
    for thread in threads:
        thread.join()
    over.set()
    storing.join()
    assert faults == []
    assert worker.drain()
    assert verify(world.database, world.hot).differences == []
    assert world.tally("a0") == {"amused": 4}
    with world.database.read() as connection:
        fresh = select(func.count()).where(choices.c.choice == "amused", choices.c.network == "")
        assert connection.scalar(fresh) == 0
        assert connection.scalar(select(func.count()).where(choices.c.choice == "amused")) == 20


@pytest.mark.postgresql_only("SQLite has one writer")
def test_while_a_flush_holds_a_ballot_its_hashes_wait(
    client: FlaskClient, reader: Headers, worker: Worker, world: World
) -> None:
    client.put(f"{A}/reaction", json={"mood": "happy"}, headers=reader)
    worker.drain()
    with world.database.write() as connection:
        connection.execute(update(choices).values(chosen_at=clock.now() - timedelta(days=91)))
        rows = connection.execute(select(*(cursors.c[name] for name in BALLOT))).all()
    emptying = threading.Thread(target=pass_over, args=(Networks(world.database, 90), world.database))
    with world.database.write() as connection:
        lock_cursors(connection, [tuple(row) for row in rows])
        emptying.start()
        until(lambda: _waits_for_a_lock(world.database))
        connection.execute(update(choices).values(chosen_at=clock.now(), network="new"))
    emptying.join()
    with world.database.read() as connection:
        assert connection.scalars(select(choices.c.network)).all() == ["new"]


def _waits_for_a_lock(database: Database) -> bool:
    with database.read() as connection:
        waiting = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(waiting.scalar())
