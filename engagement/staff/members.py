"""Somebody of the staff, as the services that act for them see it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from engagement.errors import Forbidden
from engagement.staff.roles import permitted

ActorKind = Literal["staff", "rule", "system", "reader"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as it is written down: the id of a member, a rule or a reader."""

    kind: ActorKind
    id: UUID | None = None


SYSTEM = Actor("system")


@dataclass(frozen=True, slots=True)
class Member:
    """One of the staff. `site` None: of every site. `scopes`: of the token that they came with, if any.

    `until`: when that token ends, if it does.
    """

    id: UUID
    site: str | None
    role: str
    name: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    until: datetime | None = None

    @property
    def actor(self) -> Actor:
        """As who they are written down."""
        return Actor("staff", self.id)

    def may(self, permission: str, site: str | None) -> bool:
        """`site` None: on every site."""
        return (self.site is None or self.site == site) and permission in permitted(self.role, self.scopes)

    def require(self, permission: str, site: str | None) -> None:
        """Raises `Forbidden`, which names the permission."""
        if not self.may(permission, site):
            raise Forbidden(f"This needs the permission {permission}.")
