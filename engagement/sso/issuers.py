"""Who may vouch for readers and staff of a site: one algorithm and one source of keys each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final
from uuid import UUID

import structlog
from cachetools import TTLCache
from sqlalchemy import Connection, Row, insert, select, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import issuers, sites
from engagement.errors import DatabaseUnavailable, Invalid, NotFound
from engagement.fetching import Fetcher, FetchError
from engagement.sealing import Seal, Unopenable
from engagement.text import clean_text

log = structlog.get_logger()

HS256: Final = "HS256"
ALGORITHMS: Final = (HS256, "RS256", "ES256", "EdDSA")
REMEMBERED: Final = 0.9
"""Seconds that a process remembers a site's issuers; for longer while SQL is down."""
SKEW: Final = 60
MAX_SKEW: Final = 300
"""Seconds by which a clock may be wrong."""
MIN_SECRET, MAX_SECRET = 32, 1_000
MAX_TEXT: Final = 500
MAX_URL: Final = 2_048
"""Characters."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """One of a site. `issuer` and `audience`: what `iss` and `aud` must say; `skew`: seconds.

    `secret`: of HS256; None as well where it can't be read, which vouches for nobody.
    """

    id: UUID
    site: str
    issuer: str
    audience: str
    algorithm: str
    secret: str | None
    jwks_url: str | None
    skew: int
    for_staff: bool
    created_at: datetime
    disabled_at: datetime | None

    def body(self) -> dict[str, Any]:
        """As the API shows it: the secret is not told."""
        return {
            "id": str(self.id),
            "issuer": self.issuer,
            "audience": self.audience,
            "algorithm": self.algorithm,
            "jwks_url": self.jwks_url,
            "skew": self.skew,
            "for_staff": self.for_staff,
            "created_at": clock.rfc3339(self.created_at),
            "disabled_at": None if self.disabled_at is None else clock.rfc3339(self.disabled_at),
        }


class Issuers:
    """Issuers, over SQL."""

    def __init__(self, database: Database, fetcher: Fetcher, secret_key: str) -> None:
        self._database = database
        self._fetcher = fetcher
        self._seal = Seal(secret_key)
        self._told: set[str] = set()
        """Secrets that can't be read, as they are stored: the log tells of each once."""
        self._known: TTLCache[str, dict[str, Issuer]] = TTLCache(1_024, REMEMBERED)
        self._last: dict[str, dict[str, Issuer]] = {}
        self._lock = Lock()

    def of(self, site: str) -> Mapping[str, Issuer]:
        """The site's issuers that are not disabled, by their `iss`. Raises `DatabaseUnavailable`."""
        with self._lock:
            found = self._known.get(site)
        if found is None:
            try:
                found = {each.issuer: each for each in self.all(site) if each.disabled_at is None}
            except DatabaseUnavailable:
                found = self._last.get(site)
                if found is None:
                    raise
            with self._lock:
                self._known[site] = self._last[site] = found
        return found

    def all(self, site: str | None) -> list[Issuer]:
        """Also those that are disabled. `site` None: of all sites."""
        statement = select(issuers).order_by(issuers.c.site, issuers.c.issuer)
        if site is not None:
            statement = statement.where(issuers.c.site == site)
        with self._database.read() as connection:
            return [self._issuer(row) for row in connection.execute(statement)]

    def add(
        self,
        connection: Connection,
        site: str,
        *,
        issuer: str,
        audience: str,
        algorithm: str,
        secret: str | None = None,
        jwks_url: str | None = None,
        skew: int = SKEW,
        for_staff: bool = False,
    ) -> Issuer:
        """In the caller's transaction. One that is disabled is there again, as it is given now.

        Raises `Invalid`, `NotFound`.
        """
        wrong = self._wrong(issuer, audience, algorithm, secret, jwks_url, skew)
        if wrong:
            raise Invalid(errors=wrong)
        i = issuers.c
        if connection.scalar(select(sites.c.key).where(sites.c.key == site)) is None:
            raise NotFound("There is no such site.")
        mine = select(issuers).where(i.site == site, i.issuer == issuer).with_for_update()
        row = connection.execute(mine).one_or_none()
        if row is not None and row.disabled_at is None:
            raise Invalid(errors={"issuer": ["is there already: disable it first"]})
        id = clock.new_id() if row is None else row.id
        values = {
            "audience": audience,
            "algorithm": algorithm,
            "secret": None if secret is None else self._seal.close(secret, _of(id)),
            "jwks_url": jwks_url,
            "skew": skew,
            "for_staff": for_staff,
            "disabled_at": None,
        }
        if row is not None:
            connection.execute(update(issuers).where(i.id == id).values(**values))
        else:
            new = {"id": id, "site": site, "issuer": issuer, "created_at": clock.now()}
            connection.execute(insert(issuers).values(**new, **values))
        return self._issuer(connection.execute(mine).one())

    def disable(self, connection: Connection, site: str | None, issuer_id: UUID) -> Issuer:
        """In the caller's transaction: its tokens are refused from then on, by every process within a second.

        `site` None: of any. Raises `NotFound`.
        """
        i = issuers.c
        row = connection.execute(select(issuers).where(i.id == issuer_id).with_for_update()).one_or_none()
        if row is None or site not in (None, row.site):
            raise NotFound("There is no such issuer.")
        if row.disabled_at is None:
            values = {"disabled_at": clock.now(), "secret": None}  # it comes back with one that is given then
            connection.execute(update(issuers).where(i.id == issuer_id).values(**values))
        return self._issuer(row)

    def forget(self) -> None:
        """This process has just changed one: others learn it within a second."""
        with self._lock:
            self._known.clear()

    def _issuer(self, row: Row[Any]) -> Issuer:
        found = {column: getattr(row, column) for column in Issuer.__dataclass_fields__}
        if row.secret is not None:
            try:
                found["secret"] = self._seal.open(row.secret, _of(row.id))
            except Unopenable:
                if row.secret not in self._told:
                    self._told.add(row.secret)
                    log.error("the secret of an issuer can't be read: add it anew", id=str(row.id))
                found["secret"] = None
        return Issuer(**found)

    def _wrong(
        self,
        issuer: str,
        audience: str,
        algorithm: str,
        secret: str | None,
        jwks_url: str | None,
        skew: int,
    ) -> dict[str, list[str]]:
        wrong: dict[str, list[str]] = {}
        for field, text in (("issuer", issuer), ("audience", audience)):
            try:
                if clean_text(text, max_length=MAX_TEXT, multiline=False) != text:
                    wrong[field] = ["has characters that can't be seen"]
            except ValueError as error:
                wrong[field] = [str(error)]
        if algorithm not in ALGORITHMS:
            wrong["algorithm"] = [f"must be one of {', '.join(ALGORITHMS)}"]
        elif algorithm == HS256:
            if jwks_url is not None:
                wrong["jwks_url"] = [f"is not for {HS256}, whose key is a secret"]
            if secret is None or not MIN_SECRET <= len(secret) <= MAX_SECRET or not secret.isprintable():
                wrong["secret"] = [f"must have {MIN_SECRET} to {MAX_SECRET} characters that can be seen"]
        else:
            if secret is not None:
                wrong["secret"] = [f"is for {HS256} alone; name the address of the public keys: jwks_url"]
            wrong |= self._wrong_url(jwks_url)
        if not 0 <= skew <= MAX_SKEW:
            wrong["skew"] = [f"must be 0 to {MAX_SKEW} seconds"]
        return wrong

    def _wrong_url(self, jwks_url: str | None) -> dict[str, list[str]]:
        if jwks_url is None or len(jwks_url) > MAX_URL:
            return {"jwks_url": [f"must be a URL of at most {MAX_URL} characters"]}
        try:
            self._fetcher.check(jwks_url)
        except FetchError as error:
            return {"jwks_url": [str(error)]}
        return {}


def _of(id: UUID) -> str:
    """What an issuer's secret is sealed for."""
    return f"issuer {id}"
