"""Two articles and who posts below them, for tests of how comments are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from engagement import clock
from engagement.comments.once import Draft
from engagement.comments.posting import Posts
from engagement.comments.storing import New, Written, store
from engagement.comments.verdict import Judged, Lenient, Record, Verdict
from engagement.db.articles import article_ids
from engagement.db.engine import Database
from engagement.db.tables import comments, events, readers
from engagement.hot.connection import Hot
from engagement.hot.pages import Pages
from engagement.readers.caller import Caller
from engagement.sites.publishing import put_article
from engagement.sites.service import Site

SITE = Site("demo", "Demo", (), "open")
STORY, OTHER = "story", "other"
NESTING, EDIT_WINDOW = 1, 900


class Reading(Lenient):
    """A judge that lets everything through, and meets what it is to write down, in the transaction."""

    def __init__(self) -> None:
        self.meets: Callable[[Connection, Sequence[Record]], None] = lambda _connection, _records: None

    def record(self, connection: Connection, records: Sequence[Record]) -> None:
        """See `Judge`."""
        self.meets(connection, records)


@dataclass
class Desk:
    """Two articles, and who posts below them."""

    database: Database
    pages: Pages
    ids: dict[str, UUID]
    judge: Reading
    posts: Posts

    def reader(self, name: str = "Ann") -> UUID:
        row = {"id": clock.new_id(), "site": "demo", "name": name, "created_at": clock.now()}
        with self.database.write() as connection:
            connection.execute(insert(readers), row)
        return row["id"]  # type: ignore[return-value]

    def new(
        self,
        said: str,
        by: UUID | None = None,
        *,
        article: str = STORY,
        verdict: Verdict | None = None,
        **draft: Any,
    ) -> New:
        caller = Caller(by or self.reader(), "1:network")
        judged = Judged(SITE, article, None, caller, said, f"<p>{said}</p>")
        return New(self.ids[article], Draft(said, **draft), judged, verdict or Verdict())

    def store(self, *news: New, waits: bool = False) -> list[Written | Exception]:
        with self.database.write() as connection:
            return store(connection, news, NESTING, waits=waits)

    def post(self, said: str, by: UUID | None = None, **given: Any) -> Written:
        return self.posts.post(self.new(said, by, **given))

    def stored(self) -> list[str]:
        """The texts, in their order; each with its event."""
        c, e = comments.c, events.c
        told = (
            select(func.count()).where(e.article_id == c.article_id, e.comment_id == c.id).scalar_subquery()
        )
        with self.database.read() as connection:
            rows = connection.execute(select(c.body, told.label("told")).order_by(c.id)).all()
        assert all(row.told == 1 for row in rows)
        return [row.body for row in rows]


def make_desk(database: Database, hot: Hot) -> Desk:
    """Over these stores."""
    for name in (STORY, OTHER):
        put_article(database, hot, "demo", name)
    with database.read() as connection:
        ids = article_ids(connection, [("demo", STORY), ("demo", OTHER)])
    pages, judge = Pages(hot, 60), Reading()
    return Desk(
        database, pages, {name: id for (_, name), id in ids.items()}, judge,
        Posts(database, pages, judge, NESTING),
    )  # fmt: skip


def kinds(outcomes: Sequence[Written | Exception]) -> list[type]:
    return [type(outcome) for outcome in outcomes]
