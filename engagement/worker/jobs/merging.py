"""Merges an article into another one, and undoes it: the steps, and those that change what names mean.

Comments go over as rows: the text stands under the other article from then on, under the same id, and the old
row stays behind empty (`carrying`). So lists, walks, counts and permalinks of the one article are what they
are for any other, and need not know. Votes and moods go over choice by choice (`moving`).
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from engagement.db import jobs, names
from engagement.db.jobs import (
    CARRYING,
    CARRYING_BACK,
    CLOSING,
    DONE,
    ENDING,
    FORGETTING,
    GIVING_BACK,
    LEADING,
    MERGED,
    MOVING,
    MOVING_BACK,
    OPENING,
    RETURNING,
    Job,
)
from engagement.db.tables import articles, comments, merged_moods, merges
from engagement.hot import commands
from engagement.hot.keys import MOOD
from engagement.worker.jobs.carrying import Carrying, CarryingBack
from engagement.worker.jobs.moving import GivingBack, MovingBack, MovingOver
from engagement.worker.jobs.pair import Fences, Pair
from engagement.worker.jobs.stores import Steps, Stores

BALLOTS = 1_000
"""Of one step."""
Change = Callable[[Connection, Job], None]


def merging(stores: Stores) -> Steps:
    """The steps of a merge, then those of its undoing, in their order.

    The fences are up before the name leads to the other article, so that what readers choose there from then
    on is theirs: nothing is given over it. They fall at the end.
    """
    return {
        CLOSING: Closing(stores),
        CARRYING: Carrying(stores),
        LEADING: Fencing(stores, _lead, MOVING),
        MOVING: MovingOver(stores),
        ENDING: Unfencing(stores, _rest),
        RETURNING: Fencing(stores, _return, CARRYING_BACK),
        CARRYING_BACK: CarryingBack(stores),
        OPENING: Opening(stores),
        MOVING_BACK: MovingBack(stores),
        GIVING_BACK: GivingBack(stores),
        FORGETTING: Unfencing(stores, _forget),
    }


class Closing:
    """After the commit that closed the article. The ballots of comments close as they are carried."""

    def __init__(self, stores: Stores) -> None:
        self._hot = stores.hot
        self._database = stores.database

    def __call__(self, job: Job) -> bool:
        """See `Step`."""
        with self._database.read() as connection:
            pair = Pair.of(connection, job)
        self._hot.execute(commands.change_policy(pair.merged.ballot(MOOD, pair.merged.id)))
        with self._database.write() as connection:
            jobs.move(connection, job, state=CARRYING, progress={"fence": 0})
        return True


class Fencing:
    """Puts the fences up, then changes where the name leads."""

    def __init__(self, stores: Stores, change: Change, then: str) -> None:
        self._database = stores.database
        self._fences = Fences(stores.hot, stores.database)
        self._change = change
        self._then = then

    def __call__(self, job: Job) -> bool:
        """See `Step`."""
        with self._database.read() as connection:
            pair = Pair.of(connection, job)
        with self._fences.up(job, pair), self._database.write() as connection:
            jobs.move(connection, job, state=self._then)
            self._change(connection, job)
        return True


class Opening:
    """Lets the article take comments and choices again, then makes every ballot look anew.

    `progress`: `upto`, the newest comment that was there when it was opened (those that come later need not
    look, and may come faster than they could be followed); `after`, the last whose ballot has looked.
    """

    def __init__(self, stores: Stores) -> None:
        self._hot = stores.hot
        self._database = stores.database

    def __call__(self, job: Job) -> bool:
        """See `Step`."""
        progress, c = job.progress, comments.c
        mine = select(c.id).where(c.article_id == job.reader_id)
        if "upto" not in progress:
            with self._database.write() as connection:
                jobs.lock(connection, job)
                newest = connection.scalar(mine.order_by(c.id.desc()).limit(1))
                upto = (newest or job.reader_id).hex
                jobs.move(connection, job, progress={**progress, "upto": upto})
                opened = update(articles).where(articles.c.id == job.reader_id).values(closed_by=None)
                connection.execute(opened)
            return True
        ids = mine.where(c.id <= UUID(progress["upto"])).order_by(c.id).limit(BALLOTS)
        if progress.get("after"):
            ids = ids.where(c.id > UUID(progress["after"]))
        with self._database.read() as connection:
            side = Pair.of(connection, job).merged
            found = connection.scalars(ids).all()
        ballots = [side.ballot(MOOD, side.id), *(side.votes(id) for id in found)]
        self._hot.execute_many([commands.change_policy(ballot) for ballot in ballots])
        self._hot.execute(commands.drop_parts(*side.key))
        with self._database.write() as connection:
            if len(found) == BALLOTS:
                jobs.move(connection, job, progress={**progress, "after": found[-1].hex})
            else:
                fence = {"fence": progress.get("fence", 0)}
                jobs.move(connection, job, state=MOVING_BACK, progress=fence)
        return True


class Unfencing:
    """Takes the fences down, and ends."""

    def __init__(self, stores: Stores, end: Change) -> None:
        self._hot = stores.hot
        self._database = stores.database
        self._fences = Fences(stores.hot, stores.database)
        self._end = end

    def __call__(self, job: Job) -> bool:
        """See `Step`."""
        with self._database.read() as connection:
            pair = Pair.of(connection, job)
        self._fences.lower(job, pair)
        self._hot.execute_many([commands.drop_parts(*side.key) for side in pair.sides])
        with self._database.write() as connection:
            self._end(connection, job)
        return True


def _lead(connection: Connection, job: Job) -> None:
    connection.execute(update(merges).where(merges.c.article_id == job.reader_id).values(leads=True))
    names.changed(connection)


def _return(connection: Connection, job: Job) -> None:
    connection.execute(update(merges).where(merges.c.article_id == job.reader_id).values(leads=False))
    names.changed(connection)


def _rest(connection: Connection, job: Job) -> None:
    jobs.move(connection, job, state=MERGED, rest=True)


def _forget(connection: Connection, job: Job) -> None:
    jobs.move(connection, job, state=DONE, progress={}, rest=True)
    connection.execute(delete(merged_moods).where(merged_moods.c.job_id == job.id))
    connection.execute(delete(merges).where(merges.c.article_id == job.reader_id))
