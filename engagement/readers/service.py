"""Makes anonymous readers and keeps their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from engagement import clock
from engagement.db import bulk
from engagement.db.engine import Database
from engagement.db.tables import readers
from engagement.errors import Forbidden, Invalid, Unauthorized
from engagement.readers.bars import GONE, refuse_erased
from engagement.readers.tokens import Token, Tokens
from engagement.text import clean_text

NAME_LENGTH = 60
"""Characters."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader; `name` None: anonymous."""

    id: UUID
    name: str | None

    def body(self) -> dict[str, Any]:
        """As the API shows it."""
        return {"id": str(self.id), "name": self.name}


class Readers:
    """Readers, over SQL."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    def mint(self, site: str, name: str | None) -> tuple[str, Reader]:
        """A new reader, by a clean name, and the token that is all they have."""
        reader = Reader(clock.new_id(), name)
        with self._database.write() as connection:
            connection.execute(
                insert(readers).values(id=reader.id, site=site, name=reader.name, created_at=clock.now())
            )
        return self._tokens.sign(Token(site, reader.id)), reader

    def make(self, site: str, reader_id: UUID, name: str | None) -> None:
        """A reader, by a clean name, of an id that was given out before; twice is once."""
        row = (reader_id, site, name, clock.now())
        with self._database.write() as connection:
            bulk.put(connection, readers, ("id", "site", "name", "created_at"), [row])

    def get(self, site: str, reader_id: UUID) -> Reader:
        """Raises `Unauthorized` for a reader that isn't there (any more)."""
        with self._database.read() as connection:
            row = connection.execute(
                select(readers.c.name).where(readers.c.id == reader_id, readers.c.site == site)
            ).one_or_none()
        if row is None:
            raise Unauthorized(GONE)
        return Reader(reader_id, row.name)

    def rename(self, site: str, reader_id: UUID, name: str | None) -> Reader:
        """By a clean name. Raises `Unauthorized`, `Forbidden` where a single sign-on says it."""
        reader = Reader(reader_id, name)
        with self._database.write() as connection:
            issuer = select(readers.c.issuer_id).where(readers.c.id == reader_id)
            if connection.scalar(issuer) is not None:
                raise Forbidden("Your name is that of your account, and is changed there.")
            changed = connection.execute(
                update(readers)
                .where(readers.c.id == reader_id, readers.c.site == site)
                .values(name=reader.name)
            )
            if not changed.rowcount:
                raise Unauthorized(GONE)
            refuse_erased(connection, reader_id)
        return reader


def clean_name(name: str | None) -> str | None:
    """A name fit to be shown; None: anonymous. Raises `Invalid`."""
    if name is None:
        return None
    try:
        return clean_text(name, max_length=NAME_LENGTH, multiline=False)
    except ValueError as error:
        raise Invalid(errors={"name": [str(error)]}) from error
