"""Readers who react, vote and comment under two names all the time, and remember what was accepted."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from engagement.settings import Settings
from engagement.worker.loop import Worker

MOODS = ["happy", "sad", "angry", None]
VALUES = [1, 0, -1]
Headers = dict[str, str]


class LiveMerging:
    """`with live:` readers choose, each under one name, and vote on the comments of `old`; workers work.

    `under`: reader's number → the name that they use.
    """

    def __init__(
        self,
        app: Flask,
        readers: list[Headers],
        under: Callable[[int], str],
        comments: list[str],
        *,
        workers: int,
        settings: Settings,
    ) -> None:
        self.moods: dict[int, str | None] = {}
        self.votes: dict[tuple[int, str], int] = {}
        self.posted: list[str] = []
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.faults: list[Any] = []
        self._app, self._settings = app, settings
        self._under, self._comments = under, comments
        self._stop = threading.Event()
        self._before = threading.excepthook
        self._threads = [self._thread(self._live, n, who) for n, who in enumerate(readers)]
        self._threads += [self._thread(self._work) for _ in range(workers)]

    def chosen(self) -> int:
        """How many choices and comments were taken."""
        return sum(count for (_, status), count in list(self.statuses.items()) if status in (200, 201))

    def up_and_down(self, comment: str) -> tuple[int, int]:
        """The votes on a comment in the end."""
        votes = Counter(value for (_, on), value in self.votes.items() if on == comment)
        return votes[1], votes[-1]

    def __enter__(self) -> None:
        threading.excepthook = lambda args: self.faults.append(args.exc_value)
        for thread in self._threads:
            thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        threading.excepthook = self._before

    def _thread(self, target: Callable[..., None], *args: Any) -> threading.Thread:
        return threading.Thread(target=target, args=args)

    def _live(self, number: int, who: Headers) -> None:
        client, random = self._app.test_client(), Random(number)
        path = f"/v1/demo/articles/{self._under(number)}"
        turn = 0
        while not self._stop.is_set():
            turn += 1
            what = random.random()
            if what < 0.4:
                self._react(client, path, number, who, random.choice(MOODS))
            elif what < 0.9:
                comment, value = random.choice(self._comments), random.choice(VALUES)
                vote = f"/v1/demo/articles/old/comments/{comment}/vote"
                status = client.put(vote, json={"value": value}, headers=who).status_code
                self.statuses["vote", status] += 1
                if status == 200:
                    self.votes[number, comment] = value
            else:
                answer = client.post(f"{path}/comments", json={"body": f"{number} says {turn}"}, headers=who)
                self.statuses["post", answer.status_code] += 1
                if answer.status_code == 201:
                    self.posted.append(answer.json["id"])  # type: ignore[index]

    def _react(self, client: FlaskClient, path: str, number: int, who: Headers, mood: str | None) -> None:
        path += "/reaction"
        if mood is None:
            status = client.delete(path, headers=who).status_code
        else:
            status = client.put(path, json={"mood": mood}, headers=who).status_code
        self.statuses["mood", status] += 1
        if status == 200:
            self.moods[number] = mood

    def _work(self) -> None:
        worker = Worker(self._settings)
        while not self._stop.is_set():
            worker._safe_round()
