"""Two articles that turn out to be one: how their merge, and its undoing, begin. A job does the rest.

From its beginning the article takes nothing any more (`closed_by`), and its name leads to the other one as
soon as its comments are there. While a merge or its undoing runs, neither article is part of another one.

When it is undone, what was moved comes back: comments as they are by then, with all their votes, and every
mood that was taken. What came in under either name meanwhile stays with the article that took it in; so does
the mood of a reader who has chosen another one there since, who gets the old one back on the old article.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, or_, select, update

from engagement import clock
from engagement.db import jobs, names
from engagement.db.engine import Database
from engagement.db.jobs import CLOSING, MERGE, MERGED, RETURNING
from engagement.db.names import MERGE as BY_MERGE
from engagement.db.tables import articles, merges
from engagement.db.tables import jobs as job_rows
from engagement.errors import Invalid, NotFound

BUSY = "is part of a merge that is under way: see `engagement article merges`"
DOING = {
    "closing": "the article takes nothing any more",
    "carrying": "its comments go over",
    "leading": "its name leads to the other article",
    "moving": "its votes and reactions go over",
    "ending": "they are one",
    "merged": "they are one",
    "returning": "its name stands for itself again",
    "carrying-back": "its comments come back",
    "opening": "it takes comments and reactions again",
    "moving-back": "votes on its comments come back",
    "giving-back": "its reactions come back",
    "forgetting": "they are two",
    "done": "they are two",
}
"""The states of a merge and of its undoing."""


def begin(database: Database, site: str, article: str, into: str) -> UUID:
    """Begin to merge an article (canonical names) into another one; answers the job, be it under way or over.

    Raises `NotFound` for articles that aren't there, `Invalid` for what can't be merged, `Unavailable`.
    """
    with database.write() as connection:
        into = names.stand_for(connection, site, [into]).get(into, into)
        if _merge_of(connection, site, article) is None:
            article = names.stand_for(connection, site, [article]).get(article, article)
        if article == into:
            raise Invalid(errors={"article": ["is that article already"]})
        found = _lock(connection, site, {article, into})
        before = _merge_of(connection, site, article)
        if before is not None:
            return _again(connection, site, before, into)
        if any(row.closed_by is not None for row in found.values()):
            raise Invalid(errors={"article": [BUSY]})
        merged, other = found[article], found[into]
        _refuse_busy(connection, [merged.id, other.id])
        job = jobs.enqueue(connection, MERGE, site, merged.id, CLOSING)
        row = {"article_id": merged.id, "into_id": other.id, "job_id": job, "leads": False}
        connection.execute(insert(merges).values(**row, created_at=clock.now()))
        connection.execute(update(articles).where(articles.c.id == merged.id).values(closed_by=BY_MERGE))
        return job


def undo(database: Database, site: str, article: str) -> UUID:
    """Begin to undo the merge of an article; answers the job, which may be at it already.

    Raises `NotFound` for one that was not merged, `Invalid` if it can't be undone now, `Unavailable`.
    """
    with database.write() as connection:
        merge = _merge_of(connection, site, article)
        if merge is None:
            raise NotFound("This article was not merged into another one.")
        found = _lock(connection, site, {article, merge.into})
        job = jobs.read(connection, merge.job_id)
        if job is None:
            raise NotFound("This article was not merged into another one.")
        if job.state != MERGED:
            if job.running and job.state in BACK:
                return job.id
            raise Invalid(errors={"article": ["is still being merged: it can be undone then"]})
        if found[merge.into].closed_by is not None:
            raise Invalid(errors={"article": [f"{merge.into} was merged itself: undo that first"]})
        _refuse_busy(connection, [row.id for row in found.values()])
        jobs.move(connection, job, state=RETURNING, progress={"fence": job.progress.get("fence", 0) + 1})
        return job.id


BACK = frozenset(list(DOING)[list(DOING).index(RETURNING) :])
"""The states of an undoing."""


def listed(database: Database, site: str | None = None) -> Iterator[tuple[str, str, str, str, datetime]]:
    """Every merge that is not undone, the oldest first: site, article, into which one, state, since when."""
    a, b, m, j = articles.alias("a").c, articles.alias("b").c, merges.c, job_rows.c
    statement = (
        select(a.site, a.external_id, b.external_id.label("into"), j.state, m.created_at)
        .where(a.id == m.article_id, b.id == m.into_id, j.id == m.job_id)
        .order_by(m.created_at, m.article_id)
    )
    if site is not None:
        statement = statement.where(a.site == site)
    with database.read() as connection:
        for row in connection.execute(statement).all():
            yield row.site, row.external_id, row.into, row.state, row.created_at


def _merge_of(connection: Connection, site: str, article: str) -> Any:
    """The merge of the article of this very name: `job_id`, and the name it was merged `into`."""
    a, b, m = articles.alias("a").c, articles.alias("b").c, merges.c
    return connection.execute(
        select(m.job_id, b.external_id.label("into")).where(
            a.site == site, a.external_id == article, m.article_id == a.id, b.id == m.into_id
        )
    ).one_or_none()


def _lock(connection: Connection, site: str, wanted: set[str]) -> dict[str, Any]:
    """Nobody comments on them, and no other merge begins, until the transaction ends. Raises `NotFound`."""
    a = articles.c
    rows = connection.execute(
        select(a.id, a.external_id, a.closed_by)
        .where(a.site == site, a.external_id.in_(wanted))
        .order_by(a.id)
        .with_for_update()
    )
    found = {row.external_id: row for row in rows}
    for name in sorted(wanted - found.keys()):
        raise NotFound(f"There is no article {name}.")
    return found


def _again(connection: Connection, site: str, merge: Any, into: str) -> UUID:
    job = jobs.read(connection, merge.job_id)
    if job is None or job.state in BACK:
        raise Invalid(errors={"article": ["is being taken apart from another one: it can be merged then"]})
    if names.stand_for(connection, site, [merge.into]).get(merge.into, merge.into) != into:
        raise Invalid(errors={"article": [f"was merged into {merge.into} already"]})
    return job.id


def _refuse_busy(connection: Connection, ids: list[UUID]) -> None:
    """Choices are moved from and to an article by one job at a time."""
    m, j = merges.c, job_rows.c
    busy = select(1).where(
        j.id == m.job_id, j.next_at.is_not(None), or_(m.article_id.in_(ids), m.into_id.in_(ids))
    )
    if connection.scalar(busy.limit(1)) is not None:
        raise Invalid(errors={"article": [BUSY]})
