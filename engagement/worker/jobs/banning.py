"""Takes what a banned reader chose and reported, and gives it back when no ban takes it any more.

Reports go and come with their comments' rows held, one comment at a time; choices through `choose`, under a
bar. What was chosen on an article that is merged meanwhile comes back where that article is by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from engagement import clock
from engagement.comments.counting import MOVED
from engagement.db import bulk, jobs
from engagement.db.jobs import GIVING, GIVING_REPORTS, KEPT, LIFTING, MERGED, TAKING, TAKING_REPORTS, Job
from engagement.db.tables import articles, comments, merges, reports
from engagement.db.tables import jobs as jobs_table
from engagement.hot.keys import MOOD, VOTE, Ballot
from engagement.moderation.readers.taken import anew, taken_until
from engagement.moderation.reports import reporting
from engagement.worker.jobs.chosen import ballot_of
from engagement.worker.jobs.stores import Steps, Stores
from engagement.worker.jobs.taking import Giving, Goal, Lifting, Taking

REPORTS = 50
"""Of one step."""


def banning(stores: Stores) -> Steps:
    """The steps of a ban that takes, in their order."""
    return {
        TAKING: Taking(stores, _then_reports, keeps=True),
        TAKING_REPORTS: Reports(stores, reporting.OPEN),
        KEPT: Keeping(stores),
        GIVING_REPORTS: Reports(stores, reporting.TAKEN),
        GIVING: GivingWhereItIs(stores),
        LIFTING: Lifting(stores),
    }


def _then_reports(connection: Connection, job: Job) -> None:
    jobs.move(connection, job, state=TAKING_REPORTS)


def keep(connection: Connection, job: Job) -> None:
    """All is taken: the job rests as long as a ban does take, and gives back after it."""
    takes, until = taken_until(connection, job.reader_id)
    if not takes:
        jobs.move(connection, job, state=GIVING_REPORTS, progress=anew(job))
    elif until is None:
        jobs.move(connection, job, state=KEPT, rest=True)
    else:
        pause = max((until - clock.now()).total_seconds(), 0.0)
        jobs.move(connection, job, state=KEPT, pause=pause)


class Keeping:
    """A ban with an end is over by itself."""

    def __init__(self, stores: Stores) -> None:
        self._database = stores.database

    def __call__(self, job: Job) -> bool:
        """See `Step`."""
        with self._database.write() as connection:
            keep(connection, job)
        return True


class Reports:
    """Takes the reader's reports that wait for a decision, or lets those that were taken wait again."""

    def __init__(self, stores: Stores, state: str) -> None:
        """`state`: of the reports that are looked for."""
        self._database = stores.database
        self._state = state

    def __call__(self, job: Job) -> bool:
        """See `Step`."""
        r = reports.c
        mine = select(r.article_id, r.comment_id).where(r.reader_id == job.reader_id, r.state == self._state)
        with self._database.read() as connection:
            ordered = mine.order_by(r.article_id, r.comment_id).limit(REPORTS)
            found = connection.execute(ordered).all()
        for article_id, comment_id in found:
            with self._database.write() as connection:
                jobs.lock(connection, job)
                turn = reporting.take if self._state == reporting.OPEN else reporting.give_back
                turn(connection, article_id, comment_id, job.reader_id)
        with self._database.write() as connection:
            if connection.execute(mine.limit(1)).one_or_none() is not None:
                jobs.move(connection, job)
            elif self._state == reporting.OPEN:
                keep(connection, job)
            else:
                jobs.move(connection, job, state=GIVING)
        return True


class GivingWhereItIs(Giving):
    """Gives back what was taken, where its article or comment is by now, and nothing is chosen there."""

    def _goals(self, connection: Connection, found: Sequence[Any]) -> Sequence[Goal] | None:
        places = Places(connection, {row.article_id for row in found})
        return None if places.merging else places.of(connection, found)


class Places:
    """Where articles that are merged are by now. `merging`: one of them is on the way."""

    def __init__(self, connection: Connection, ids: set[UUID]) -> None:
        self._into: dict[UUID, Row[Any]] = {}
        m, into, j = merges.c, articles.alias("into"), jobs_table.c
        statement = (
            select(m.article_id, m.into_id, m.job_id, j.state, into.c.site, into.c.external_id)
            .join(into, into.c.id == m.into_id)
            .join(jobs_table, j.id == m.job_id)
        )
        while ids:  # an article may be merged into one that is merged itself
            rows = connection.execute(statement.where(m.article_id.in_(ids))).all()
            self._into |= {row.article_id: row for row in rows}
            ids = {row.into_id for row in rows} - self._into.keys()
        self.merging = any(row.state != MERGED for row in self._into.values())

    def merges(self, article_id: UUID) -> list[Row[Any]]:
        """The merges that have brought an article to where it is, the first one first."""
        found: list[Row[Any]] = []
        while (merge := self._into.get(article_id)) is not None:
            found.append(merge)
            article_id = merge.into_id
        return found

    def of(self, connection: Connection, rows: Sequence[Any]) -> list[Goal]:
        """Where these choices (of `page_of`) belong now."""
        votes = [(row.article_id, row.subject_id) for row in rows if row.kind != MOOD]
        by = ("article_id", "id")
        found = bulk.fetch(connection, comments, by, votes, (*by, "status", "came_from"))
        there = {(article_id, id): (status, came_from) for article_id, id, status, came_from in found}
        goals = []
        for row in rows:
            way = self.merges(row.article_id)
            if row.kind == MOOD:
                ballot = Ballot(way[-1].site, way[-1].external_id, MOOD) if way else ballot_of(row)
            else:
                status, came_from = there.get((row.article_id, row.subject_id), (None, None))
                ballot = ballot_of(row)
                if status == MOVED and way:
                    ballot = Ballot(way[-1].site, way[-1].external_id, VOTE, str(row.subject_id))
                elif came_from is not None:
                    ballot = _brought_back(connection, came_from, row.subject_id) or ballot
            goals.append(Goal(ballot, [merge.job_id for merge in way]))
        return goals


def _brought_back(connection: Connection, came_from: UUID, comment_id: UUID) -> Ballot | None:
    """The votes on a comment where it is again, if the merge that had brought it from there is undone."""
    before: UUID | None = came_from
    while before is not None:
        there = _comment(connection, before, comment_id)
        if there is None:
            return None
        if there.status != MOVED:
            return Ballot(there.site, there.external_id, VOTE, str(comment_id))
        before = there.came_from
    return None


def _comment(connection: Connection, article_id: UUID, comment_id: UUID) -> Any:
    c, a = comments.c, articles.c
    return connection.execute(
        select(c.status, c.came_from, a.site, a.external_id)
        .join(articles, a.id == c.article_id)
        .where(c.article_id == article_id, c.id == comment_id)
    ).one_or_none()
