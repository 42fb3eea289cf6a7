"""A walk through a list to its end shows each comment once, whatever votes and comments arrive meanwhile."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engagement import clock
from engagement.comments import walking
from engagement.comments.once import Draft
from engagement.comments.ranking import ORDERS, VOTE_KEYS, sort_keys
from engagement.comments.writing import Writing
from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.hot import walks
from engagement.hot.connection import Hot
from engagement.hot.keys import VOTE, Ballot
from engagement.hot.protocol import choosing
from engagement.readers.caller import Caller
from engagement.settings import Settings
from engagement.sites.service import Sites
from engagement.worker.loop import Worker
from tests.filling import add_reader, fill

A = "/v1/demo/articles/story"
Headers = dict[str, str]
COMMENTS = int(os.environ.get("WALK_COMMENTS", "1000"))
"""Of the walks under load; 10,000 take some minutes."""
VOTERS, POSTERS = 16, 4
MOVING = [key for key, order in ORDERS.items() if order.moves]


def pages(client: FlaskClient, sort: str, limit: int = 50, place: str = "comments") -> Iterator[Any]:
    """Page after page."""
    path = f"{A}/{place}?sort={sort}&limit={limit}"
    cursor = None
    while True:
        answer = client.get(path + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status_code == 200, answer.text
        yield answer.json
        cursor = answer.json["next_cursor"]  # type: ignore[index]
        if cursor is None:
            return


def ids(walked: Any) -> list[UUID]:
    return [UUID(item["id"]) for item in walked["items"]]


class Crowd:
    """Voters, posters and a worker."""

    def __init__(
        self, app: Flask, settings: Settings, database: Database, hot: Hot, roots: list[UUID]
    ) -> None:
        self._writing: Writing = app.extensions["engagement.writing"]
        self._sites: Sites = app.extensions["engagement.sites"]
        self._settings, self._hot, self._roots = settings, hot, roots
        self._readers = [add_reader(database) for _ in range(POSTERS)]
        self._numbers = count()
        self._stop = threading.Event()
        self.votes = self.posts = 0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Until the end of the block; what goes wrong in a thread fails the test (pytest looks)."""
        threads = [threading.Thread(target=self._vote, args=(n,)) for n in range(VOTERS)]
        threads += [threading.Thread(target=self._post, args=(reader,)) for reader in self._readers]
        threads.append(threading.Thread(target=self._work))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _vote(self, seed: int) -> None:
        random = Random(seed)
        while not self._stop.wait(0.05):  # the walk has a turn, too
            ballot = Ballot("demo", "story", VOTE, str(random.choice(self._roots)))
            choice = random.choice(["up", "down", ""])
            self._hot.play(choosing(ballot, clock.new_id().bytes, choice, "net", 10**9))
            self.votes += 1

    def _post(self, reader: UUID) -> None:
        site = self._sites.site("demo")
        while not self._stop.wait(0.1):
            text = f"new {next(self._numbers)}"
            self._writing.post(site, "story", Caller(reader, "net"), Draft(text))
            self.posts += 1

    def _work(self) -> None:
        worker = Worker(self._settings)
        while not self._stop.wait(0.1):
            worker.round()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("sort", ORDERS)
def test_a_walk_under_votes_and_new_comments_shows_each_comment_once(
    app: Flask, client: FlaskClient, settings: Settings, database: Database, hot: Hot, sort: str
) -> None:
    roots = list(fill(database, "demo", "story", COMMENTS))
    crowd = Crowd(app, settings, database, hot, roots)
    with crowd.at_work():
        walked = Counter(id for page in pages(client, sort) for id in ids(page))
    assert [id for id, times in walked.items() if times > 1] == []
    assert set(roots) - set(walked) == set()
    assert crowd.votes > 0
    assert crowd.posts > 0


@pytest.mark.parametrize("sort", MOVING)
def test_a_list_is_in_its_order_and_equal_ones_newest_first(
    client: FlaskClient, database: Database, sort: str
) -> None:
    fill(database, "demo", "story", 130, replies=0.5)
    shown = [id for page in pages(client, sort, 20) for id in ids(page)]
    column = ORDERS[sort].column
    assert column is not None
    c = comments.c
    with database.read() as connection:
        wanted = connection.scalars(
            select(c.id).where(c.parent_id == c.article_id).order_by(c[column].desc(), c.id.desc())
        ).all()
    assert shown == list(wanted)


