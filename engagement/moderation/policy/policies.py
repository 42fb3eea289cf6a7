"""Policies as SQL has them: remembered for a second, changed by the staff, each change in the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import Connection, Row, insert, select, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import policies, sites
from engagement.errors import Edited, Invalid, NotFound
from engagement.moderation import memory
from engagement.moderation.memory import Memory
from engagement.moderation.policy.inheritance import (
    ARTICLE,
    SECTION,
    SITE,
    Layer,
    Policy,
    Scope,
    Setting,
    changed,
    fault,
    inherit,
)
from engagement.sites.service import Article
from engagement.staff.members import Actor, Member
from engagement.staff.roles import POLICY

WORD = "policies"
"""In `meta`."""
CHANGED = "policy.changed"
"""In the log."""


class Log(Protocol):
    """Where changes are written down (`engagement.moderation.log.service`)."""

    def append(
        self,
        connection: Connection,
        *,
        action: str,
        actor: Actor,
        subject: Mapping[str, Any],
        site: str | None,
    ) -> int:
        """As the last statement of a transaction."""
        ...


@dataclass(frozen=True, slots=True)
class _OfSite:
    """What was set for a site and its sections; `articles`: is anything set for one of its articles?"""

    layers: Mapping[tuple[str, str], Layer]
    articles: bool


Key = tuple[str, str | None]
"""A site, or one of its articles."""


class Policies:
    """What holds where. Goes on with what it knows while SQL is down."""

    def __init__(self, database: Database) -> None:
        self._sites: Memory[str, _OfSite, _OfSite] = Memory(database, WORD, _read_site, lambda new, _: new)
        self._articles: Memory[tuple[str, str], Layer, Layer] = Memory(
            database, WORD, _read_article, lambda new, _: new
        )

    def of(self, site: str, article: Article | None) -> Policy:
        """What holds for the article; None: for one that isn't there yet. Raises `DatabaseUnavailable`."""
        if article is None:
            return self.named(site, None, None)
        return self.named(site, article.external_id, article.section)

    def named(self, site: str, article: str | None, section: str | None) -> Policy:
        """The same, of an article's name and section."""
        of_site = self._sites.get(site)
        if not of_site.layers and not of_site.articles:
            return inherit(())
        layers = [of_site.layers.get((SITE, "")), of_site.layers.get((SECTION, section or ""))]
        if article is not None and of_site.articles:
            layers.append(self._articles.get((site, article)))
        return inherit([layer for layer in layers if layer is not None])

    def forget(self) -> None:
        """Something was changed by this process just now."""
        self._sites.forget()
        self._articles.forget()


class PolicyChanges:
    """What the staff asks and sets."""

    def __init__(self, database: Database, known: Policies, log: Log) -> None:
        self._database = database
        self._known = known
        self._log = log

    def layers(
        self, site: str, scope: Scope, name: str = "", section: str | None = None
    ) -> tuple[Layer, Policy]:
        """What is set here itself, and what holds here, as SQL has it now.

        `section`: of the article, if it is one.
        """
        with self._database.read() as connection:
            return _layers(connection, site, scope, name, section)

    def change(
        self, member: Member, site: str, scope: Scope, name: str, values: Mapping[str, Any], *,
        version: int, whole: bool, section: str | None = None,
    ) -> tuple[Layer, Policy]:  # fmt: skip
        """Set values; None takes one back to what is inherited. `whole`: those that aren't named as well.

        `version`: the one that the caller has seen, 0 where nothing was ever set.
        Raises `Edited`, `Forbidden`, `Invalid`, `NotFound`, `Unavailable`.
        """
        member.require(POLICY, site)
        faults = {
            key: [told] for key, value in values.items() if value is not None and (told := fault(key, value))
        }
        if faults:
            raise Invalid(errors=faults)
        with self._database.write() as connection:
            # Changes of one site wait for each other here: a row that isn't there yet can't be locked.
            of_site = select(sites.c.key).where(sites.c.key == site).with_for_update(key_share=True)
            if connection.scalar(of_site) is None:
                raise NotFound("There is no such site.")
            layer, policy = _layers(connection, site, scope, name, section)
            if layer.version != version:
                raise Edited(f"It is at version {layer.version} by now.")
            now = clock.now()
            settings = changed(layer, values, now, member.id, whole=whole)
            if settings != layer.settings:
                _store(connection, site, layer, settings, now, member.id)
                memory.change(connection, WORD)
                layer, policy = _layers(connection, site, scope, name, section)
                subject = {
                    "scope": scope,
                    "name": name,
                    "version": layer.version,
                    "digest": _digest(settings),
                }
                self._log.append(connection, action=CHANGED, actor=member.actor, subject=subject, site=site)
        self._known.forget()
        return layer, policy


def _layers(
    connection: Connection, site: str, scope: Scope, name: str, section: str | None
) -> tuple[Layer, Policy]:
    of_site = _read_site(connection, site).layers
    own = Layer(scope, name)
    above = [of_site.get((SITE, ""))] if scope != SITE else []
    if scope == ARTICLE:
        above.append(of_site.get((SECTION, section or "")))
        own = _read_article(connection, (site, name))
    else:
        own = of_site.get((scope, name), own)
    return own, inherit([*(layer for layer in above if layer is not None), own])


def _read_site(connection: Connection, site: str) -> _OfSite:
    p = policies.c
    rows = connection.execute(select(policies).where(p.site == site, p.scope.in_((SITE, SECTION)))).all()
    of_articles = select(p.name).where(p.site == site, p.scope == ARTICLE).limit(1)
    layers = {(row.scope, row.name): _layer(row) for row in rows}
    return _OfSite(layers, connection.scalar(of_articles) is not None)


def _read_article(connection: Connection, named: tuple[str, str]) -> Layer:
    p = policies.c
    mine = (p.site == named[0], p.scope == ARTICLE, p.name == named[1])
    row = connection.execute(select(policies).where(*mine)).one_or_none()
    return Layer(ARTICLE, named[1]) if row is None else _layer(row)


def _layer(row: Row[Any]) -> Layer:
    settings = {
        # What a later release has set, and this one doesn't know, is left to that one.
        name: Setting(set["value"], datetime.fromisoformat(set["at"]), UUID(set["by"]) if set["by"] else None)
        for name, set in row.settings.items()
        if fault(name, set["value"]) is None
    }
    return Layer(row.scope, row.name, settings, row.version)


def _store(
    connection: Connection, site: str, layer: Layer, settings: Mapping[str, Setting], now: datetime, by: UUID
) -> None:
    values = {
        "settings": {
            name: {"value": s.value, "at": clock.rfc3339(s.at), "by": str(s.by) if s.by else None}
            for name, s in settings.items()
        },
        "version": layer.version + 1, "changed_at": now, "changed_by": by,
    }  # fmt: skip
    key = {"site": site, "scope": layer.scope, "name": layer.name}
    if layer.version:
        p = policies.c
        mine = (p.site == site, p.scope == layer.scope, p.name == layer.name)
        connection.execute(update(policies).where(*mine).values(**values))
    else:
        connection.execute(insert(policies).values(**key, **values))


def _digest(settings: Mapping[str, Setting]) -> str:
    """Of what holds now, so that the log shows which policy it was without saying it."""
    return sha256(orjson.dumps({name: settings[name].value for name in sorted(settings)})).hexdigest()
