"""Readers that react in parallel and remember what was accepted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import requests

from engagement import clock
from engagement.readers.tokens import Token, Tokens

MOODS = ["happy", "sad", "angry", "dont_care", "inspired", "afraid", "amused", "annoyed", None]


@dataclass
class Load:
    """`clients` threads that make `moves` random moves of mood in all, each reader by one client only."""

    url: str
    secret_key: str
    readers: int
    moves: int
    clients: int
    articles: list[str]
    seed: int = 1
    accepted: dict[tuple[str, UUID], str | None] = field(default_factory=dict)
    answers: Counter[int | str] = field(default_factory=Counter)
    done: int = 0

    def run(self, meanwhile: Callable[[], None]) -> None:
        """Until every move is accepted; `meanwhile` runs beside."""
        tokens = Tokens(self.secret_key, 3_600)
        people = [clock.new_id() for _ in range(self.readers)]
        headers = {id: {"Authorization": f"Bearer {tokens.sign(Token('demo', id))}"} for id in people}
        lock = threading.Lock()

        def react(number: int) -> None:
            random = Random(self.seed * 1_000 + number)
            mine = people[number :: self.clients]
            with requests.Session() as session:
                for _ in range(self.moves // self.clients):
                    reader, article = random.choice(mine), random.choice(self.articles)
                    mood = random.choice(MOODS)
                    answer = self._move(session, article, mood, headers[reader])
                    with lock:
                        self.answers[answer] += 1
                        self.accepted[article, reader] = mood
                        self.done += 1

        threads = [threading.Thread(target=react, args=(n,)) for n in range(self.clients)]
        for thread in threads:
            thread.start()
        meanwhile()
        for thread in threads:
            thread.join()

    def _move(
        self, session: requests.Session, article: str, mood: str | None, headers: dict[str, str]
    ) -> int:
        """The same move until it is accepted: refused, it changed nothing; unknown, it may be sent again."""
        url = f"{self.url}/v1/demo/articles/{article}/reaction"
        until = time.monotonic() + 60
        while True:
            try:
                if mood is None:
                    answer = session.delete(url, headers=headers, timeout=20)
                else:
                    answer = session.put(url, json={"mood": mood}, headers=headers, timeout=20)
            except requests.RequestException:
                self.answers["unknown"] += 1
            else:
                if answer.status_code == 200:
                    return answer.status_code
                assert answer.status_code == 503, answer.text
                self.answers[503] += 1
            assert time.monotonic() < until, "a move is never accepted"
            time.sleep(0.02)

    def expected(self, article: str) -> dict[str, int]:
        """Readers by their last accepted mood."""
        return dict(Counter(mood for (of, _), mood in self.accepted.items() if of == article and mood))
