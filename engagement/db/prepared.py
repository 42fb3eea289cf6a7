"""Statements that are compiled once for each store, and handed to its driver as they are.

For those that every post or page runs: SQLAlchemy's own way with one takes longer than the store does.
What SQLAlchemy knows of types is kept, and errors are its own.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import orjson
from sqlalchemy import CTE, JSON, Connection, Dialect, Executable, Select, bindparam, column, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Row = tuple[Any, ...]
Convert = Callable[[Any], Any]
Given = Mapping[str, Any]


class Prepared:
    """One statement of SQLAlchemy Core, whose `bindparam`s are given by their names."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def first(self, connection: Connection, given: Given) -> Row | None:
        """The first row that it answers, if there is one. Names that it doesn't have may be `given` too."""
        compiled = self._for(connection.dialect)
        row = _cursor(connection, compiled, given).fetchone()
        return None if row is None else compiled.read(row)

    def all(self, connection: Connection, given: Given) -> list[Any]:
        """All rows that it answers, each a tuple with names if the statement is a SELECT."""
        compiled = self._for(connection.dialect)
        return [compiled.read(row) for row in _cursor(connection, compiled, given).fetchall()]

    def _for(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _Compiled(self._statement, dialect)
        return found


class PreparedForRows:
    """One statement about rows that are given, which it finds in a table `k`.

    PostgreSQL gets them as one JSON document: one statement, one plan, whatever the number of rows. SQLite,
    which answers within the process, runs it for one row after the other.
    """

    def __init__(self, columns: Mapping[str, TypeEngine[Any]], build: Callable[[CTE], Executable]) -> None:
        """`build` makes the statement out of `k`, which has these columns."""
        self._columns = columns
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def fetch(self, connection: Connection, rows: Sequence[Given]) -> list[Row]:
        """All that it answers. A row may have more names than the columns."""
        compiled = self._for(connection.dialect)
        return [
            compiled.read(row)
            for one in self._given(connection, rows)
            for row in _cursor(connection, compiled, one).fetchall()
        ]

    def run(self, connection: Connection, rows: Sequence[Given]) -> None:
        """Run it for what it does."""
        compiled = self._for(connection.dialect)
        for one in self._given(connection, rows):
            _cursor(connection, compiled, one)

    def _given(self, connection: Connection, rows: Sequence[Given]) -> Sequence[Given]:
        if connection.dialect.name != "postgresql":
            return rows
        return [{"rows": orjson.dumps(rows).decode()}]

    def _for(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            k = self._document() if dialect.name == "postgresql" else self._row()
            found = self._compiled[dialect.name] = _Compiled(self._build(k.cte("k")), dialect)
        return found

    def _document(self) -> Select[Any]:
        columns = (column(name, type) for name, type in self._columns.items())
        given = func.json_to_recordset(bindparam("rows", type_=JSON)).table_valued(*columns)
        return select(given.render_derived(name="given", with_types=True))

    def _row(self) -> Select[Any]:
        return select(*(bindparam(name, type_=type).label(name) for name, type in self._columns.items()))


class _Compiled:
    """The statement in one store's words."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        made = cast(Any, statement).compile(dialect=dialect)
        assert isinstance(made, SQLCompiler)
        self.text = str(made)
        self._constants = {name: value for name, value in made.params.items() if value is not None}
        types = {name: made.binds[name].type.dialect_impl(dialect) for name in made.params}
        self._order = made.positiontup
        self._by_name = self._order is None  # as psycopg takes them
        writers = {name: type.bind_processor(dialect) for name, type in types.items()}
        self._writers = {name: write for name, write in writers.items() if write is not None}
        self._readers: list[Convert | None] = []
        self._named: Callable[[Row], Row] = tuple
        if isinstance(statement, Select):
            columns = statement.selected_columns
            self._named = _namer(columns.keys())
            if not self._by_name:  # psycopg's values are ours already
                kinds = (column.type.dialect_impl(dialect) for column in columns)
                self._readers = [kind.result_processor(dialect, None) for kind in kinds]

    def execute(self, driver: Any, given: Given) -> Any:
        """A cursor that holds what it answers. Raises the driver's errors."""
        values = {**self._constants, **given}
        if self._order is None:
            # What is stored as it is needs no conversion here: the driver knows UUIDs and moments.
            return driver.execute(self.text, values, prepare=True)
        writers = self._writers
        return driver.execute(
            self.text, [writers[n](values[n]) if n in writers else values[n] for n in self._order]
        )

    def read(self, row: Row) -> Row:
        """By its columns' names; values as the table's types have them, where the driver has others."""
        if not self._readers:
            return self._named(row)
        return self._named(tuple(read(v) if read else v for read, v in zip(self._readers, row, strict=True)))


def _namer(names: Sequence[str]) -> Callable[[Row], Row]:
    """Gives the values of a row these names; what can't be one is told by its place alone."""
    named: Callable[[Row], Row] = cast(Any, namedtuple)("Row", names, rename=True)._make
    return named


def _cursor(connection: Connection, compiled: _Compiled, given: Given) -> Any:
    driver: Any = connection.connection.driver_connection
    try:
        return compiled.execute(driver, given)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _as_sqlalchemy(connection, driver, error, compiled.text) from error


def _as_sqlalchemy(connection: Connection, driver: Any, error: Exception, text: str) -> BaseException:
    """The error as SQLAlchemy would have raised it; a connection that is lost leaves the pool."""
    lost = connection.dialect.is_disconnect(cast(Any, error), driver, None)
    if lost:
        connection.invalidate(error)
    told = partial(DBAPIError.instance, text, None, error, connection.dialect.loaded_dbapi.Error)
    return told(hide_parameters=True, connection_invalidated=lost, dialect=connection.dialect)
