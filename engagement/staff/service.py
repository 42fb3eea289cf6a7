"""The staff and their API tokens: made, listed, revoked."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import api_tokens, sites, staff
from engagement.errors import BadRequest, Forbidden, Invalid, NotFound
from engagement.staff.members import SYSTEM, Actor, Member
from engagement.staff.roles import OWNER, ROLES, SCOPES, TOKENS, permitted
from engagement.staff.tokens import ApiTokens, digest, new_token
from engagement.text import clean_text

NAME_LENGTH = 200
"""Characters."""
MAX_DAYS = 3_650
PAGE = 50


class Record(Protocol):
    """Writes down what the staff did, in the same transaction; see `ModerationLog.append`."""

    def append(
        self,
        connection: Connection,
        *,
        action: str,
        actor: Actor,
        subject: Mapping[str, Any],
        site: str | None,
    ) -> Any:
        """The last statement of the transaction."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, as it is told after it was made: without its text."""

    id: UUID
    site: str | None
    staff_id: UUID
    name: str
    role: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: UUID | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def body(self) -> dict[str, Any]:
        """As the API shows it."""
        times = {
            name: None if moment is None else clock.rfc3339(moment)
            for name, moment in (
                ("created_at", self.created_at),
                ("expires_at", self.expires_at),
                ("revoked_at", self.revoked_at),
                ("last_used_at", self.last_used_at),
            )
        }
        return {
            "id": str(self.id),
            "site": self.site,
            "staff_id": str(self.staff_id),
            "name": self.name,
            "role": self.role,
            "scopes": list(self.scopes),
            "created_by": None if self.created_by is None else str(self.created_by),
            **times,
        }


class Staff:
    """Members and tokens, over SQL. `record`: where it is written down who made and revoked what."""

    def __init__(self, database: Database, record: Record | None = None) -> None:
        self._database = database
        self._record = record
        self.tokens = ApiTokens(database)

    def member(self, member_id: UUID) -> Member | None:
        """One of the staff, by id, with all that their role may."""
        with self._database.read() as connection:
            row = connection.execute(select(staff).where(staff.c.id == member_id)).one_or_none()
        return None if row is None else Member(row.id, row.site, row.role, row.name)

    def named(self, site: str | None, role: str, name: str) -> Member:
        """The member of this name whom no single sign-on vouches for; made if not there. Raises `Invalid`."""
        name = _name(name)
        s = staff.c
        mine = (
            s.site.is_(None) if site is None else s.site == site,
            s.issuer_id.is_(None),
            s.role == role,
            s.name == name,
        )
        with self._database.write() as connection:
            row = connection.execute(select(staff).where(*mine).order_by(s.id).limit(1)).one_or_none()
            if row is not None:
                return Member(row.id, row.site, row.role, row.name)
            return _new_member(connection, site, role, name)

    def seen(self, member_id: UUID) -> None:
        """They were here just now. Raises `DatabaseUnavailable`."""
        with self._database.write() as connection:
            connection.execute(update(staff).where(staff.c.id == member_id).values(last_seen_at=clock.now()))

    def make_token(
        self,
        maker: Member | None,
        site: str | None,
        *,
        role: str,
        name: str,
        scopes: Collection[str] = (),
        days: int | None = None,
    ) -> tuple[str, Token]:
        """The text of a new token, which is told once, and what is kept of it.

        `maker` None: whoever holds the machine. It may never more than its maker may, nor for longer than the
        token they came with. `site` None: every site, which goes with the role `owner` alone. `days` None: it
        doesn't end. Raises `Forbidden`, `Invalid`, `NotFound`.
        """
        name = _name(name)
        wrong = _wrong(site, role, scopes, days)
        if wrong:
            raise Invalid(errors=wrong)
        if maker is not None:
            _refuse_more(maker, site, role, frozenset(scopes))
        now = clock.now()
        ends = [] if days is None else [now + timedelta(days=days)]
        if maker is not None and maker.until is not None:
            ends.append(maker.until)
        text = new_token()
        with self._database.write() as connection:
            if site is not None and connection.scalar(select(sites.c.key).where(sites.c.key == site)) is None:
                raise NotFound("There is no such site.")
            member = _new_member(connection, site, role, name)
            token = Token(
                id=clock.new_id(),
                site=site,
                staff_id=member.id,
                name=name,
                role=role,
                scopes=tuple(sorted(set(scopes))),
                created_at=now,
                created_by=None if maker is None else maker.id,
                expires_at=min(ends, default=None),
                revoked_at=None,
                last_used_at=None,
            )
            values = {column: getattr(token, column) for column in Token.__dataclass_fields__}
            connection.execute(
                insert(api_tokens).values(**values | {"scopes": list(token.scopes), "digest": digest(text)})
            )
            self._write_down(connection, "token.made", maker, token)
        return text, token

    def list_tokens(
        self, site: str | None, *, everywhere: bool, cursor: str | None = None, limit: int = PAGE
    ) -> tuple[list[Token], str | None]:
        """Tokens, newest first, and where to go on. `site` None: of all sites.

        `everywhere`: also those that are good on every site. Raises `BadRequest` for what is no cursor.
        """
        t = api_tokens.c
        statement = select(api_tokens).order_by(t.id.desc()).limit(limit + 1)
        if site is not None:
            statement = statement.where((t.site == site) | t.site.is_(None) if everywhere else t.site == site)
        if cursor is not None:
            statement = statement.where(t.id < _decode(cursor))
        with self._database.read() as connection:
            found = [_token(row) for row in connection.execute(statement)]
        return found[:limit], _encode(found[limit - 1].id) if len(found) > limit else None

    def revoke_token(self, maker: Member | None, site: str | None, token_id: UUID) -> None:
        """It is refused from now on, by every process within a second; twice is once.

        `maker` None: whoever holds the machine, on any site. Raises `NotFound` for one of another site, and
        for one of all sites if the caller isn't of all sites.
        """
        t = api_tokens.c
        with self._database.write() as connection:
            row = connection.execute(
                select(api_tokens).where(t.id == token_id).with_for_update()
            ).one_or_none()
            if row is None or (maker is not None and not _within(maker, site, row.site)):
                raise NotFound("There is no such token.")
            if row.revoked_at is None:
                connection.execute(update(api_tokens).where(t.id == token_id).values(revoked_at=clock.now()))
                self._write_down(connection, "token.revoked", maker, _token(row))
        self.tokens.forget()

    def _write_down(self, connection: Connection, action: str, maker: Member | None, token: Token) -> None:
        if self._record is not None:
            subject = {"token": str(token.id), "role": token.role, "scopes": list(token.scopes)}
            actor = SYSTEM if maker is None else maker.actor
            self._record.append(connection, action=action, actor=actor, subject=subject, site=token.site)


