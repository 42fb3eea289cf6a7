"""Empties the network hashes of what was posted and chosen long ago.

Once a day it goes through the tables in the order of their keys, some thousand rows at a time; where it has
come to is in SQL. Rows of choices are written by the flush, which holds their ballot's cursor: so does this,
and only the hash is changed, never a choice. Whatever comes between, no tally can be touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table, literal, select, tuple_

from engagement import clock
from engagement.db import bulk
from engagement.db.ballots import lock_cursors
from engagement.db.engine import Database
from engagement.db.tables import BALLOT, Id, choices, comments, job_choices, jobs, meta

KEY = "networks"
"""Of what is noted in the table `meta`."""
PAGE = 2_000
"""Rows of one statement."""
WHILE = 0.05
"""Seconds after which a step looks at no further page."""
EVERY = timedelta(days=1)
"""Between two passes: so much later than it should a hash may go."""
Keys = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Place:
    """A table with a column `network`: what names a row, its date, and how rows are kept from others."""

    table: Table
    key: tuple[str, ...]
    date: ColumnElement[Any] | ScalarSelect[Any]
    lock: Callable[[Connection, Keys], None]


def _lock_comments(connection: Connection, keys: Keys) -> None:
    bulk.lock(connection, comments, ("article_id", "id"), keys)


def _lock_choices(connection: Connection, keys: Keys) -> None:
    lock_cursors(connection, sorted({key[:3] for key in keys}), wait=True)


def _lock_jobs(connection: Connection, keys: Keys) -> None:
    bulk.lock(connection, jobs, ("id",), sorted({key[:1] for key in keys}))


_begun = select(jobs.c.created_at).where(jobs.c.id == job_choices.c.job_id).scalar_subquery()
PLACES = (
    Place(comments, ("article_id", "id"), comments.c.created_at, _lock_comments),
    Place(choices, (*BALLOT, "reader_id"), choices.c.chosen_at, _lock_choices),
    Place(job_choices, ("job_id", *BALLOT), _begun, _lock_jobs),
)


@dataclass(frozen=True, slots=True)
class _Pass:
    """How far it is: the place, the key of the last row that was looked at; when there is more to do."""

    place: int = 0
    after: Sequence[str] | None = None
    next_at: str = ""

    @classmethod
    def of(cls, connection: Connection) -> _Pass:
        noted = connection.scalar(select(meta.c.value).where(meta.c.key == KEY))
        return cls(**orjson.loads(noted)) if noted else cls()


class Networks:
    """Steps of the pass. Any number of workers may take them at once; one of two that do is too late."""

    def __init__(self, database: Database, days: int) -> None:
        """`days`: of rows that are older the hash goes."""
        self._database = database
        self._days = timedelta(days=days)

    def step(self) -> bool:
        """A bounded piece; False if there is nothing to do for now. Raises `DatabaseUnavailable`."""
        before, until = clock.now() - self._days, time.monotonic() + WHILE
        with self._database.read() as connection:
            begun = at = _Pass.of(connection)
            if at.next_at > clock.rfc3339(clock.now()):
                return False
            place, old = PLACES[at.place], Keys()
            while True:
                found = _page(connection, place, at.after, before)
                old = [tuple(row[:-1]) for row in found if row.old]
                if len(found) == PAGE:
                    at = _Pass(at.place, list(map(_text, found[-1][:-1])))
                if old or len(found) < PAGE or time.monotonic() > until:
                    break
        if len(found) < PAGE:
            last = at.place == len(PLACES) - 1
            at = _Pass(next_at=clock.rfc3339(clock.now() + EVERY)) if last else _Pass(at.place + 1)
        with self._database.write() as connection:
            bulk.put(connection, meta, ("key", "value"), [(KEY, "{}")])
            mine = bulk.lock(connection, meta, ("key",), [(KEY,)], skip_locked=True)
            if not mine or _Pass.of(connection) != begun:
                return False
            _empty(connection, place, old, before)
            noted = orjson.dumps(at).decode()
            bulk.change(connection, meta, ("key",), [(KEY, noted)], replace=("value",))
        return not at.next_at


def _page(connection: Connection, place: Place, after: Sequence[str] | None, before: datetime) -> list[Any]:
    """The next rows' keys, and `old`: have they a hash that is to go?"""
    key = [place.table.c[name] for name in place.key]
    old = (place.table.c.network != "") & (place.date < before)
    statement = select(*key, old.label("old")).order_by(*key).limit(PAGE)
    if after is not None:
        at = (literal(_value(text, column), column.type) for text, column in zip(after, key, strict=True))
        statement = statement.where(tuple_(*key) > tuple_(*at))
    return list(connection.execute(statement))


def _empty(connection: Connection, place: Place, keys: Keys, before: datetime) -> None:
    """Of these rows, those that are still old once nobody else may write them."""
    place.lock(connection, keys)
    if place.table is choices:  # of the others, the date stands
        found = bulk.fetch(connection, choices, place.key, keys, (*place.key, "chosen_at"))
        keys = [row[:-1] for row in found if row[-1] < before]
    rows = [(*key, "") for key in sorted(keys)]
    bulk.change(connection, place.table, place.key, rows, replace=("network",))


def _text(value: Any) -> str:
    return value.hex if isinstance(value, UUID) else str(value)


def _value(text: str, column: ColumnElement[Any]) -> Any:
    return UUID(text) if isinstance(column.type, Id) else text
