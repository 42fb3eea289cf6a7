"""Queues of comments, for moderators: pages by keyset, cheap counts, a search that says its bounds."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    union_all,
)

from engagement.db.engine import Database
from engagement.db.tables import articles, cases, comments, readers
from engagement.db.tables.moderation import REPORTED, UNSEEN, WAITS
from engagement.errors import BadRequest, NotFound
from engagement.moderation.queue import finding
from engagement.moderation.queue.cases import Name
from engagement.moderation.queue.context import tell_case, tell_cases
from engagement.staff.members import Member

PENDING, REPORTS, UNMODERATED = "pending", "reported", "unmoderated"
APPROVED, REJECTED, SPAM = "approved", "rejected", "spam"
_HAS: Final[dict[str, ColumnElement[bool]]] = {
    PENDING: WAITS,
    REPORTS: REPORTED,
    UNMODERATED: UNSEEN,
    **{name: cases.c.status == literal_column(f"'{name}'") for name in (APPROVED, REJECTED, SPAM)},
}
QUEUES: Final = tuple(_HAS)
OLDEST, NEWEST, PRIORITY = "oldest", "newest", "priority"
SORTS: Final = (OLDEST, NEWEST, PRIORITY)
PAGE, MAX_PAGE = 20, 100
COUNTED = 1_000
"""Up to which a queue is counted."""
LOOKED_THROUGH = 5_000
"""Comments that one call looks through for a text."""
STEP = 500
"""Comments whose text is read at once."""
NAMESAKES = 50
"""Readers that a name may stand for."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for. `article`: the publisher's id; `author`: how a name begins, or an id; `q`: words."""

    queue: str = PENDING
    sort: str = OLDEST
    section: str | None = None
    article: str | None = None
    reader: UUID | None = None
    rule: UUID | None = None
    author: str | None = None
    q: str | None = None
    limit: int = PAGE
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class After:
    """The last case of the page before."""

    sort: str
    key: float | datetime
    comment_id: UUID

    def encode(self) -> str:
        """base64url without padding."""
        key = self.key.isoformat() if isinstance(self.key, datetime) else self.key
        data = orjson.dumps([self.sort, key, self.comment_id.hex])
        return urlsafe_b64encode(data).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str, sort: str) -> After:
        """Raises `BadRequest` for what is no cursor of this order."""
        try:
            of, key, id = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if of != sort:
                raise ValueError
            return cls(sort, float(key) if sort == PRIORITY else datetime.fromisoformat(key), UUID(hex=id))
        except (ValueError, TypeError, AttributeError):
            raise BadRequest("The cursor can't be read, or is of another order.") from None


class Queue:
    """Queues, over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, site: str, search: Search, member: Member) -> dict[str, Any]:
        """A page of a queue: `items` as `context.tell_cases` tells them, and `next_cursor`.

        With `q` at most `LOOKED_THROUGH` comments are looked through in one call (`looked_through`): a page
        may be short, or empty, and there is more as long as there is a cursor. Raises `BadRequest`.
        """
        after = After.decode(search.cursor, search.sort) if search.cursor is not None else None
        names: list[Name] = []
        more = looked = None
        with self._database.read() as connection:
            statement = _statement(connection, site, search)
            if statement is None:
                pass
            elif search.q is None:
                names, more = _page(connection, statement, search, after)
            else:
                names, more, looked = _search(connection, statement, search, after)
            items = tell_cases(connection, site, names, member)
        return {"items": items, "next_cursor": more and more.encode(), "looked_through": looked}

    def one(self, site: str, comment_id: UUID, member: Member) -> dict[str, Any]:
        """One comment, as the items of a page. Raises `NotFound`."""
        with self._database.write() as connection:  # it may have no case yet
            article_id = finding.article_of(connection, site, comment_id)
        with self._database.read() as connection:
            told = tell_case(connection, site, (article_id, comment_id), member)
        if told is None:
            raise NotFound(finding.NOT_THERE)
        return told

    def counts(self, site: str) -> dict[str, int]:
        """Queue → how many wait in it; `COUNTED` + 1 stands for more than that."""
        each = [
            select(literal(name).label("name"), func.count().label("number")).select_from(
                select(literal_column("1"))
                .select_from(cases)
                .where(cases.c.site == site, has)
                .order_by(cases.c.queued_at, cases.c.comment_id)  # else SQLite takes another index
                .limit(COUNTED + 1)
                .subquery()
            )
            for name, has in _HAS.items()
        ]
        with self._database.read() as connection:
            return {row.name: row.number for row in connection.execute(union_all(*each))}


def _statement(connection: Connection, site: str, search: Search) -> Select[Any] | None:
    """The cases that are asked for, in order, as (article, comment, key); None if there can be none."""
    c = cases.c
    asked = (search.article, search.rule, search.reader, search.author)
    narrow = any(asked) and search.queue != REPORTS  # few are reported
    # SQLite can't tell which index finds fewer: where there is a better one, `site` offers none.
    of_site = func.coalesce(c.site, literal_column("''")) if narrow else c.site
    where = [of_site == site, _HAS[search.queue]]
    if search.section is not None:
        where.append(c.section == search.section)
    if search.article is not None:
        a = articles.c
        id = connection.scalar(select(a.id).where(a.site == site, a.external_id == search.article))
        if id is None:
            return None
        where.append(c.article_id == id)
    if search.rule is not None:
        where.append(c.rule_id == search.rule)
    where += [c.reader_id.in_(ids) for ids in _readers(connection, site, search)]
    key = -c.priority if search.sort == PRIORITY else c.queued_at
    order = (key, c.comment_id)
    newest_first = search.sort == NEWEST
    statement = select(c.article_id, c.comment_id, key.label("key")).where(and_(*where))
    return statement.order_by(*(column.desc() if newest_first else column.asc() for column in order))


def _readers(connection: Connection, site: str, search: Search) -> Iterator[Sequence[UUID]]:
    """Whose comments are asked for, if somebody's are."""
    if search.reader is not None:
        yield [search.reader]
    if search.author is None:
        return
    try:
        yield [UUID(search.author)]
    except ValueError:
        yield readers_named(connection, site, search.author, NAMESAKES)