def _wrong(site: str | None, role: str, scopes: Collection[str], days: int | None) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    if role not in ROLES:
        wrong["role"] = [f"must be one of {', '.join(ROLES)}"]
    elif (role == OWNER) != (site is None):
        wrong["role"] = ["owner is of all sites, and every other role of one"]
    elif unknown := sorted(set(scopes) - permitted(role, frozenset())):
        known = [scope for scope in unknown if scope in SCOPES]
        wrong["scopes"] = [
            f"{known[0]} is not among what the role {role} may"
            if known
            else f"must be of {', '.join(SCOPES)}"
        ]
    if days is not None and not 1 <= days <= MAX_DAYS:
        wrong["expires_in_days"] = [f"must be 1 to {MAX_DAYS}"]
    return wrong


def _refuse_more(maker: Member, site: str | None, role: str, scopes: frozenset[str]) -> None:
    """Raises `Forbidden` if the token might more than its maker."""
    maker.require(TOKENS, site)
    more = permitted(role, scopes) - permitted(maker.role, maker.scopes)
    if more or (role == OWNER and maker.role != OWNER):
        raise Forbidden(f"You may not give {min(more, default=OWNER)}: you haven't got it.")


def _within(maker: Member, site: str | None, of: str | None) -> bool:
    return maker.site is None if of is None else of == site


def _new_member(connection: Connection, site: str | None, role: str, name: str) -> Member:
    member = Member(clock.new_id(), site, role, name)
    connection.execute(
        insert(staff).values(id=member.id, site=site, name=name, role=role, created_at=clock.now())
    )
    return member


def _token(row: Row[Any]) -> Token:
    values = {column: getattr(row, column) for column in Token.__dataclass_fields__}
    return Token(**values | {"scopes": tuple(row.scopes)})


def _name(name: str) -> str:
    try:
        return clean_text(name, max_length=NAME_LENGTH, multiline=False)
    except ValueError as error:
        raise Invalid(errors={"name": [str(error)]}) from error


def _encode(last: UUID) -> str:
    return urlsafe_b64encode(last.bytes).rstrip(b"=").decode()


def _decode(cursor: str) -> UUID:
    try:
        return UUID(bytes=urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise BadRequest("The cursor can't be read.") from None