@pytest.mark.parametrize("sort", MOVING)
def test_what_votes_push_about_is_neither_repeated_nor_left_out(
    client: FlaskClient, database: Database, sort: str
) -> None:
    roots = fill(database, "demo", "story", 60)
    walk = pages(client, sort, 20)
    shown = ids(next(walk))
    with database.write() as connection:  # the first page sinks, everything else is turned round
        for rank, id in enumerate([*shown, *(id for id in roots if id not in shown)]):
            keys = dict(zip(VOTE_KEYS, (rank, rank / 60, float(rank), float(rank)), strict=True))
            row = update(comments).where(comments.c.id == id)
            connection.execute(row.values(**keys, reply_count=rank))
    rest = [id for page in walk for id in ids(page)]
    assert len({*shown, *rest}) == len(shown) + len(rest) == 60


@pytest.mark.every_redis
def test_what_came_after_a_shared_list_was_made_follows_at_its_end(
    client: FlaskClient, database: Database, reader: Headers
) -> None:
    fill(database, "demo", "story", 50)
    first = [id for page in pages(client, "top", 20) for id in ids(page)]
    posted: Any = client.post(f"{A}/comments", json={"body": "late"}, headers=reader).json
    second = [id for page in pages(client, "top", 20) for id in ids(page)]
    assert sorted(second) == sorted([*first, UUID(posted["id"])])


@pytest.mark.every_redis
def test_past_the_longest_list_the_rest_follows_by_age(
    client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (walks, walking):
        monkeypatch.setattr(module, "LONGEST", 30)
    monkeypatch.setattr("engagement.comments.listing.FEW", 3)
    roots = fill(database, "demo", "story", 100)
    shown = [id for page in pages(client, "top", 20) for id in ids(page)]
    assert sorted(shown) == sorted(roots)
    assert shown[50:] == sorted(shown[50:], reverse=True)


def test_a_list_that_is_gone_ends_the_walk_and_does_not_begin_it_again(
    client: FlaskClient, database: Database, hot: Hot
) -> None:
    fill(database, "demo", "story", 60)
    walk = pages(client, "best", 20)
    next(walk)
    second = next(walk)
    hot.client.flushall()
    answer = client.get(f"{A}/comments?sort=best&limit=20&cursor={second['next_cursor']}")
    assert (answer.status_code, answer.json["type"]) == (410, "urn:engagement:problem:expired")  # type: ignore[index]


def test_a_cursor_is_of_one_order(client: FlaskClient, database: Database) -> None:
    fill(database, "demo", "story", 60)
    cursor = next(pages(client, "best", 20))["next_cursor"]
    for sort in ("top", "newest"):
        assert client.get(f"{A}/comments?sort={sort}&cursor={cursor}").status_code == 400


@pytest.mark.parametrize("sort", ORDERS)
def test_pinned_comments_come_first_and_once(client: FlaskClient, database: Database, sort: str) -> None:
    roots = fill(database, "demo", "story", 60)
    pinned = [roots[7], roots[33]]
    with database.write() as connection:
        connection.execute(update(comments).where(comments.c.id.in_(pinned)).values(pinned=True))
    shown = [id for page in pages(client, sort, 20) for id in ids(page)]
    assert shown[:2] == [roots[33], roots[7]]
    assert sorted(shown) == sorted(roots)


@pytest.mark.parametrize("sort", ORDERS)
def test_replies_are_walked_in_every_order(client: FlaskClient, database: Database, sort: str) -> None:
    (root,) = fill(database, "demo", "story", 1)
    answers = fill(database, "demo", "story", 70)
    with database.write() as connection:
        moved = update(comments).where(comments.c.id.in_(answers))
        connection.execute(moved.values(parent_id=root, depth=1))
    shown = [id for page in pages(client, sort, 20, f"comments/{root}/replies") for id in ids(page)]
    assert sorted(shown) == sorted(answers)
    if ORDERS[sort].moves:
        assert shown != sorted(shown)


def test_the_flush_stores_what_the_pure_functions_say(
    client: FlaskClient,
    new_reader: Callable[..., Headers],
    reader: Headers,
    database: Database,
    worker: Worker,
) -> None:
    """For a grid of votes."""
    voters = [new_reader() for _ in range(5)]
    wanted = {}
    for up in range(4):
        for down in range(3):
            posted: Any = client.post(f"{A}/comments", json={"body": f"{up} {down}"}, headers=reader).json
            for n, voter in enumerate(voters[: up + down]):
                vote = {"value": 1 if n < up else -1}
                client.put(f"{A}/comments/{posted['id']}/vote", json=vote, headers=voter)
            wanted[UUID(posted["id"])] = (up, down)
    assert worker.drain()
    with database.read() as connection:
        for row in connection.execute(select(comments)):
            keys = sort_keys(*wanted[row.id], row.created_at, clock.now())
            assert (row.up, row.down) == wanted[row.id]
            assert tuple(row._mapping[name] for name in VOTE_KEYS) == pytest.approx(keys, abs=1e-9)
