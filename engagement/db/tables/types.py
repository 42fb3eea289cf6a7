"""Types of columns, and what tables have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Dialect, Integer, LargeBinary, MetaData, String, Uuid
from sqlalchemy.types import TypeDecorator, TypeEngine


class Utc(TypeDecorator[datetime]):
    """A moment in UTC; SQLite has no zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Any zone in, UTC stored."""
        return None if value is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Gives each value its zone; what PostgreSQL's driver gives has it, as the session is in UTC."""
        if dialect.name == "postgresql":
            return None
        read = self.impl_instance.result_processor(dialect, coltype)
        return lambda value: _aware(read(value) if read else value)


def _aware(value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


class Id(TypeDecorator[UUID]):
    """A UUID: PostgreSQL's own type, 16 bytes elsewhere."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The dialect's best type."""
        return dialect.type_descriptor(Uuid() if dialect.name == "postgresql" else LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        """16 bytes where there is no UUID type."""
        return value.bytes if isinstance(value, UUID) and dialect.name != "postgresql" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Makes a `UUID` of each value; PostgreSQL's driver has done so, and a page has hundreds."""
        return None if dialect.name == "postgresql" else _uuid


def _uuid(value: bytes | None) -> UUID | None:
    return None if value is None else UUID(bytes=value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Serial = BigInteger().with_variant(Integer(), "sqlite")


BALLOT = ("article_id", "kind", "subject_id")
"""What names a ballot in SQL; the subject of a mood is the article itself."""


def ballot_columns() -> list[Column[Any]]:
    """The first columns of every table of choices."""
    return [
        Column("article_id", Id, primary_key=True),
        Column("kind", String(16), primary_key=True),
        Column("subject_id", Id, primary_key=True),
    ]
