"""Gives a reader's choices over to nobody: each to a random id of its own, which nothing links to the reader.

Every choice is taken from the reader and made by its new id, one after the other, through `choose`: two
entries of the ledger, and no tally moves for longer than between them. Which id takes which choice is noted
before either is played; who finds a choice without its new id in SQL plays it again, which counts once. A
note goes when SQL has the choice, and with it the moment of the choice, for all of a reader's are alike.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, exists, select

from engagement.db import bulk, jobs
from engagement.db.ballots import lock_cursors
from engagement.db.jobs import Job
from engagement.db.tables import BALLOT, articles, choices, job_choices
from engagement.hot import commands
from engagement.hot.commands import Command, script
from engagement.hot.connection import Hot
from engagement.hot.keys import Ballot, barred_key
from engagement.hot.playing import Move, playing
from engagement.worker.jobs.chosen import PAGE, after_key, ballot_of, name_of
from engagement.worker.jobs.stores import Stores
from engagement.worker.jobs.taking import PART, WHILE, Progress, Taking, held

HANDING, CONFIRMING = "handing", "confirming"
HOLD = 60_000
"""Milliseconds of the bar under which a new id makes its choice, on closed ballots as well."""
AGAIN = 0.5
"""Seconds between two looks whether SQL has what was given."""
PATIENCE = 4
"""Looks after which a view that has what SQL has not is built anew: Redis lost what it was about to store."""
Gift = tuple[Ballot, UUID, str]
"""A ballot, and what a new id is to choose there."""


class Handing(Taking):
    """Takes every choice of the reader, and gives it on at once. Over as `Taking` is."""

    def __init__(self, stores: Stores) -> None:
        super().__init__(stores, _confirm, keeps=True)

    def _take_page(self, job: Job, progress: Progress, owner: str, until: float) -> tuple[Sequence[Any], int]:
        with self._database.write() as connection:
            jobs.lock(connection, job)
            found = self._ahead.page(connection, job, progress.after)
            heirs = _note(connection, job, found)
        self._look_anew(progress, found)
        played = 0
        while played < len(found) and (played == 0 or time.monotonic() < until):
            part = found[played : played + PART]
            self._play(owner, [Move(ballot_of(row), job.reader_id.bytes) for row in part], until)
            give(self._hot, [(ballot_of(row), heirs[name_of(row)], row.choice) for row in part])
            played += len(part)
        return found, played


class Confirming:
    """Gives what SQL doesn't have yet, and forgets who had what SQL has."""

    def __init__(self, stores: Stores, then: str) -> None:
        """`then`: the state that follows."""
        self._hot = stores.hot
        self._database = stores.database
        self._then = then

    def __call__(self, job: Job) -> bool:
        """See `Step`. `progress`: `after`, the last choice that was looked at; `looks` at all of them."""
        after, looks = job.progress.get("after"), job.progress.get("looks", 0)
        with self._database.read() as connection:
            found = _noted(connection, job, after)
        missing = [row for row in found if not row.stored]
        if looks >= PATIENCE:
            self._hot.execute_many([commands.forget_view(ballot_of(row)) for row in missing])
        until, given = time.monotonic() + WHILE, 0
        while given < len(missing) and (given == 0 or time.monotonic() < until):
            part = missing[given : given + PART]
            give(self._hot, [(ballot_of(row), row.reader_id, row.choice) for row in part])
            given += len(part)
        if given < len(missing):
            found = found[: found.index(missing[given])]
        with self._database.write() as connection:
            jobs.lock(connection, job)
            _forget(connection, job, [row for row in found if row.stored])
            if len(found) == PAGE or given < len(missing):
                progress = {"after": name_of(found[-1]), "looks": looks}
                jobs.move(connection, job, progress=progress)
            elif found or after:
                jobs.move(connection, job, progress={"looks": looks + 1}, pause=AGAIN)
            else:
                jobs.move(connection, job, state=self._then, progress={})
        return True


def give(hot: Hot, gifts: Sequence[Gift]) -> None:
    """Let each new id choose, where it has not. Raises `Unavailable`.

    Where another worker does the same at this moment, it may be left to a later look. What Redis remembers
    of it, for the moment, names no job.
    """
    owner = token_hex(8)
    at = [(barred_key(ballot.shard), heir.bytes) for ballot, heir, _ in gifts]
    hot.execute_many([Command(script("bar"), (key,), (heir, owner, HOLD), int) for key, heir in at])
    moves = [Move(ballot, heir.bytes, choice) for ballot, heir, choice in gifts]
    hot.play(playing(moves, owner, held(hot)))
    hot.execute_many([Command(script("lift"), (key,), (heir, owner), int) for key, heir in at])


def _confirm(connection: Connection, job: Job) -> None:
    jobs.move(connection, job, state=CONFIRMING, progress={})


def _note(connection: Connection, job: Job, found: Sequence[Any]) -> dict[tuple[str, str, str], UUID]:
    """Who takes which choice: an id that was noted before stays, and what it is to choose as well."""
    columns = ("job_id", *BALLOT, "reader_id", "choice", "network")
    rows = [(job.id, *row[:3], uuid4(), row.choice, "") for row in found]
    bulk.put(connection, job_choices, columns, rows)
    names = [(job.id, *row[:3]) for row in found]
    noted = bulk.fetch(connection, job_choices, ("job_id", *BALLOT), names, (*BALLOT, "reader_id"))
    return {(article.hex, kind, subject.hex): heir for article, kind, subject, heir in noted}


def _noted(connection: Connection, job: Job, after: Sequence[str] | None) -> list[Row[Any]]:
    """The next notes, and whether SQL has their choices."""
    note = [job_choices.c[name] for name in BALLOT]
    same = [choices.c[name] == job_choices.c[name] for name in (*BALLOT, "reader_id")]
    statement = (
        select(
            *note, job_choices.c.reader_id, job_choices.c.choice, articles.c.site, articles.c.external_id,
            articles.c.created_at.label("begun"), exists().where(*same).label("stored"),
        )
        .join(articles, articles.c.id == job_choices.c.article_id)
        .where(job_choices.c.job_id == job.id)
        .order_by(*note)
        .limit(PAGE)
    )  # fmt: skip
    if after is not None:
        statement = statement.where(after_key(note, after))
    return list(connection.execute(statement))


def _forget(connection: Connection, job: Job, rows: Sequence[Row[Any]]) -> None:
    """Cursors first, as the flush does. The article's own date tells nothing of the reader."""
    lock_cursors(connection, sorted({tuple(row[:3]) for row in rows}), wait=True)
    dated = [(*row[:3], row.reader_id, row.begun) for row in rows]
    bulk.change(connection, choices, (*BALLOT, "reader_id"), dated, replace=("chosen_at",))
    bulk.remove(connection, job_choices, ("job_id", *BALLOT), [(job.id, *row[:3]) for row in rows])
