"""Erasing a reader on real stores: under live load, after crashes and kills, by two workers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engagement import clock
from engagement.db import jobs
from engagement.db.engine import Database
from engagement.db.tables import articles, choices, comments, dead_letters, idempotency_keys
from engagement.hot import walk
from engagement.hot.bars import NOBODY
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, Ballot, barred_key
from engagement.hot.playing import Move, playing
from engagement.hot.server import Server
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.worker.jobs import erasing
from engagement.worker.jobs.runner import Jobs
from engagement.worker.jobs.stores import Stores
from engagement.worker.loop import Worker
from tests import traces
from tests.jobs_world import Crash, World, hiding
from tests.live_readers import LiveReaders
from tests.traces import no_trace
from tests.waiting import until
from tests.workers import WorkerProcess

A = "/v1/demo/articles"
Headers = dict[str, str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing stays in the ledger once SQL has it."""
    return replace(settings, ledger_keep=0.0)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return World(settings, database)


def id_of(client: FlaskClient, reader: Headers) -> UUID:
    found: Any = client.get("/v1/demo/readers/me", headers=reader).json
    return UUID(found["id"])


def work(worker: Worker, world: World, job: UUID) -> None:
    """Rounds of a worker until the job is over, and nothing is in flight."""

    def over() -> bool:
        worker.round()
        found = world.read(job)
        assert not found.faults, found.error
        return not found.running

    until(over)
    assert worker.drain()


