"""Erases a reader: what they wrote, what they chose, and what is known of them.

Rows of comments stay, emptied: threads keep their shape, and counts stay right. The reader's row stays
without its name, because the comments' rows name it, and the bar stays, because the reader's token is about.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy import Connection, delete, literal, null, or_, select, tuple_, update

from engagement.comments import emptying
from engagement.db import jobs
from engagement.db.jobs import DONE, EMPTYING, Job
from engagement.db.tables import (
    articles,
    comments,
    dead_letters,
    idempotency_keys,
    job_choices,
    merged_moods,
    readers,
)
from engagement.errors import RedisUnavailable
from engagement.hot import bars, commands, walk
from engagement.hot.commands import Command
from engagement.hot.keys import Ballot, ballot_keys
from engagement.moderation import restrictions
from engagement.worker.jobs.handing import CONFIRMING, HANDING, Confirming, Handing
from engagement.worker.jobs.stores import Steps, Stores
from engagement.worker.jobs.taking import TAKING, WHILE, Taking

SWEEPING = "sweeping"
PAGE = 200
"""Comments that are emptied in one step."""
MANY = 2_000
"""Articles whose pages wait for Redis at most."""


def erasing(stores: Stores) -> Steps:
    """The steps of an erasure, in their order: text, choices, what is left of them in Redis.

    Choices are taken back, or given over to nobody, as it is set when their turn comes.
    """
    return {
        EMPTYING: Emptying(stores),
        TAKING: Taking(stores, _sweep, keeps=False),
        HANDING: Handing(stores),
        CONFIRMING: Confirming(stores, SWEEPING),
        SWEEPING: Sweeping(stores),
    }


class Emptying:
    """Takes text, name and network out of the rows, and drops the rendered pages after each commit."""

    def __init__(self, stores: Stores) -> None:
        self._database = stores.database
        self._pages = stores.pages
        self._then = HANDING if stores.erase_choices == "kept" else TAKING

    def __call__(self, job: Job) -> bool:
        """See `Step`. `progress`: `drop`, articles whose pages are to go, and `after`, the last comment.

        While Redis is down the pages wait: nobody sees them.
        """
        drop, after = [(s, a) for s, a in job.progress.get("drop", [])], job.progress.get("after")
        if self._pages.drop(drop):
            drop = []
        elif len(drop) > MANY:
            raise RedisUnavailable
        with self._database.write() as connection:
            jobs.lock(connection, job)
            if after is None:
                _forget(connection, job.reader_id)
            found = _comments(connection, job.reader_id, after)
            if found:
                _empty(connection, [(row.article_id, row.id) for row in found])
                progress = {
                    "drop": sorted({*drop, *((row.site, row.external_id) for row in found)}),
                    "after": (found[-1].article_id.hex, found[-1].id.hex),
                }
                jobs.move(connection, job, progress=progress)
            elif after is not None:  # once more: a merge may have brought some to where this has been
                jobs.move(connection, job, progress={"drop": sorted(drop)})
            elif drop:
                raise RedisUnavailable
            else:
                jobs.move(connection, job, state=self._then, progress={})
        return True


class Sweeping:
    """Nobody plays for the reader any more; then every view that still knows the reader goes."""

    def __init__(self, stores: Stores) -> None:
        self._hot = stores.hot
        self._database = stores.database
        self._walks: LRUCache[UUID, Iterator[list[str]]] = LRUCache(1_000)

    def __call__(self, job: Job) -> bool:
        """See `Step`. A walk that is broken off begins anew."""
        reader = job.reader_id.bytes
        if not job.progress.get("sealed"):
            bars.bar(self._hot, reader, bars.NOBODY)
            with self._database.write() as connection:
                jobs.move(connection, job, progress={"sealed": True})
            return True
        walking = self._walks.pop(job.id, None) or walk.choices(self._hot)
        until = time.monotonic() + WHILE
        for names in walking:
            self._forget_views([Ballot.parse(name) for name in names], reader)
            if time.monotonic() > until:
                self._walks[job.id] = walking
                return True
        with self._database.write() as connection:
            for table in (dead_letters, merged_moods):  # of a merge that was under way
                connection.execute(delete(table).where(table.c.reader_id == job.reader_id))
            jobs.move(connection, job, state=DONE, progress={}, rest=True)
        return True

    def _forget_views(self, ballots: list[Ballot], reader: bytes) -> None:
        asked = [Command(None, (), ("HEXISTS", ballot_keys(b)[1], reader), bool) for b in ballots]
        known = self._hot.execute_many(asked)
        there = [ballot for ballot, knows in zip(ballots, known, strict=True) if knows]
        self._hot.execute_many([commands.forget_view(ballot) for ballot in there])


def _sweep(connection: Connection, job: Job) -> None:
    jobs.move(connection, job, state=SWEEPING, progress={})


def _forget(connection: Connection, reader_id: UUID) -> None:
    """The name, who they are elsewhere, the keys of what was posted, what other jobs had taken or moved."""
    nobody = {"name": None, "issuer_id": None, "subject": None, "avatar_url": None, "badges": null()}
    connection.execute(update(readers).where(readers.c.id == reader_id).values(**nobody))
    for table in (idempotency_keys, job_choices, merged_moods):
        connection.execute(delete(table).where(table.c.reader_id == reader_id))
    restrictions.forget(connection, reader_id)


def _comments(connection: Connection, reader_id: UUID, after: list[str] | None) -> list[Any]:
    """The next comments of the reader that have something in them."""
    key = comments.c.article_id, comments.c.id
    statement = (
        select(*key, articles.c.site, articles.c.external_id)
        .join(articles, articles.c.id == comments.c.article_id)
        .where(comments.c.reader_id == reader_id)
        .where(or_(comments.c.body != "", comments.c.body_html != "", comments.c.network != ""))
        .order_by(*key)
        .limit(PAGE)
    )
    if after is not None:
        at = (literal(UUID(value), column.type) for value, column in zip(after, key, strict=True))
        statement = statement.where(tuple_(*key) > tuple_(*at))
    return list(connection.execute(statement).all())


def _empty(connection: Connection, keys: list[tuple[UUID, UUID]]) -> None:
    """Comments by article and id: the one lock order. Those that their author took back keep nothing too."""
    for article_id, found in groupby(keys, key=itemgetter(0)):
        for row in emptying.lock(connection, article_id, [id for _, id in found]):
            emptying.empty(connection, row)
