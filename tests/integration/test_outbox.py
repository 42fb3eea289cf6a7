"""Events become counts and cases once, however many come at a time, and whoever takes them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import delete, func, insert, select, update

from engagement import clock
from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.tables import article_counts, cases, comments, events, outbox
from engagement.hot.connection import Hot
from engagement.hot.pages import Pages
from engagement.moderation.queue.cases import priority
from engagement.worker.loop import Worker
from engagement.worker.outbox import ROWS, Outbox
from tests.filling import fill

COLUMNS = ("article_id", "comment_id", "event", "counted", "listed", "created_at")


def posted(database: Database, article: str, many: int) -> tuple[UUID, list[UUID]]:
    """New comments of which nobody knows yet; answers the article's id and theirs."""
    ids = list(fill(database, "demo", article, many))
    with database.write() as connection:
        article_id = connection.scalars(select(comments.c.article_id).where(comments.c.id == ids[0])).one()
        connection.execute(
            update(article_counts)
            .where(article_counts.c.article_id == article_id)
            .values(comments=0, threads=0)
        )
        tell(connection, article_id, ids)
    return article_id, ids


def tell(connection: object, article_id: UUID, ids: Sequence[UUID]) -> None:
    rows = [(article_id, id, "comment.posted", 1, 1, clock.now()) for id in ids]
    bulk.put(connection, events, COLUMNS, rows, conflict=("id",))  # type: ignore[arg-type]


def counted(database: Database, article_id: UUID) -> tuple[int, int, int, int]:
    """Comments and threads as they are counted, cases, and events that wait."""
    with database.read() as connection:
        counts = connection.execute(
            select(article_counts.c.comments, article_counts.c.threads).where(
                article_counts.c.article_id == article_id
            )
        ).one()
        made = select(func.count()).select_from(cases).where(cases.c.article_id == article_id)
        waiting = connection.scalars(select(func.count()).select_from(events)).one()
        return counts.comments, counts.threads, connection.scalars(made).one(), waiting


def test_a_worker_goes_on_at_once_while_a_delivery_is_full(database: Database, worker: Worker) -> None:
    worker.drain()
    article_id, _ = posted(database, "busy", ROWS + 20)
    first = worker.round(draining=True)
    assert (first.rows, first.busy) == (ROWS, True)
    second = worker.round(draining=True)
    assert (second.rows, second.busy, second.pending) == (20, False, True)
    assert not worker.round(draining=True).pending
    assert counted(database, article_id) == (ROWS + 20, ROWS + 20, ROWS + 20, 0)


def test_two_workers_at_once_count_each_event_once(database: Database, hot: Hot, worker: Worker) -> None:
    worker.drain()
    article_id, ids = posted(database, "shared", 3 * ROWS)
    outboxes = [Outbox(database, hot, Pages(hot, 60)) for _ in range(2)]

    def all_of(outbox: Outbox) -> int:
        taken: list[int] = []
        while not taken or taken[-1]:
            taken.append(outbox.deliver())
        return sum(taken)

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(all_of, outboxes)) == len(ids)
    assert counted(database, article_id) == (len(ids), len(ids), len(ids), 0)


def test_an_event_whose_comment_is_nowhere_keeps_nothing_waiting(database: Database, worker: Worker) -> None:
    worker.drain()
    article_id, _ = posted(database, "restored", 2)
    with database.write() as connection:
        tell(connection, article_id, [clock.new_id()])
    worker.drain()
    assert counted(database, article_id) == (2, 2, 2, 0)


def test_what_a_release_before_0_3_tells_is_counted_and_ranked(database: Database, worker: Worker) -> None:
    worker.drain()
    article_id, (id, _) = posted(database, "older", 2)
    with database.write() as connection:
        connection.execute(delete(events).where(events.c.comment_id == id))
        row = {"article_id": article_id, "comment_id": id, "event": "posted", "created_at": clock.now()}
        connection.execute(insert(outbox).values(**row))
        mine = (comments.c.article_id == article_id, comments.c.id == id)
        votes = {"up": 7, "down": 1, "score": 0, "best": 0.0}  # it knows fewer orders
        connection.execute(update(comments).where(*mine).values(votes))
    assert worker.round(draining=True).rows == 2
    assert counted(database, article_id) == (2, 2, 2, 0)
    with database.read() as connection:
        assert connection.scalars(select(func.count()).select_from(outbox)).one() == 0
        comment = connection.execute(select(comments).where(*mine)).one()
    assert comment.score == 6
    assert comment.best > 0


@pytest.mark.parametrize(("up", "replies"), [(0, 0), (1, 0), (8, 1), (120, 3_000)])
def test_a_case_is_made_as_the_comment_stands(
    database: Database, worker: Worker, up: int, replies: int
) -> None:
    worker.drain()
    article_id, (id,) = posted(database, "met", 1)
    with database.write() as connection:
        mine = (comments.c.article_id == article_id, comments.c.id == id)
        connection.execute(
            update(comments).where(*mine).values(up=up, down=0, reply_count=replies, held_for="a-rule")
        )
    worker.drain()
    with database.read() as connection:
        comment = connection.execute(select(comments).where(*mine)).one()
        case = connection.execute(select(cases).where(cases.c.comment_id == id)).one()
    assert case.priority == pytest.approx(priority(0.0, None, up + replies))
    assert (case.site, case.section, case.reader_id, case.status) == (
        "demo", None, comment.reader_id, "approved",
    )  # fmt: skip
    assert (case.revision, case.seen, case.reports, case.weight, case.reason) == (1, False, 0, 0.0, "a-rule")
    assert (case.created_at, case.queued_at) == (comment.created_at, comment.created_at)