@pytest.mark.every_redis
def test_an_erased_reader_leaves_no_choice_and_no_word(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    ann, ben = new_reader(name="Ann"), new_reader(name="Ben")
    id = id_of(client, ann)
    for reader in (ann, ben):
        client.put(f"{A}/story/reaction", json={"mood": "happy"}, headers=reader)
    posted: Any = client.post(
        f"{A}/story/comments", json={"body": "of Ann"}, headers={**ann, "Idempotency-Key": "once"}
    ).json
    vote = f"{A}/story/comments/{posted['id']}/vote"
    client.put(vote, json={"value": 1}, headers=ben)
    client.put(vote, json={"value": -1}, headers=ann)
    worker.drain()
    client.put(f"{A}/taken-back/reaction", json={"mood": "happy"}, headers=ann)
    client.delete(f"{A}/taken-back/reaction", headers=ann)  # her id stays in the view
    with world.database.write() as connection:
        connection.execute(
            dead_letters.insert().values(
                ballot="b", entry_id="1-1", reader_id=id, choice="up",
                chosen_at=clock.now(), reason="no such comment",
            )
        )  # fmt: skip
    tables = {"cases", "comments", "choices", "idempotency_keys", "dead_letters"}
    assert traces.in_sql(world.database, id) == {"readers.id", *(f"{table}.reader_id" for table in tables)}
    assert {key.split("}:")[1].split(":")[0] for key in traces.in_redis(world.hot, id)} == {
        "choices",
        "ledger",
    }
    answer = {"body": "of Ben", "parent_id": posted["id"]}
    client.post(f"{A}/story/comments", json=answer, headers=ben)
    work(worker, world, erase(world.database, id))
    no_trace(world.database, world.hot, id)
    assert world.tally("story") == {"happy": 1}
    assert world.count(idempotency_keys, id) == 0
    assert client.get(f"{A}/story/comments").json["items"][0]["votes"] == {"up": 1, "down": 0, "score": 1}  # type: ignore[index]


@pytest.mark.timeout(600)
def test_an_erasure_under_live_reactions_and_votes_of_the_same_reader_is_exact(
    app: Flask, client: FlaskClient, new_reader: Callable[..., Headers], settings: Settings, world: World
) -> None:
    """Ann's three devices go on until they are refused, others beside them; two workers do the job."""
    ann, others = new_reader(name="Ann"), [new_reader() for _ in range(6)]
    id = id_of(client, ann)
    posted: Any = client.post(f"{A}/a0/comments", json={"body": "of Ann"}, headers=ann).json
    live = LiveReaders(app, posted["id"], devices=[ann] * 3, others=others, workers=2, settings=settings)
    with live:
        until(lambda: world.count(choices, id) >= 3)
        job = erase(world.database, id)
        until(lambda: not world.read(job).running, within=60)
        until(lambda: len(live.refused) == 3)
    assert live.faults == []
    assert set(live.refused) <= {401, 403}
    assert Worker(settings).drain()
    for article in live.articles:
        assert world.tally(article) == live.moods(article)
    with world.database.read() as connection:
        assert connection.execute(select(comments.c.up, comments.c.down)).one() == live.votes()
    no_trace(world.database, world.hot, id)


@pytest.mark.timeout(600)
def test_a_crash_before_any_call_of_a_store_leaves_an_erasure_that_goes_on(
    client: FlaskClient, new_reader: Callable[..., Headers], world: World
) -> None:
    """The nth worker ends before its nth call; the next one takes over."""
    ann, ben = new_reader(name="Ann"), new_reader()
    id = id_of(client, ann)
    for reader in (ann, ben):
        for article in "ab":
            client.put(f"{A}/{article}/reaction", json={"mood": "happy"}, headers=reader)
            client.post(f"{A}/{article}/comments", json={"body": "text"}, headers=reader)
    client.get(f"{A}/a/footer")  # a rendered page
    job = erase(world.database, id)
    crashes = 0
    for n in range(1, 1_000):
        try:
            world.run(job, world.runner(crash_at=n))
            break
        except Crash:
            crashes += 1
    assert crashes > 10
    assert world.tally("a") == world.tally("b") == {"happy": 1}
    shown: Any = client.get(f"{A}/a/footer").json
    assert [item["status"] for item in shown["comments"]["items"]] == ["approved"]
    no_trace(world.database, world.hot, id)


@pytest.mark.timeout(600)
def test_an_erasure_outlives_workers_that_are_killed(world: World, settings: Settings) -> None:
    """SIGKILL, whenever a worker has come a little further; no choice has a view."""
    names = [f"a{n}" for n in range(200)]
    ann, ben = world.new_reader("Ann"), world.new_reader()
    world.put_articles(*names)
    world.store({ann: dict.fromkeys(names, "happy"), ben: dict.fromkeys(names[::8], "sad")})
    job = erase(world.database, ann)
    kills = 0
    while kills < 3:
        begun = world.read(job).version
        process = WorkerProcess(settings)
        try:
            until(lambda begun=begun: world.read(job).version > begun + 1, within=60)  # type: ignore[misc]
        finally:
            process.kill()
            process.wait()
        if not world.read(job).running:
            break
        kills += 1
    assert kills
    process = WorkerProcess(settings)
    until(lambda: not world.read(job).running, within=60)
    process.terminate()
    assert process.wait(60) == 0
    assert world.chosen(ann) == {}
    assert len(world.chosen(ben)) == 25
    assert [world.tally(name) for name in names[:9]] == [{"sad": 1}, *[{}] * 7, {"sad": 1}]
    no_trace(world.database, world.hot, ann)


def test_an_erasure_forgets_what_other_jobs_had_taken_and_ends_them(world: World) -> None:
    world.put_articles("a")
    ann = world.new_reader()
    world.choose(ann, "a", "happy")
    world.flush()
    hidden = world.hide(ann)
    world.run(hidden, world.runner(hiding))
    assert "job_choices.reader_id" in traces.in_sql(world.database, ann)
    job = erase(world.database, ann)
    world.run(job, world.runner())
    assert world.read(hidden).state == jobs.DONE
    no_trace(world.database, world.hot, ann)


def test_once_an_erasure_is_over_no_worker_plays_for_the_reader(world: World) -> None:
    """One that hung under the erasure's bar goes on late."""
    world.put_articles("a")
    ann = world.new_reader()
    job = erase(world.database, ann)
    plan = playing([Move(Ballot("demo", "a", MOOD), ann.bytes, "happy")], f"{job.hex}:0")
    need: Any = next(plan)
    world.run(job, world.runner())
    with pytest.raises(StopIteration) as ended:
        plan.send(world.hot.execute_many(need))
    assert ended.value.value == [False]
    bar = world.hot.client.hget(barred_key(Ballot("demo", "a", MOOD).shard), ann.bytes)
    assert bar.split()[1] == NOBODY.encode()


def test_a_walk_through_redis_that_is_broken_off_begins_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "STEP", 1)
    names = [f"a{n}" for n in range(20)]
    world.put_articles(*names)
    ann = world.new_reader()
    for name in names:
        world.choose(ann, name, "happy")
    job = erase(world.database, ann)
    breaking = BreakingHot(world.hot)
    world.run(job, Jobs(Stores(breaking, world.database, world.pages)))
    assert breaking.broken
    no_trace(world.database, world.hot, ann)


