"""Many rows in one statement: what a flush does thousands of times a second, the same words on every store.

Rows are given as a table `k` of their own; an id may be given as its 16 bytes. PostgreSQL gets each column as
one array, so that a statement has one shape whatever the number of rows, and is parsed once. SQLite gets a
list of values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.exc import IntegrityError

Row = tuple[Any, ...]
Names = tuple[str, ...]
PARAMETERS = 30_000
"""Of one statement at most, where rows are single values (SQLite takes 32,766)."""


def fetch(connection: Connection, table: Table, by: Names, keys: Sequence[Row], columns: Names) -> list[Row]:
    """The `columns` of those rows whose columns `by` are one of `keys`, in no order."""
    wanted = ", ".join(f"t.{name}" for name in columns)
    statement = f"SELECT {wanted} FROM <k> JOIN {table.name} t USING ({', '.join(by)})"
    found = [
        tuple(row)
        for text, parameters in _with_rows(connection, table, by, keys, statement)
        for row in connection.exec_driver_sql(text, parameters)
    ]
    return _read(connection.dialect, table, columns, found)


def present(connection: Connection, table: Table, by: Names, keys: Sequence[Row]) -> list[Row]:
    """Those of the `keys` that rows have in their columns `by`: one look each, however many rows have it."""
    names = ", ".join(f"k.{name}" for name in by)
    same = " AND ".join(f"t.{name} = k.{name}" for name in by)
    # A scalar, not EXISTS: that may be turned into a join that reads the whole table.
    statement = f"SELECT {names} FROM <k> WHERE (SELECT 1 FROM {table.name} t WHERE {same} LIMIT 1) = 1"
    found = [
        tuple(row)
        for text, parameters in _with_rows(connection, table, by, keys, statement)
        for row in connection.exec_driver_sql(text, parameters)
    ]
    return _read(connection.dialect, table, by, found)


def count(connection: Connection, table: Table, by: Names, keys: Sequence[Row], of: str) -> list[Row]:
    """How often each value of the column `of` stands in the rows of each key: key, value, number."""
    columns = (*by, of)
    names = ", ".join(f"t.{name}" for name in columns)
    statement = (
        f"SELECT {names}, count(*) FROM <k> JOIN {table.name} t USING ({', '.join(by)}) GROUP BY {names}"
    )
    found = [
        tuple(row)
        for text, parameters in _with_rows(connection, table, by, keys, statement)
        for row in connection.exec_driver_sql(text, parameters)
    ]
    counted = _read(connection.dialect, table, columns, [row[:-1] for row in found])
    return [(*row, number) for row, (*_, number) in zip(counted, found, strict=True)]


def lock(
    connection: Connection, table: Table, by: Names, keys: Sequence[Row], *, skip_locked: bool = False
) -> list[Row]:
    """Lock the rows in the order of `by`, one order everywhere; answers `by` of those that are locked now.

    On SQLite every writer has the whole file already.
    """
    if connection.dialect.name == "sqlite":
        return fetch(connection, table, by, keys, by)
    names = ", ".join(f"t.{name}" for name in by)
    skip = " SKIP LOCKED" if skip_locked else ""
    statement = (
        f"SELECT {names} FROM <k> JOIN {table.name} t USING ({', '.join(by)}) "
        f"ORDER BY {names} FOR NO KEY UPDATE OF t{skip}"
    )
    return [
        tuple(row)
        for text, parameters in _with_rows(connection, table, by, keys, statement)
        for row in connection.exec_driver_sql(text, parameters)
    ]


def put(
    connection: Connection,
    table: Table,
    columns: Names,
    rows: Sequence[Row],
    *,
    replace: Names = (),
    add: Names = (),
    conflict: Names = (),
) -> int:
    """Insert rows. Where the primary key (or `conflict`) is there, set `replace` anew and add to `add`.

    With neither, what is there stays. Answers how many rows were inserted or changed.
    """
    target = ", ".join(conflict or tuple(table.primary_key.columns.keys()))
    changes = [f"{name} = excluded.{name}" for name in replace]
    changes += [f"{name} = {table.name}.{name} + excluded.{name}" for name in add]
    then = f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING"
    names = ", ".join(columns)
    new = f"INSERT INTO {table.name} ({names}) SELECT * FROM <k> WHERE true"
    statement = f"{new} ON CONFLICT ({target}) DO {then}"
    return run(connection, table, columns, rows, statement)


def put_new(connection: Connection, table: Table, columns: Names, rows: Sequence[Row]) -> bool:
    """Insert rows none of which is there: cheaper than `put`. False, with nothing inserted, where one is."""
    if not rows:
        return True
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM <k>"
    try:
        with connection.begin_nested():
            run(connection, table, columns, rows, statement)
    except IntegrityError:
        return False
    return True


def change(
    connection: Connection,
    table: Table,
    by: Names,
    rows: Sequence[Row],
    *,
    replace: Names = (),
    add: Names = (),
) -> int:
    """Change rows that are there: each of `rows` is a key, then what to `replace`, then what to `add`."""
    new = [f"{name} = k.{name}" for name in replace]
    new += [f"{name} = {table.name}.{name} + k.{name}" for name in add]
    where = " AND ".join(f"{table.name}.{name} = k.{name}" for name in by)
    statement = f"UPDATE {table.name} SET {', '.join(new)} FROM <k> WHERE {where}"
    return run(connection, table, (*by, *replace, *add), rows, statement)


def remove(connection: Connection, table: Table, by: Names, keys: Sequence[Row]) -> int:
    """Delete the rows whose columns `by` are one of `keys`; answers how many."""
    names = ", ".join(by)
    return run(
        connection, table, by, keys, f"DELETE FROM {table.name} WHERE ({names}) IN (SELECT {names} FROM <k>)"
    )


def run(connection: Connection, table: Table, names: Names, rows: Sequence[Row], statement: str) -> int:
    """A statement that has the rows as `<k>`, in columns of the types that `table` has for these names.

    Answers how many rows it inserted or changed.
    """
    return sum(
        connection.exec_driver_sql(text, parameters).rowcount
        for text, parameters in _with_rows(connection, table, names, rows, statement)
    )


def _with_rows(
    connection: Connection, table: Table, names: Names, rows: Sequence[Row], statement: str
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The statement with the rows in place of `<k>`, and its parameters; in parts, where that is needed."""
    if not rows:
        return
    dialect = connection.dialect
    k = f"(WITH k ({', '.join(names)}) AS ({{}}) SELECT * FROM k) AS k"
    if dialect.name == "postgresql":
        arrays = k.format(f"SELECT * FROM unnest({_arrays(dialect, table, names)})")
        yield statement.replace("<k>", arrays), tuple(map(_array, zip(*rows, strict=True)))
        return
    one = f"({', '.join('?' * len(names))})"
    size = PARAMETERS // len(names)
    writers = _processors(dialect, table, names, "bind_processor")
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        values = ", ".join([one] * len(part))
        parameters = tuple(
            write(value) if write else value
            for write, value in zip(writers * len(part), chain.from_iterable(part), strict=True)
        )
        yield statement.replace("<k>", k.format(f"VALUES {values}")), parameters


