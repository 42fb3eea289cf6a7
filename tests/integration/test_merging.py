"""Merging articles and undoing it, on real stores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engagement.db.engine import Database
from engagement.db.jobs import MERGED
from engagement.db.tables import articles, choices, merged_moods
from engagement.errors import Invalid, NotFound
from engagement.hot.keys import MOOD
from engagement.readers.erasing import erase
from engagement.settings import Settings
from engagement.sites.merging import begin, listed, undo
from engagement.verify import verify
from engagement.worker.jobs import carrying, merging, moving
from engagement.worker.loop import Worker
from tests.jobs_world import Crash, World
from tests.kinds import AnyRedis
from tests.live_merging import LiveMerging
from tests.traces import no_trace
from tests.waiting import until

A = "/v1/demo/articles"
Headers = dict[str, str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing stays in the ledger once SQL has it."""
    return replace(settings, ledger_keep=0.0)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is something between them."""
    monkeypatch.setattr(carrying, "PAGE", 2)
    monkeypatch.setattr(moving, "PAGE", 5)
    monkeypatch.setattr(merging, "BALLOTS", 2)


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


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_steps")
def test_a_merge_under_live_reactions_votes_and_comments_is_exact(
    app: Flask, client: FlaskClient, new_reader: Callable[..., Headers], settings: Settings, world: World
) -> None:
    """Readers under either name go on before it, meanwhile and after it; two workers do the job."""
    quiet = [new_reader() for _ in range(30)]
    ids = [post(client, "old", f"comment {n}", quiet[0]) for n in range(5)]
    ids += [post(client, "old", f"answer {n}", quiet[1], parent_id=ids[n]) for n in range(3)]
    for n, reader in enumerate(quiet):  # a third of them has a mood on both
        react(client, "old", reader, "inspired")
        if n % 3 == 0:
            react(client, "new", reader, "afraid")
        vote(client, "old", ids[n % len(ids)], reader, 1)
    live = LiveMerging(
        app, [new_reader() for _ in range(6)], lambda n: ("old", "new")[n % 2], ids,
        workers=2, settings=settings,
    )  # fmt: skip
    with live:
        until(lambda: live.chosen() > 60)
        job = begin(world.database, "demo", "old", "new")
        until(lambda: not world.read(job).running)
        after = live.chosen()
        until(lambda: live.chosen() > after + 60)
    assert live.faults == []
    assert {status for _, status in live.statuses} <= {200, 201, 503}, live.statuses
    assert Worker(settings).drain()
    expected = Counter(mood for mood in live.moods.values() if mood)
    expected += Counter({"inspired": 20, "afraid": 10})
    assert moods(client, "new") == moods(client, "old") == expected
    shown = {item["id"]: item for item in every_comment(client, "old")}
    assert shown.keys() == {*ids, *live.posted}
    for n, id in enumerate(ids):
        up, down = live.up_and_down(id)
        up += len([m for m in range(len(quiet)) if m % len(ids) == n])
        assert shown[id]["votes"] == {"up": up, "down": down, "score": up - down}
    assert client.get(f"{A}/new/footer").json["counts"]["comments"] == len(shown)  # type: ignore[index]
    assert verify(world.database, world.hot).differences == []
    nothing_is_left_of(world, job)


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


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_steps")
def test_an_undoing_under_live_reactions_votes_and_comments_loses_and_doubles_nothing(
    app: Flask, client: FlaskClient, new_reader: Callable[..., Headers], settings: Settings, world: World
) -> None:
    quiet, live_readers = [new_reader() for _ in range(30)], [new_reader() for _ in range(6)]
    ids = [post(client, "old", f"comment {n}", quiet[0]) for n in range(5)]
    for n, reader in enumerate(quiet):
        react(client, "old", reader, "inspired")
        if n % 3 == 0:
            react(client, "new", reader, "afraid")
        vote(client, "old", ids[n % len(ids)], reader, 1)
    for reader in live_readers:
        react(client, "old", reader, "amused")
    worker = Worker(settings)
    work(worker, world, begin(world.database, "demo", "old", "new"))
    for n, reader in enumerate(quiet):  # of those whose mood was moved, half have changed it since
        if n % 3 == 1:
            react(client, "old", reader, "annoyed")
    live = LiveMerging(app, live_readers, lambda n: ("old", "new")[n % 2], ids, workers=2, settings=settings)
    with live:
        until(lambda: live.chosen() > 60)
        job = undo(world.database, "demo", "old")
        until(lambda: not world.read(job).running)
        after = live.chosen()
        until(lambda: live.chosen() > after + 60)
    assert live.faults == []
    assert {status for _, status in live.statuses} <= {200, 201, 409, 503}, live.statuses
    assert Worker(settings).drain()
    here, there = chosen_on(world, "new"), chosen_on(world, "old")
    for n, reader in enumerate(quiet):
        mine = id_of(client, reader)
        assert there[mine] == "inspired"
        assert here.get(mine) == ("afraid", "annoyed", None)[n % 3]
    for n, reader in enumerate(live_readers):
        mine = id_of(client, reader)
        if n % 2:  # under the name of the article that stays: what they said last stands there
            assert here.get(mine) == live.moods[n]
            assert there[mine] == "amused"
        else:
            assert there.get(mine) == live.moods[n]
    shown = {item["id"]: item for item in every_comment(client, "old")}
    assert shown.keys() >= {*ids}
    there_ids = {item["id"] for item in every_comment(client, "new")}
    assert {*ids, *live.posted} == shown.keys() | there_ids
    assert not shown.keys() & there_ids
    for n, id in enumerate(ids):
        up, down = live.up_and_down(id)
        up += len([m for m in range(len(quiet)) if m % len(ids) == n])
        assert shown[id]["votes"] == {"up": up, "down": down, "score": up - down}
    assert verify(world.database, world.hot).differences == []
    nothing_is_left_of(world, job)


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


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_steps")
def test_a_crash_before_any_call_of_a_store_leaves_a_merge_that_goes_on_and_so_it_is_with_its_undoing(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    """The nth worker ends before its nth call; readers choose in between, and the next worker takes over."""
    quiet, live = [new_reader() for _ in range(7)], new_reader()
    ids = [post(client, "old", f"comment {n}", quiet[0]) for n in range(3)]
    ids.append(post(client, "old", "an answer", quiet[1], parent_id=ids[0]))
    for n, reader in enumerate(quiet):
        react(client, "old", reader, "sad")
        vote(client, "old", ids[n % 4], reader, 1)
    react(client, "new", quiet[0], "angry")
    react(client, "old", live, "happy")
    worker.drain()
    last: list[str | None] = ["happy"]

    def run(job: UUID) -> int:
        crashes = 0
        for n in range(1, 1_000):
            try:
                world.run(job, world.runner(crash_at=n))
                break
            except Crash:
                crashes += 1
            mood = ("afraid", None, "amused")[n % 3]
            path = f"{A}/old/reaction"
            if mood is None:
                status = client.delete(path, headers=live).status_code
            else:
                status = client.put(path, json={"mood": mood}, headers=live).status_code
            assert status in (200, 503)
            if status == 200:
                last[0] = mood
        return crashes

    assert run(begin(world.database, "demo", "old", "new")) > 10
    worker.drain()
    assert verify(world.database, world.hot).differences == []
    expected = Counter({"sad": 6, "angry": 1}) + Counter([mood for mood in last if mood])
    assert moods(client, "new") == expected
    votes = {item["id"]: item["votes"]["up"] for item in every_comment(client, "new")}
    assert votes == {ids[0]: 2, ids[1]: 2, ids[2]: 2, ids[3]: 1}
    merged = last[0]
    job = undo(world.database, "demo", "old")
    assert run(job) > 10
    worker.drain()
    assert verify(world.database, world.hot).differences == []
    nothing_is_left_of(world, job)
    votes = {item["id"]: item["votes"]["up"] for item in every_comment(client, "old")}
    assert votes == {ids[0]: 2, ids[1]: 2, ids[2]: 2, ids[3]: 1}
    there = chosen_on(world, "old")
    mine = there.pop(id_of(client, live), None)
    assert set(there.values()) == {"sad"}
    assert len(there) == 7
    assert mine in {last[0], merged, "happy", "afraid", "amused"}
    here = chosen_on(world, "new")
    here.pop(id_of(client, live), None)
    assert here == {id_of(client, quiet[0]): "angry"}
    with world.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(merged_moods)) == 0


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_steps")
def test_a_redis_that_is_emptied_in_the_middle_of_a_merge_takes_no_choice_with_it(
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    worker: Worker,
    world: World,
    redis_server: AnyRedis,
) -> None:
    world.put_articles("new")
    readers = [new_reader() for _ in range(12)]
    comment = post(client, "old", "comment", readers[0])
    for reader in readers:
        react(client, "old", reader, "sad")
        vote(client, "old", comment, reader, 1)
    worker.drain()
    for begun in (begin, lambda *names: undo(*names[:3])):
        job = begun(world.database, "demo", "old", "new")
        runner = world.runner()
        versions = iter(range(1_000))
        while world.read(job).running and next(versions) < 200:
            world.flush()
            runner.work()
            world.flush()
            if world.read(job).version % 3 == 0:
                redis_server.flush()
        work(worker, world, job)
        on = "new" if begun is begin else "old"
        assert moods(client, on) == {"sad": 12}
        (item,) = every_comment(client, on)
        assert item["votes"]["up"] == 12
        assert verify(world.database, world.hot).differences == []
        nothing_is_left_of(world, job)


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
        until(lambda: moods(client, "old") == {"sad": 1})
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
        until(lambda article=article: moods(client, article) == {"sad": 3})  # type: ignore[misc]
        assert client.get(f"{A}/{article}/footer").json["article"]["id"] == "c"  # type: ignore[index]
        assert len(every_comment(client, article)) == 3
    with pytest.raises(Invalid, match="valid"):
        undo(world.database, "demo", "a")
    for article in "ba":
        work(worker, world, undo(world.database, "demo", article))
    for article in "abc":
        until(lambda article=article: moods(client, article) == {"sad": 1})  # type: ignore[misc]
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
    until(lambda: client.get(f"{A}/old/footer").json["article"]["id"] == "old")  # type: ignore[index]
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
    until(lambda: client.get(f"{A}/old/footer").json["article"]["id"] == "new")  # type: ignore[index]
    assert post(client, "old", "comment", key) == first
    assert client.get(f"{A}/old/comments/{first}").status_code == 200


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small_steps")
def test_a_reader_who_is_erased_in_the_middle_of_a_merge_leaves_nothing(
    client: FlaskClient, new_reader: Callable[..., Headers], worker: Worker, world: World
) -> None:
    for steps in range(1, 12, 2):
        ann, ben = new_reader(name="Ann"), new_reader()
        old, new = f"old{steps}", f"new{steps}"
        ids = [post(client, old, f"{n} of Ann", ann) for n in range(3)]
        post(client, old, "of Ben", ben, parent_id=ids[0])
        react(client, new, ben, "sad")
        for reader in (ann, ben):
            react(client, old, reader, "sad")
            vote(client, old, ids[1], reader, 1)
        worker.drain()
        id = id_of(client, ann)
        job = begin(world.database, "demo", old, new)
        runner = world.runner()
        while world.read(job).running and world.read(job).version < steps:
            world.flush()
            runner.work()
        erasure = erase(world.database, id)
        for each in (erasure, job):
            work(worker, world, each)
        assert moods(client, new) == {"sad": 1}
        no_trace(world.database, world.hot, id)
        job = undo(world.database, "demo", old)
        work(worker, world, job)
        until(lambda old=old: moods(client, old) == {"sad": 1})  # type: ignore[misc]
        no_trace(world.database, world.hot, id)


@pytest.mark.timeout(600)
def test_a_merge_outlives_workers_that_are_killed(world: World, settings: Settings) -> None:
    """SIGKILL, whenever a worker has come a little further."""
    world.put_articles("old", "new")
    readers = [world.new_reader() for _ in range(2_000)]
    world.store({reader: {"old": "happy"} for reader in readers[:1_500]})
    world.store({reader: {"new": "sad"} for reader in readers[1_000:]})
    given = ("database_url", "redis_url", "secret_key", "ledger_keep")
    environment = {f"ENGAGEMENT_{name.upper()}": str(getattr(settings, name)) for name in given}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "engagement", "worker"],
            env={**os.environ, **environment},
            stderr=subprocess.DEVNULL,
        )

    job = begin(world.database, "demo", "old", "new")
    for _ in range(2):
        for _ in range(3):
            version = world.read(job).version
            process = start()
            try:
                until(lambda v=version: world.read(job).version > v + 1)  # type: ignore[misc]
            finally:
                process.kill()
                process.wait()
        process = start()
        until(lambda: not world.read(job).running)
        process.terminate()
        assert process.wait(60) == 0
        if world.read(job).state == MERGED:
            assert world.tally("new") == {"happy": 1_000, "sad": 1_000}
            undo(world.database, "demo", "old")
    assert (world.tally("old"), world.tally("new")) == ({"happy": 1_500}, {"sad": 1_000})
    assert verify(world.database, world.hot).differences == []