def readers_named(connection: Connection, site: str, prefix: str, limit: int) -> Sequence[UUID]:
    """The first readers whose name begins so, whatever its case; SQLite knows only the case of A to Z."""
    r, postgresql = readers.c, connection.dialect.name == "postgresql"
    begins = prefix.lower() if postgresql else "".join(c.lower() if c.isascii() else c for c in prefix)
    name: ColumnElement[Any] = func.lower(r.name)
    at_least, below = ("~>=~", "~<~") if postgresql else (">=", "<")
    within = (name.op(at_least)(begins), name.op(below)(begins + "\U0010ffff"))
    found = select(r.id).where(r.site == site, r.name.is_not(None), *within).limit(limit)
    return connection.scalars(found).all()


def _page(
    connection: Connection, statement: Select[Any], search: Search, after: After | None
) -> tuple[list[Name], After | None]:
    """One page, and where to go on."""
    rows = connection.execute(_from(statement, search, after).limit(search.limit + 1)).all()
    shown = rows[: search.limit]
    more = _after(search, shown[-1]) if len(rows) > len(shown) else None
    return [(row.article_id, row.comment_id) for row in shown], more


def _search(
    connection: Connection, statement: Select[Any], search: Search, after: After | None
) -> tuple[list[Name], After | None, int]:
    """Those with all words of `q` in their text, where to go on, and how many were looked through."""
    words = (search.q or "").casefold().split()
    step, found, looked = replace(search, limit=STEP), list[Name](), 0
    while looked < LOOKED_THROUGH:
        page = _from(statement, step, after).limit(STEP + 1).subquery()
        of = (comments.c.article_id == page.c.article_id) & (comments.c.id == page.c.comment_id)
        order = (page.c.key, page.c.comment_id)
        texts = select(page, comments.c.body).join(comments, of)
        newest_first = search.sort == NEWEST
        rows = connection.execute(
            texts.order_by(*(column.desc() if newest_first else column for column in order))
        ).all()
        for row in rows[:STEP]:
            looked += 1
            text = row.body.casefold()
            if all(word in text for word in words):
                found.append((row.article_id, row.comment_id))
                if len(found) == search.limit:
                    return found, _after(search, row), looked
        if len(rows) <= STEP:
            return found, None, looked
        after = _after(search, rows[STEP - 1])
    return found, after, looked


def _from(statement: Select[Any], search: Search, after: After | None) -> Select[Any]:
    if after is None:
        return statement
    c = cases.c
    key = -c.priority if search.sort == PRIORITY else c.queued_at
    at = tuple_(literal(after.key, key.type), literal(after.comment_id, c.comment_id.type))
    place = tuple_(key, c.comment_id)
    return statement.where(place < at if search.sort == NEWEST else place > at)


def _after(search: Search, row: Any) -> After:
    return After(search.sort, row.key, row.comment_id)