def _array(values: Sequence[Any]) -> str:
    """An array as PostgreSQL reads it; the driver's own way, value by value, takes several times as long."""
    texts: Sequence[Any] = values if isinstance(values[0], str) else _texts(values)
    if None in texts:
        return f"{{{','.join('NULL' if text is None else _quoted(text) for text in texts)}}}"
    joined = '","'.join(texts)
    if "\\" in joined or joined.count('"') > 2 * (len(texts) - 1):
        return f"{{{','.join(map(_quoted, texts))}}}"
    return f'{{"{joined}"}}'


def _texts(values: Sequence[Any]) -> list[str | None]:
    """Rows come by ballots and in the order of time: most ids and times come again and again."""
    texts: list[str | None] = []
    last = text = None
    for value in values:
        if value is not last:
            last, text = value, None if value is None else _text(value)
        texts.append(text)
    return texts


def _text(value: Any) -> str:
    """As PostgreSQL reads it."""
    if isinstance(value, UUID | bytes):
        return value.hex if isinstance(value, UUID) else value.hex()
    return str(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _read(dialect: Dialect, table: Table, names: Names, rows: list[Row]) -> list[Row]:
    """Values as the table's types have them, where the driver's own are others."""
    if dialect.name == "postgresql":
        return rows
    readers = _processors(dialect, table, names, "result_processor")
    return [
        tuple(read(value) if read else value for read, value in zip(readers, row, strict=True))
        for row in rows
    ]


@lru_cache
def _arrays(dialect: Dialect, table: Table, names: Names) -> str:
    """Typed, but without lengths: a cast to `varchar(16)` would cut what an insert refuses."""
    types = (re.sub(r"\(\d+\)", "", table.c[name].type.compile(dialect)) for name in names)
    return ", ".join(f"%s::{type}[]" for type in types)


@lru_cache
def _processors(
    dialect: Dialect, table: Table, names: Names, which: str
) -> tuple[Callable[[Any], Any] | None, ...]:
    """Between Python's values and the driver's, as SQLAlchemy converts them."""
    if which == "bind_processor":
        return tuple(table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names)
    return tuple(table.c[name].type.dialect_impl(dialect).result_processor(dialect, None) for name in names)