def test_comments_that_come_to_where_an_erasure_has_been_are_emptied_as_well(
    client: FlaskClient, reader: Headers, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when two articles become one meanwhile."""
    monkeypatch.setattr(erasing, "PAGE", 1)
    world.put_articles(*"abc")
    for article in "bc":
        client.post(f"{A}/{article}/comments", json={"body": "text"}, headers=reader)
    id = id_of(client, reader)
    job = erase(world.database, id)
    runner = world.runner()
    until(lambda: (runner.work(), world.read(job).progress.get("after"))[-1] is not None)
    with world.database.write() as connection:
        first = connection.scalar(select(articles.c.id).where(articles.c.external_id == "a"))
        row = connection.execute(select(comments).limit(1)).one()._asdict()
        come = {"article_id": first, "parent_id": first, "body": "text", "body_html": "text", "shown": False}
        connection.execute(comments.insert().values(**{**row, **come, "status": "pending"}))
    world.run(job, runner)
    no_trace(world.database, world.hot, id, ["text"])


class BreakingHot(Hot):
    """Its first walk breaks off half way."""

    def __init__(self, hot: Hot) -> None:
        self.__dict__ |= hot.__dict__
        self.broken = False
        self._calls = 0

    def primaries(self) -> list[Server]:
        servers = super().primaries()
        if not self.broken:
            servers[0] = Server(servers[0].client)
            servers[0].send = self._send  # type: ignore[method-assign]
        return servers

    def _send(self, command: Any) -> Any:
        self._calls += 1
        if self._calls == 10:
            self.broken = True
            raise redis.TimeoutError
        return super().primaries()[0].send(command)


def test_erasing_at_once_is_one_job(world: World) -> None:
    ann = world.new_reader()
    together = threading.Barrier(6)
    found = []

    def ask() -> None:
        together.wait()
        found.append(erase(world.database, ann))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_erasing_again_is_the_same_job_until_it_is_over_and_harmless_then(world: World) -> None:
    world.put_articles("a")
    ann = world.new_reader()
    world.choose(ann, "a", "happy")
    first = erase(world.database, ann)
    assert erase(world.database, ann) == first
    world.run(first, world.runner())
    second = erase(world.database, ann)
    assert second != first
    world.run(second, world.runner())
    no_trace(world.database, world.hot, ann)


def test_while_redis_is_down_text_goes_and_choices_wait(
    world: World,
    client: FlaskClient,
    reader: Headers,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(erasing, "PAGE", 1)
    client.put(f"{A}/a/reaction", json={"mood": "happy"}, headers=reader)
    for article in "ab":
        client.post(f"{A}/{article}/comments", json={"body": "text"}, headers=reader)
        assert "text" in client.get(f"{A}/{article}/footer").text  # a rendered page
    id = id_of(client, reader)
    world.flush()
    job = erase(world.database, id)
    away = World(replace(settings, redis_url=f"unix://{tmp_path}/no.sock"), world.database)
    runner = away.runner()

    def text_is_gone() -> bool:
        runner.work()
        with world.database.read() as connection:
            return connection.scalar(select(func.count()).where(comments.c.body != "")) == 0

    until(text_is_gone)
    until(lambda: not runner.work() and world.read(job).error == "The live counts can't be reached.")
    assert world.read(job).faults == 0
    world.run(job, world.runner())
    for article in "ab":
        assert "text" not in client.get(f"{A}/{article}/footer").text
    no_trace(world.database, world.hot, id)
