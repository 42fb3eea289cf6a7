"""Clients in parallel, and all that they found out."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from tests.chaos.clients import READER_OF_ALL, Client, Reader
from tests.chaos.history import History, Place, Post
from tests.chaos.line import Address
from tests.waiting import until


@dataclass(slots=True)
class Load:
    """What all clients share, and what they found out. Times are on the clock `now`."""

    addresses: Sequence[Address]
    seed: int
    articles: Sequence[str]
    now: Callable[[], float] = time.monotonic
    does: Sequence[Mapping[str, int]] = (READER_OF_ALL,) * 32
    """One for each client."""
    readers: int = 2
    """Of each client."""
    pause: float = 0.02
    """Seconds at most between two requests of a client."""
    lossy: bool = False
    """May a store lose readers and comments meanwhile?"""
    forgetful: bool = False
    """May a store lose choices meanwhile?"""
    faults: list[str] = field(default_factory=list)
    """Answers that should not have been."""
    comments: dict[str, list[str]] = field(default_factory=dict)
    """Article → the comments that were acknowledged."""
    clients: list[Client] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Clients at work, each as soon as it has its readers."""
        self.comments = {article: [] for article in self.articles}
        self.clients = [Client(n, self, does) for n, does in enumerate(self.does)]
        for client in self.clients:
            client.start()
        try:
            until(lambda: all(client.ready.is_set() for client in self.clients), within=60)
            yield
        finally:
            self.over.set()
            for client in self.clients:
                client.join()

    @property
    def histories(self) -> dict[tuple[Place, UUID], History]:
        return {key: history for client in self.clients for key, history in client.histories.items()}

    @property
    def posts(self) -> list[Post]:
        return [post for client in self.clients for post in client.posts]

    @property
    def people(self) -> list[Reader]:
        return [reader for client in self.clients for reader in client.readers]

    @property
    def acknowledged(self) -> int:
        """Writes so far."""
        return sum(client.answers["acknowledged"] for client in self.clients)

    @property
    def answers(self) -> Counter[str]:
        """How often writes were acknowledged, refused (4xx), unavailable (503), unknown; and the reads."""
        return sum((client.answers for client in self.clients), Counter())

    @property
    def longest(self) -> tuple[float, str]:
        """The longest that any request took (seconds), and which."""
        return max((client.longest for client in self.clients), default=(0.0, ""))
