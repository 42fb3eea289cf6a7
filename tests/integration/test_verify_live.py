"""`verify` while readers choose, vote and post, and workers flush, trim and deliver."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from engagement import clock
from engagement.db.ballots import StoredBallots
from engagement.db.engine import Database
from engagement.db.tables import article_counts, articles, choices, comments, tallies
from engagement.hot import commands
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot, ballot_keys
from engagement.hot.protocol import choosing, tallying
from engagement.settings import Settings
from engagement.verify import verify
from engagement.worker.loop import Worker

ARTICLES = ("story", "other")
MOODS = ("happy", "sad", "angry", "")
WRITES = 250
"""Of each writer."""
Headers = dict[str, str]


class Town:
    """An article or two with comments, readers who write, and what was accepted of them."""

    def __init__(self, client: FlaskClient, settings: Settings, headers: Headers) -> None:
        self._client = client
        self._headers = headers
        self.settings = replace(settings, ledger_keep=0.0)  # what is flushed is trimmed at once
        self.database = Database(settings.database_url)
        self.hot = Hot.from_settings(self.settings, StoredBallots(self.database))
        self.accepted: dict[tuple[Ballot, UUID], str] = {}
        self.comments = [self.post(article) for article in ARTICLES for _ in range(3)]

    def post(self, article: str, parent: str | None = None) -> tuple[str, str]:
        body = {"body": f"one, {clock.new_id()}"} | ({"parent_id": parent} if parent else {})
        answer = self._client.post(f"/v1/demo/articles/{article}/comments", json=body, headers=self._headers)
        assert answer.status_code == 201, answer.text
        return article, str(answer.json["id"])  # type: ignore[index]

    def write(self, seed: int) -> None:
        """Mostly choices, on few ballots; now and then a view goes, as by eviction."""
        random = Random(seed)
        for _ in range(WRITES):
            article, comment = random.choice(self.comments)
            reader = UUID(int=1_000 * seed + random.randrange(1, 20))
            if random.random() < 0.7:
                ballot, choice = Ballot("demo", article, MOOD), random.choice(MOODS)
            else:
                ballot, choice = Ballot("demo", article, VOTE, comment), random.choice(("up", "down", ""))
            self.hot.play(choosing(ballot, reader.bytes, choice, "network"))
            self.accepted[ballot, reader] = choice
            if random.random() < 0.02:
                self.hot.execute(commands.forget_view(ballot))

    def talk(self) -> None:
        """Threads and replies."""
        for n in range(WRITES // 5):
            self.post(*(self.comments[n % 6] if n % 2 else (self.comments[n % 6][0],)))

    @contextmanager
    def life(self, *more: Callable[[], None]) -> Iterator[Callable[[], bool]]:
        """Writers and two workers at work; answers whether writers still are."""
        stop = threading.Event()
        failed: list[BaseException] = []

        def guarded(work: Callable[[], None]) -> None:
            try:
                work()
            except BaseException as error:
                failed.append(error)
                raise

        def flush() -> None:
            worker = Worker(self.settings)
            while not stop.is_set():
                worker.round()
                stop.wait(0.002)

        writing: list[Callable[[], None]] = [lambda: self.write(1), lambda: self.write(2), self.talk, *more]
        writers = [threading.Thread(target=guarded, args=(work,)) for work in writing]
        workers = [threading.Thread(target=guarded, args=(flush,)) for _ in range(2)]
        with ExitStack() as stack:
            for thread in (*workers, *writers):
                thread.start()
            for thread in workers:
                stack.callback(thread.join, 60)
            stack.callback(stop.set)
            for thread in writers:
                stack.callback(thread.join, 60)
            yield lambda: any(thread.is_alive() for thread in writers)
        assert failed == []

    def settled(self) -> None:
        """Everything is stored, agrees, and is what was accepted."""
        assert Worker(self.settings).drain()
        assert verify(self.database, self.hot).differences == []
        with self.database.read() as connection:
            rows = connection.execute(
                select(articles.c.external_id, choices.c.kind, choices.c.subject_id, choices.c.reader_id,
                       choices.c.choice).join(articles, articles.c.id == choices.c.article_id)
            ).all()  # fmt: skip
        assert {
            (Ballot("demo", name, kind, "" if kind == MOOD else str(subject)), reader): choice
            for name, kind, subject, reader, choice in rows
        } == {voter: choice for voter, choice in self.accepted.items() if choice}


@pytest.fixture
def town(client: FlaskClient, settings: Settings, reader: Headers) -> Iterator[Town]:
    town = Town(client, settings, reader)
    yield town
    town.database.close()


@pytest.mark.every_redis
def test_a_live_system_gives_no_false_alarm(town: Town) -> None:
    found: list[Any] = []
    with town.life() as goes_on:
        looks = 0
        while goes_on() or looks < 5:
            found += verify(town.database, town.hot).differences
            looks += 1
    assert found == []
    town.settled()


def test_a_repair_beside_all_that_goes_on_repairs_what_is_planted_and_nothing_else(town: Town) -> None:
    planted = ("tally", "votes", "comments", "threads", "replies", "view")
    found: set[str] = set()
    rounds = 0
    with town.life() as goes_on:
        while goes_on() or not found >= set(planted):
            plant(town, planted[rounds % len(planted)])
            report = verify(town.database, town.hot, repair=True)
            assert report.totals.left == 0
            found |= {difference.what for difference in report.differences}
            rounds += 1
            assert rounds < 200
    town.settled()


def plant(town: Town, what: str) -> None:
    """A figure that is wrong; on a live system it may be gone before anybody looks."""
    article, comment = town.comments[0]
    of_comment = comments.c.id == UUID(comment)
    changes = {
        "tally": update(tallies).values(count=tallies.c.count + 3),
        "votes": update(comments).where(of_comment).values(up=comments.c.up + 2),
        "comments": update(article_counts).values(comments=article_counts.c.comments + 1),
        "threads": update(article_counts).values(threads=article_counts.c.threads - 1),
        "replies": update(comments).where(of_comment).values(reply_count=comments.c.reply_count + 1),
    }
    if what in changes:
        with town.database.write() as connection:
            connection.execute(changes[what])
    else:
        ballot = Ballot("demo", article, MOOD)
        town.hot.play(tallying(ballot))
        town.hot.client.hincrby(ballot_keys(ballot)[0], "n:happy", 5)
