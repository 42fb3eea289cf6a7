"""The single sign-on of a site, as its staff set it up: each change is written down."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engagement.db.engine import Database
from engagement.errors import Forbidden
from engagement.sso.issuers import Issuer, Issuers
from engagement.staff.members import SYSTEM, Member
from engagement.staff.roles import ADMIN, ISSUERS, permitted
from engagement.staff.service import Record


class SignOnIssuers:
    """What staff do to issuers. `record`: where it is written down."""

    def __init__(self, database: Database, issuers: Issuers, record: Record | None = None) -> None:
        self._database = database
        self._issuers = issuers
        self._record = record

    def all(self, site: str | None) -> list[Issuer]:
        """Also those that are disabled. `site` None: of all sites."""
        return self._issuers.all(site)

    def add(self, maker: Member | None, site: str, **given: Any) -> Issuer:
        """See `Issuers.add`. `maker` None: whoever holds the machine.

        An issuer for staff can make admins: who adds it must be one, unconfined. Raises `Forbidden` as well.
        """
        if maker is not None:
            maker.require(ISSUERS, site)
            mine = permitted(maker.role, maker.scopes)
            if given.get("for_staff") and not permitted(ADMIN, frozenset()) <= mine:
                raise Forbidden("An issuer for staff is added by an admin whose token isn't confined.")
        with self._database.write() as connection:
            issuer = self._issuers.add(connection, site, **given)
            self._write_down(connection, "issuer.added", maker, issuer)
        self._issuers.forget()
        return issuer

    def disable(self, maker: Member | None, site: str | None, issuer_id: UUID) -> None:
        """See `Issuers.disable`. Raises `Forbidden`, `NotFound`."""
        if maker is not None:
            maker.require(ISSUERS, site)
        with self._database.write() as connection:
            issuer = self._issuers.disable(connection, site, issuer_id)
            if issuer.disabled_at is None:
                self._write_down(connection, "issuer.disabled", maker, issuer)
        self._issuers.forget()

    def _write_down(self, connection: Any, action: str, maker: Member | None, issuer: Issuer) -> None:
        if self._record is not None:
            subject = {
                "issuer": str(issuer.id),
                "algorithm": issuer.algorithm,
                "for_staff": issuer.for_staff,
            }
            actor = SYSTEM if maker is None else maker.actor
            self._record.append(connection, action=action, actor=actor, subject=subject, site=issuer.site)
