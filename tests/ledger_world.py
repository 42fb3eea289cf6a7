"""The small world of the ledger's tests: a site, two articles, a comment, six readers; plans that pause."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert

from engagement import clock
from engagement.db.engine import Database
from engagement.db.migrate import upgrade
from engagement.db.tables import article_counts, articles, comments, readers, sites
from engagement.errors import Unavailable
from engagement.hot.commands import Command
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot
from engagement.hot.protocol import Plan

READERS = [UUID(int=n) for n in range(1, 7)]
COMMENT = UUID(int=99)
BALLOTS = [Ballot("s", "a", MOOD), Ballot("s", "b", MOOD), Ballot("s", "a", VOTE, str(COMMENT))]
CHOICES = {MOOD: ["happy", "sad", "angry", ""], VOTE: ["up", "down", ""]}
REPLAY = 8


class Paused:
    """A plan that is played a need at a time."""

    def __init__(self, plan: Plan[Any], hot: Hot) -> None:
        self._plan = plan
        self._hot = hot
        self._answer: Any = None
        self._need: Any = next(plan)
        self.done = False
        self.result: Any = None

    def step(self, *, twice: bool = False) -> None:
        """Answer one need; `twice` as a driver that sends a command again."""
        try:
            if twice and isinstance(self._need, Command):
                self._hot.execute(self._need)
            answer = self._hot._answer(self._need)
            self._need = self._plan.send(answer)
        except StopIteration as stop:
            self.done, self.result = True, stop.value
        except Unavailable:
            self.done = True  # too much to replay: refused, nothing done

    def finish(self) -> None:
        while not self.done:
            self.step()


class Crash(BaseException):
    """A process that ends in the middle of a transaction."""


class CrashingDatabase(Database):
    """Writes that end before they commit."""

    def __init__(self, database: Database) -> None:
        self.__dict__ |= database.__dict__

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            yield connection
            raise Crash


def fill(url: str) -> None:
    """Make the empty database at `url` hold the world."""
    upgrade(url)
    database = Database(url)
    with database.write() as connection:
        now = clock.now()
        connection.execute(
            insert(sites).values(key="s", name="s", origins=[], articles="known", created_at=now)
        )
        connection.execute(insert(readers), [{"id": r, "site": "s", "created_at": now} for r in READERS])
        for n, name in enumerate("ab"):
            connection.execute(
                insert(articles).values(
                    id=UUID(int=1_000 + n), site="s", external_id=name, comments_open=True,
                    reactions_open=True, created_at=now,
                )
            )  # fmt: skip
        connection.execute(
            insert(comments).values(
                article_id=UUID(int=1_000), id=COMMENT, parent_id=UUID(int=1_000), depth=0,
                reader_id=READERS[0], status="approved", body="b", body_html="b", renderer=1,
                revision=1, created_at=now, network="n", up=0, down=0, score=0, reply_count=0,
                pinned=False, featured=False,
            )
        )  # fmt: skip
        connection.execute(insert(article_counts).values(article_id=UUID(int=1_000), comments=1, threads=1))
    database.close()
