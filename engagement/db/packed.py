"""Many ids in one value: what would take longer to read than to find."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, Select, func, literal, select, type_coerce


def packed_ids(connection: Connection, statement: Select[Any]) -> bytes:
    """The ids that a statement selects (its one column, `id`), 16 bytes each, in its order."""
    if connection.dialect.name == "postgresql":
        rows = statement.subquery()
        joined = func.string_agg(func.uuid_send(rows.c.id), literal(b"", LargeBinary))
        return bytes(connection.scalar(select(type_coerce(joined, LargeBinary))) or b"")
    (column,) = statement.selected_columns
    plain = statement.with_only_columns(type_coerce(column, LargeBinary))
    return b"".join(connection.scalars(plain))


def array(ids: Iterable[UUID]) -> str:
    """As PostgreSQL reads an array of UUIDs; its driver would make it one by one."""
    return "{" + ",".join([id.hex for id in ids]) + "}"
