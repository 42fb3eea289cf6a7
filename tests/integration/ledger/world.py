"""The small world of the ledger's tests: three articles on three nodes, six readers, plans that pause.

Its database and its Redis are the product's own; they tell what they do, and let a process end at any step.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from redis.crc import key_slot
from sqlalchemy import Connection, insert

from engagement import clock
from engagement.db.engine import Database
from engagement.db.migrate import upgrade
from engagement.db.tables import article_counts, articles, comments, readers, sites
from engagement.errors import NotFound, Unavailable
from engagement.hot.commands import Command
from engagement.hot.connection import Hot
from engagement.hot.keys import MOOD, VOTE, Ballot, shard_of, tag
from engagement.hot.protocol import Plan
from tests.servers.cluster import SLOTS

T = TypeVar("T")
SITE = "s"
NODES = 3
READERS = [UUID(int=n) for n in range(1, 7)]
CHOICES = {MOOD: ["happy", "sad", "angry", ""], VOTE: ["up", "down", ""]}
REPLAY = 8
"""Entries that a hydration may replay; in the product 5,000."""


def slot_of(ballot: Ballot) -> int:
    """The slot of a Cluster in which everything of the ballot is."""
    return int(key_slot(tag(ballot.shard).encode()))


def _one_on_each_node() -> Iterator[str]:
    for node in range(NODES):
        for n in itertools.count():
            if int(key_slot(tag(shard_of(SITE, f"a{n}")).encode())) * NODES // SLOTS == node:
                yield f"a{n}"
                break


ARTICLES = dict(zip(_one_on_each_node(), map(UUID, (f"{n:032x}" for n in range(1_000, 1_003))), strict=True))
"""Name → our id; on a Cluster of three each is on a node of its own."""
COMMENT = UUID(int=99)
"""On the last article, from the beginning."""
ONE, TWO, THREE = ARTICLES
BALLOTS = [Ballot(SITE, ONE, MOOD), Ballot(SITE, TWO, MOOD), Ballot(SITE, THREE, VOTE, str(COMMENT))]
WHERE = sorted({ballot.shard for ballot in BALLOTS})
"""The shards that anything here is in."""


def fill(url: str) -> None:
    """Make the empty database at `url` hold the world."""
    upgrade(url)
    database = Database(url)
    with database.write() as connection:
        now = clock.now()
        connection.execute(
            insert(sites).values(key=SITE, name=SITE, origins=[], articles="known", created_at=now)
        )
        connection.execute(insert(readers), [{"id": r, "site": SITE, "created_at": now} for r in READERS])
        connection.execute(
            insert(articles),
            [
                {"id": id, "site": SITE, "external_id": name, "comments_open": True, "reactions_open": True,
                 "created_at": now}
                for name, id in ARTICLES.items()
            ],
        )  # fmt: skip
        connection.execute(
            insert(comments).values(
                article_id=ARTICLES[THREE], id=COMMENT, parent_id=ARTICLES[THREE], depth=0,
                reader_id=READERS[0], status="approved", body="b", body_html="b", renderer=1,
                revision=1, created_at=now, network="n", up=0, down=0, score=0, reply_count=0,
                pinned=False, featured=False,
            )
        )  # fmt: skip
        connection.execute(insert(article_counts).values(article_id=ARTICLES[THREE], comments=1, threads=1))
    database.close()


class Crash(BaseException):
    """The end of a process, in the middle of what it does."""


class Fuse:
    """While it burns, the process ends when it has done so many steps more."""

    left: int | None = None
    where: str | None = None

    @contextlib.contextmanager
    def lit(self, steps: int, where: str | None = None) -> Iterator[None]:
        """`where`: count only the steps "before a commit" or "after a commit"."""
        self.left, self.where = steps, where
        try:
            yield
        except Crash:
            pass
        finally:
            self.left = None

    def burn(self, where: str | None = None) -> None:
        """Between steps that the stores can tell from each other. Raises `Crash`."""
        if self.left is not None and self.where in (None, where):
            self.left -= 1
            if self.left < 0:
                raise Crash


class WatchedDatabase(Database):
    """SQL, with a fuse; a process can end before it commits."""

    def __init__(self, url: str, fuse: Fuse) -> None:
        super().__init__(url)
        self.fuse = fuse

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        self.fuse.burn()
        with super().read() as connection:
            yield connection

    @contextlib.contextmanager
    def ask(self) -> Iterator[Connection]:
        self.fuse.burn()
        with super().ask() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        self.fuse.burn()
        with super().write() as connection:
            yield connection
            self.fuse.burn("before a commit")
        self.fuse.burn("after a commit")


class WatchedHot(Hot):
    """Redis, with a fuse; `watch` is told of every command, Redis' reply, and what that means."""

    fuse: Fuse
    watch: Callable[[Command[Any], Any, Any], None]

    def execute(self, command: Command[T]) -> T:
        self.fuse.burn()
        return super().execute(self._watched(command))

    def execute_each(self, many: Sequence[Command[Any]]) -> list[Any]:
        if self.fuse.left is not None:  # a process can end when some of them have gone out
            return [self.execute(command) for command in many]
        return super().execute_each([self._watched(command) for command in many])

    def _watched(self, command: Command[T]) -> Command[T]:
        def read(reply: Any) -> T:
            answer = command.read(reply)
            self.watch(command, reply, answer)
            return answer

        return replace(command, read=read)


class Paused:
    """A plan that is played a need at a time."""

    def __init__(self, plan: Plan[Any], hot: Hot) -> None:
        self._plan = plan
        self._hot = hot
        self._need: Any = next(plan)
        self.done = False

    def step(self, *, twice: bool = False) -> None:
        """Answer one need; `twice` as a driver that sends a command again."""
        if self.done:
            return
        try:
            if twice and isinstance(self._need, Command | list):
                self._hot._answer(self._need)
            answer = self._hot._answer(self._need)
            self._need = self._plan.send(answer)
        except StopIteration:
            self.done = True
        except (NotFound, Unavailable):
            self.done = True  # its comment was lost, or too much to replay: refused, nothing done

    def finish(self) -> None:
        while not self.done:
            self.step()
