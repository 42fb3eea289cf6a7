"""Rejecting while readers post, vote and read: gone from every answer by the time that it is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from engagement.app import create_app
from engagement.db.engine import Database
from engagement.db.tables import comments
from engagement.hot.connection import Hot
from engagement.moderation.log.service import ModerationLog
from engagement.settings import Settings
from engagement.verify import Totals, differences
from engagement.worker.loop import Worker
from tests.moderating import ARTICLE, Newsroom
from tests.staffing import headers_of
from tests.waiting import until

REJECTED = 5
PAGES = (
    "footer",
    "comments",
    "comments?sort=newest",
    "comments?sort=oldest&limit=50",
    "footer.html",
    "feed.atom",
)


class Load:
    """`with load:` readers post, vote and read, and a worker works, until the end."""

    def __init__(
        self, app: Flask, settings: Settings, readers: list[dict[str, str]], votable: list[str]
    ) -> None:
        self.faults: list[Any] = []
        self._app, self._settings, self._votable = app, settings, votable
        self._stop = threading.Event()
        writers = [(self._write, n, who) for n, who in enumerate(readers)]
        self._threads = [threading.Thread(target=self._safely, args=one) for one in writers]
        self._threads += [threading.Thread(target=self._safely, args=(self._read, n)) for n in range(2)]
        self._threads.append(threading.Thread(target=self._safely, args=(self._work,)))

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _safely(self, play: Callable[..., None], *args: Any) -> None:
        try:
            play(*args)
        except Exception as fault:  # noqa: BLE001 - told at the end
            self.faults.append(fault)

    def _write(self, seed: int, who: dict[str, str]) -> None:
        device, random, n = self._app.test_client(), Random(seed), 0
        while not self._stop.is_set():
            if random.random() < 0.3:
                n += 1
                body = {"body": f"Meanwhile {seed} says {n}"}
                assert device.post(f"{ARTICLE}/comments", json=body, headers=who).status_code == 201
            vote = f"{ARTICLE}/comments/{random.choice(self._votable)}/vote"
            answer = device.put(vote, json={"value": random.choice([1, 0, -1])}, headers=who)
            assert answer.status_code in (200, 409), answer.text  # 409: it is rejected

    def _read(self, seed: int) -> None:
        device, random = self._app.test_client(), Random(seed)
        while not self._stop.is_set():
            assert device.get(f"{ARTICLE}/{random.choice(PAGES)}").status_code == 200

    def _work(self) -> None:
        worker = Worker(self._settings)
        while not self._stop.is_set():
            worker.round()


def test_a_rejected_comment_is_in_no_answer_any_more_and_counts_follow(
    app: Flask,
    client: FlaskClient,
    database: Database,
    hot: Hot,
    worker: Worker,
    settings: Settings,
    new_reader: Callable[..., dict[str, str]],
) -> None:
    room = Newsroom(client, database, headers_of(database, "demo", "moderator"))
    elsewhere = create_app(settings).test_client()  # another process, as far as what it remembers goes
    author = new_reader()
    posted = {room.post(author, text=f"Badword{n} stands here"): f"Badword{n} " for n in range(REJECTED)}
    for comment in list(posted)[::3]:
        room.post(author, comment)
    while worker.round().pending:
        pass

    load = Load(app, settings, [new_reader() for _ in range(2)], list(posted))
    with load:
        for comment, text in posted.items():
            before = [elsewhere.get(f"{ARTICLE}/{page}").text for page in PAGES]
            assert any(text in page for page in before)
            room.decided(comment, "reject")
            for page in PAGES:
                assert text not in elsewhere.get(f"{ARTICLE}/{page}").text, page
            assert text not in elsewhere.get("/v1/demo/feed.atom").text
            one = elsewhere.get(f"{ARTICLE}/comments/{comment}")
            assert one.status_code == 404 or one.json["comment"]["status"] == "removed"  # type: ignore[index]
    assert load.faults == []

    while worker.round().pending:
        pass
    until(lambda: list(differences(database, hot, Totals())) == [])
    with database.read() as connection:
        assert list(ModerationLog(settings.secret_key).verify(connection)) == []
    counts = elsewhere.get("/v1/demo/counts?article=a1").json["articles"]["a1"]  # type: ignore[index]
    footer = elsewhere.get(f"{ARTICLE}/footer").json["counts"]  # type: ignore[index]
    with database.read() as connection:
        approved = select(func.count()).select_from(comments).where(comments.c.status == "approved")
        assert counts["comments"] == footer["comments"] == connection.scalar(approved)
