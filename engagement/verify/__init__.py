"""Counts again: stored choices against tallies, sort keys and comment counts, and Redis against SQL.

Safe on a live system, in bounded memory whatever is stored. `counting` has the statements, `stored` compares
SQL with itself, `views` Redis with SQL; `repair` counts again what differs, and `recount` shows one article.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select, union_all

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import dead_letters, events, outbox
from engagement.hot.connection import Hot
from engagement.verify import repair as repairs
from engagement.verify import stored, views
from engagement.verify.differences import Difference, Report, Totals, as_document, as_text

__all__ = ["Difference", "Report", "Totals", "as_document", "as_text", "differences", "verify"]


def differences(
    database: Database, hot: Hot, totals: Totals, *, repair: bool = False
) -> Iterator[Difference]:
    """Each difference as it is found (and repaired, where that is asked for). `totals` are right at the end.

    `database` shall be one that doesn't bound how long a statement takes. Raises `Unavailable`.
    """
    for span in stored.spans(database):
        before = totals.found
        for part in stored.differences(database, span, totals):
            totals.found += len(part)
            if repair:
                repairs.in_sql(database, hot, part)
            yield from part
        if not repair:
            totals.left = totals.found
        elif totals.found > before:
            totals.left += sum(len(part) for part in stored.differences(database, span))
    for part in views.differences(database, hot, totals):
        totals.found += len(part)
        totals.left += repairs.in_redis(database, hot, part) if repair else len(part)
        yield from part
    _look_aside(database, totals)


def verify(database: Database, hot: Hot, *, repair: bool = False) -> Report:
    """All at once, for what is small."""
    totals = Totals()
    found = list(differences(database, hot, totals, repair=repair))
    return Report(totals, found)


def _look_aside(database: Database, totals: Totals) -> None:
    """What is no difference, and should be told: what SQL refused, and what waits to be delivered."""
    now = clock.now()
    old = now - timedelta(milliseconds=views.LONG)
    waiting = union_all(*(select(table.c.created_at) for table in (events, outbox))).subquery().c
    with database.read() as connection:
        totals.dead_letters = connection.scalar(select(func.count()).select_from(dead_letters)) or 0
        totals.undelivered, oldest = connection.execute(
            select(func.count(), func.min(waiting.created_at)).where(waiting.created_at < old)
        ).one()
    if oldest is not None:
        totals.longest_wait = max(totals.longest_wait, int((now - oldest).total_seconds()))
