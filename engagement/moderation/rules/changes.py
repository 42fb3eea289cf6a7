"""What the staff does with rules: each change is a new version, and every version stays to be read."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, Row, func, insert, select, update

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import rule_versions, rules, sites
from engagement.errors import Edited, Invalid, NotFound
from engagement.moderation import memory
from engagement.moderation.policy.policies import Log
from engagement.moderation.rules.known import MAX_RULES, SECRET, WORD, Rules, secret_of
from engagement.moderation.rules.settings import checked
from engagement.sealing import Seal, Unopenable
from engagement.staff.members import Member
from engagement.staff.roles import RULES

NOT_THERE = "There is no such rule."
UNREADABLE = "was stored under another secret key of the service and can't be read: send it anew"
VERSION = ("version", "name", "mode", "action", "reason", "settings", "changed_at", "changed_by")


class RuleChanges:
    """Lists, makes, changes and ends rules. All raise `NotFound`, `Unavailable`."""

    def __init__(self, database: Database, known: Rules, log: Log, seal: Seal) -> None:
        """`seal`: as `known` has it."""
        self._database = database
        self._known = known
        self._log = log
        self._seal = seal

    def all(self, site: str) -> list[dict[str, Any]]:
        """The site's rules, as they were made; `MAX_RULES` at most."""
        r = rules.c
        with self._database.read() as connection:
            found = connection.execute(
                select(rules).where(r.site == site, r.deleted_at.is_(None)).order_by(r.id)
            )
            return [told(row) for row in found]

    def one(self, site: str, rule_id: UUID) -> dict[str, Any]:
        """A rule."""
        with self._database.read() as connection:
            return told(_rule(connection, site, rule_id))

    def versions(
        self, site: str, rule_id: UUID, limit: int, before: int | None = None
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Versions of a rule, be it deleted, newest first, and the number to go on before."""
        v = rule_versions.c
        with self._database.read() as connection:
            _rule(connection, site, rule_id, deleted=True)
            statement = select(rule_versions).where(v.rule_id == rule_id).order_by(v.version.desc())
            if before is not None:
                statement = statement.where(v.version < before)
            found = connection.execute(statement.limit(limit + 1)).all()
        more = found[limit - 1].version if len(found) > limit else None
        return [_version(row) for row in found[:limit]], more

    def create(self, member: Member, site: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Make a rule, at version 1. Raises `Forbidden`, `Invalid`."""
        member.require(RULES, site)
        values = checked(given)
        r, now = rules.c, clock.now()
        row = {
            "id": clock.new_id(), "site": site, "version": 1, "created_at": now, "changed_at": now,
            "changed_by": member.id, **values,
        }  # fmt: skip
        with self._database.write() as connection:
            # Those who make rules of one site wait for each other here.
            mine = select(sites.c.key).where(sites.c.key == site).with_for_update(key_share=True)
            if connection.scalar(mine) is None:
                raise NotFound("There is no such site.")
            there = select(func.count()).where(r.site == site, r.deleted_at.is_(None))
            if (connection.scalar(there) or 0) >= MAX_RULES:
                raise Invalid(errors={"name": [f"would be one more than the {MAX_RULES} rules of a site"]})
            connection.execute(insert(rules), self._sealed(row))
            self._keep(connection, member, row, "rule.made")
        self._known.forget()
        return self.one(site, row["id"])

    def replace(
        self, member: Member, site: str, rule_id: UUID, given: Mapping[str, Any], version: int
    ) -> dict[str, Any]:
        """Make a new version of a rule; its kind stays, and a secret that isn't sent, for the same address.

        `version`: the one that the caller has seen. Raises `Edited`, `Forbidden`, `Invalid`.
        """
        member.require(RULES, site)
        with self._database.write() as connection:
            before = self._lock(connection, site, rule_id, version)
            values = checked(self._with_secret(given, before))
            if values["kind"] != before.kind:
                raise Invalid(errors={"kind": [f"stays {before.kind}: make another rule"]})
            changes = {
                **values, "version": version + 1, "changed_at": clock.now(), "changed_by": member.id,
            }  # fmt: skip
            row = {"id": rule_id, "site": site, **changes}
            connection.execute(update(rules).where(rules.c.id == rule_id).values(**self._sealed(row)))
            self._keep(connection, member, row, "rule.changed")
        self._known.forget()
        return self.one(site, rule_id)

    def delete(self, member: Member, site: str, rule_id: UUID, version: int) -> None:
        """End a rule; what it has held stays as it is. Raises `Edited`, `Forbidden`."""
        member.require(RULES, site)
        with self._database.write() as connection:
            self._lock(connection, site, rule_id, version)
            connection.execute(update(rules).where(rules.c.id == rule_id).values(deleted_at=clock.now()))
            memory.change(connection, WORD)
            subject = {"rule_id": str(rule_id), "version": version}
            self._log.append(
                connection, action="rule.deleted", actor=member.actor, subject=subject, site=site
            )
        self._known.forget()

    def _lock(self, connection: Connection, site: str, rule_id: UUID, version: int) -> Row[Any]:
        row = _rule(connection, site, rule_id, lock=True)
        if row.version != version:
            raise Edited(f"It is at version {row.version} by now.")
        return row

    def _sealed(self, row: dict[str, Any]) -> dict[str, Any]:
        """As it is stored."""
        settings = row["settings"]
        if SECRET not in settings:
            return row
        return {
            **row,
            "settings": {**settings, SECRET: self._seal.close(settings[SECRET], secret_of(row["id"]))},
        }

    def _with_secret(self, given: Mapping[str, Any], before: Row[Any]) -> Mapping[str, Any]:
        """A secret goes on to where it went before, and nowhere else: who changes that may not know it.

        Raises `Invalid` if it can't be read any more.
        """
        settings = given.get("settings")
        if SECRET not in before.settings or not isinstance(settings, Mapping) or SECRET in settings:
            return given
        same = all(
            settings.get(key, usual) == before.settings.get(key, usual) for key, usual in _WHERE.items()
        )
        if not same:
            return given
        try:
            secret = self._seal.open(before.settings[SECRET], secret_of(before.id))
        except Unopenable:
            raise Invalid(errors={f"settings.{SECRET}": [UNREADABLE]}) from None
        return {**given, "settings": {**settings, SECRET: secret}}

    def _keep(self, connection: Connection, member: Member, row: Mapping[str, Any], action: str) -> None:
        """The version as it is now, for those who ask later what a comment was held for."""
        # Not the secret: nobody is told it, and keyed or not, a digest of a short one would give it away.
        public = {key: value for key, value in row["settings"].items() if key != SECRET}
        version = {name: row[name] for name in VERSION} | {"settings": public}
        connection.execute(insert(rule_versions), {"rule_id": row["id"], **version})
        memory.change(connection, WORD)
        digest = sha256(orjson.dumps([row["mode"], row["action"], row["reason"], public])).hexdigest()
        subject = {"rule_id": str(row["id"]), "version": row["version"], "digest": digest}
        self._log.append(connection, action=action, actor=member.actor, subject=subject, site=row["site"])


def told(row: Row[Any]) -> dict[str, Any]:
    """A rule as the staff sees it, without its secret."""
    return {
        "id": str(row.id),
        "kind": row.kind,
        "created_at": clock.rfc3339(row.created_at),
        **_version(row),
    }


def _version(row: Row[Any]) -> dict[str, Any]:
    return {
        "version": row.version,
        "name": row.name,
        "mode": row.mode,
        "action": row.action,
        "reason": row.reason,
        "settings": {key: value for key, value in row.settings.items() if key != SECRET},
        "changed_at": clock.rfc3339(row.changed_at),
        "changed_by": str(row.changed_by) if row.changed_by else None,
    }


def _rule(
    connection: Connection, site: str, rule_id: UUID, *, lock: bool = False, deleted: bool = False
) -> Row[Any]:
    statement = select(rules).where(rules.c.id == rule_id, rules.c.site == site)
    if not deleted:
        statement = statement.where(rules.c.deleted_at.is_(None))
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise NotFound(NOT_THERE)
    return row


_WHERE: Final = {"scorer": "http", "url": None}
