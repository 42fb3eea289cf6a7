"""Readers who come by the publisher's single sign-on: found or made, their profile kept up to date.

A process remembers them, so that what they write costs no SQL beside its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from cachetools import LRUCache
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import bars, readers
from engagement.errors import DatabaseUnavailable, Unauthorized
from engagement.readers.bars import ERASED, Bars
from engagement.sso.signing_on import Identity, Profile, SignOn

REMEMBERED = 20_000
"""Readers."""


@dataclass(frozen=True, slots=True)
class _Known:
    reader_id: UUID
    profile: Profile
    issued: float


class SignedOn:
    """Readers by their issuer and subject, over SQL."""

    def __init__(
        self, database: Database, bars: Bars, sign_on: SignOn, meet: Callable[[Connection, UUID], None]
    ) -> None:
        """`meet` is told of each reader that is made, in the transaction that makes them."""
        self._database = database
        self._meet = meet
        self._bars = bars
        self._sign_on = sign_on
        self._known: LRUCache[tuple[UUID, str], _Known] = LRUCache(REMEMBERED)
        self._lock = Lock()

    def reader(self, site: str, text: str) -> UUID:
        """The reader whose JWT it is. One who was erased is a new reader.

        Raises `Unauthorized`, `Unavailable`.
        """
        identity = self._sign_on.verify(site, text)
        reader_id = self._find(identity)
        try:
            self._bars.check(reader_id)
        except Unauthorized:
            with self._lock:
                self._known.pop((identity.issuer.id, identity.subject), None)
            reader_id = self._find(identity)
            self._bars.check(reader_id)
        return reader_id

    def _find(self, identity: Identity) -> UUID:
        key = identity.issuer.id, identity.subject
        with self._lock:
            known = self._known.get(key)
        # Of two tokens that are both good, the newer one says what the reader is called.
        if known is not None and (known.profile == identity.profile or identity.issued < known.issued):
            return known.reader_id
        try:
            reader_id = self._store(identity)
        except DatabaseUnavailable:
            if known is None:
                raise
            return known.reader_id
        with self._lock:
            self._known[key] = _Known(reader_id, identity.profile, identity.issued)
        return reader_id

    def _store(self, identity: Identity) -> UUID:
        with suppress(IntegrityError), self._database.write() as connection:
            return _found_or_made(connection, identity, self._meet)
        with self._database.write() as connection:  # somebody was faster
            return _found_or_made(connection, identity, self._meet)


def _found_or_made(
    connection: Connection, identity: Identity, meet: Callable[[Connection, UUID], None]
) -> UUID:
    r = readers.c
    row = connection.execute(
        select(r.id, r.name, r.avatar_url, r.badges)
        .where(r.issuer_id == identity.issuer.id, r.subject == identity.subject)
        .with_for_update()
    ).one_or_none()
    profile = identity.profile
    shown = {"name": profile.name, "avatar_url": profile.avatar, "badges": list(profile.badges)}
    if row is not None:
        erased = select(bars.c.number).where(bars.c.reader_id == row.id, bars.c.kind == ERASED)
        if connection.scalar(erased) is None:
            if shown != {"name": row.name, "avatar_url": row.avatar_url, "badges": row.badges or []}:
                connection.execute(update(readers).where(r.id == row.id).values(**shown))
            return UUID(bytes=row.id.bytes)
        # The job that empties it may not be there yet: nobody finds it by who they are any more.
        connection.execute(update(readers).where(r.id == row.id).values(issuer_id=None, subject=None))
    made = clock.new_id()
    connection.execute(
        insert(readers).values(
            id=made,
            site=identity.issuer.site,
            created_at=clock.now(),
            issuer_id=identity.issuer.id,
            subject=identity.subject,
            **shown,
        )
    )
    meet(connection, made)
    return made
