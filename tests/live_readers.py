"""Readers who react and vote all the time, in threads, and remember what was accepted."""

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
Headers = dict[str, str]


class LiveReaders:
    """`with live:` they choose on four articles, and vote on one comment of the first; workers work.

    `devices` are of one reader, who goes on until each of them is refused for good; `others` until the end.
    """

    articles = ("a0", "a1", "a2", "a3")

    def __init__(
        self,
        app: Flask,
        comment: str,
        *,
        devices: list[Headers],
        others: list[Headers],
        workers: int,
        settings: Settings,
    ) -> None:
        self.refused: list[int] = []
        self.faults: list[Any] = []
        self._app = app
        self._vote = f"/v1/demo/articles/a0/comments/{comment}/vote"
        self._settings = settings
        self._last: dict[tuple[int, str], Any] = {}
        self._stop = threading.Event()
        self._before = threading.excepthook
        self._threads = [self._thread(self._until_refused, n, who) for n, who in enumerate(devices)]
        self._threads += [self._thread(self._to_the_end, n, who) for n, who in enumerate(others, 100)]
        self._threads += [self._thread(self._work) for _ in range(workers)]

    def moods(self, article: str) -> dict[str, int]:
        """What the others have chosen in the end."""
        return dict(Counter(mood for (_, what), mood in self._last.items() if what == article and mood))

    def votes(self) -> tuple[int, int]:
        """Up and down of the others in the end."""
        votes = Counter(value for (_, what), value in self._last.items() if what == "vote")
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

    def _until_refused(self, seed: int, who: Headers) -> None:
        device, random = self._app.test_client(), Random(seed)
        status = 200
        while status in (200, 503, 409) and not self._stop.is_set():  # 409: the comment is taken back
            status = self._choose(device, random, who)[2]
        self.refused.append(status)

    def _to_the_end(self, seed: int, who: Headers) -> None:
        device, random = self._app.test_client(), Random(seed)
        while not self._stop.is_set():
            what, chosen, status = self._choose(device, random, who)
            assert status in (200, 503) or (what, status) == ("vote", 409)  # once the comment is taken back
            if status == 200:
                self._last[seed, what] = chosen

    def _choose(self, device: FlaskClient, random: Random, who: Headers) -> tuple[str, Any, int]:
        if random.random() < 0.3:
            value = random.choice([1, 0, -1])
            return "vote", value, device.put(self._vote, json={"value": value}, headers=who).status_code
        article, mood = random.choice(self.articles), random.choice(MOODS)
        path = f"/v1/demo/articles/{article}/reaction"
        if mood is None:
            return article, None, device.delete(path, headers=who).status_code
        return article, mood, device.put(path, json={"mood": mood}, headers=who).status_code

    def _work(self) -> None:
        worker = Worker(self._settings)
        while not self._stop.is_set():
            worker._safe_round()
