"""Staff who come by the publisher's single sign-on: their role is what their issuer says it is."""

from __future__ import annotations

from threading import Lock
from typing import Final
from uuid import UUID

from cachetools import TTLCache
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import staff
from engagement.errors import Forbidden, Unauthorized
from engagement.sso.signing_on import NOT_GOOD, Identity, SignOn, is_jwt
from engagement.staff.members import Member
from engagement.staff.roles import ADMIN, MODERATOR, SERVICE

GIVEN: Final = (ADMIN, MODERATOR, SERVICE)
"""What an issuer may say, widest first. Nobody is an owner of the instance by the word of a site's issuer."""
REMEMBERED: Final = 60
"""Seconds, after which it is written down again that a member was seen."""
NO_ROLE: Final = "Your sign-on gives you no role here."


class StaffSignOn:
    """Members by their issuer and subject, over SQL."""

    def __init__(self, database: Database, sign_on: SignOn) -> None:
        self._database = database
        self._sign_on = sign_on
        self._known: TTLCache[tuple[UUID, str, str, str], Member] = TTLCache(2_048, REMEMBERED)
        self._lock = Lock()

    def member(self, text: str, site: str | None) -> Member:
        """Whose JWT it is. Raises `Unauthorized`, `Forbidden` for who has no role, `Unavailable`."""
        if site is None or not is_jwt(text):
            raise Unauthorized(NOT_GOOD)
        identity = self._sign_on.verify(site, text)
        role = next((role for role in GIVEN if role in identity.roles), None)
        if not identity.issuer.for_staff or role is None:
            raise Forbidden(NO_ROLE)
        name = identity.profile.name or "Somebody of the staff"
        key = identity.issuer.id, identity.subject, role, name
        with self._lock:
            member = self._known.get(key)
        if member is None:
            member = self._store(identity, role, name)
            with self._lock:
                self._known[key] = member
        return member

    def _store(self, identity: Identity, role: str, name: str) -> Member:
        try:
            with self._database.write() as connection:
                return _found_or_made(connection, identity, role, name)
        except IntegrityError:  # somebody was faster
            with self._database.write() as connection:
                return _found_or_made(connection, identity, role, name)


def _found_or_made(connection: Connection, identity: Identity, role: str, name: str) -> Member:
    s = staff.c
    site, issuer_id, now = identity.issuer.site, identity.issuer.id, clock.now()
    found = connection.scalar(
        select(s.id).where(s.issuer_id == issuer_id, s.subject == identity.subject).with_for_update()
    )
    values = {"role": role, "name": name, "last_seen_at": now}
    if found is not None:
        connection.execute(update(staff).where(s.id == found).values(**values))
        return Member(found, site, role, name)
    made = clock.new_id()
    connection.execute(
        insert(staff).values(
            id=made, site=site, issuer_id=issuer_id, subject=identity.subject, created_at=now, **values
        )
    )
    return Member(made, site, role, name)
