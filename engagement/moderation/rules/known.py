"""The rules of a site as each process knows them: read when they change, built once for each version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, select

from engagement.db.engine import Database
from engagement.db.tables import rules
from engagement.moderation.memory import Memory
from engagement.moderation.rules.kinds import DUPLICATE, KINDS, OFF, Rule, check_for
from engagement.sealing import Seal, Unopenable

log = structlog.get_logger()
WORD = "rules"
"""In `meta`."""
MAX_RULES = 100
"""Of a site."""
SECRET = "secret"
"""The setting that is never told, and stored sealed."""


@dataclass(frozen=True, slots=True)
class SiteRules:
    """Those that are not off. `of_text` ask the text alone, `others` somebody else."""

    of_text: tuple[Rule, ...] = ()
    others: tuple[Rule, ...] = ()
    remembers: bool = False
    """Does one of them ask what was said before?"""


NONE = SiteRules()


class Rules:
    """What is looked for on each site."""

    def __init__(self, database: Database, seal: Seal) -> None:
        """`seal`: what secrets are stored under."""
        self._seal = seal
        self._memory: Memory[str, Sequence[Row[Any]], SiteRules] = Memory(database, WORD, _read, self._build)

    def of(self, site: str) -> SiteRules:
        """The site's rules, at most a second old. Raises `DatabaseUnavailable` if they were never read."""
        return self._memory.get(site)

    def forget(self) -> None:
        """This process has just changed one."""
        self._memory.forget()

    def _build(self, rows: Sequence[Row[Any]], before: SiteRules | None) -> SiteRules:
        if not rows:
            return NONE
        had = {(rule.id, rule.version): rule for rule in (*before.of_text, *before.others)} if before else {}
        built = [had.get((row.id, row.version)) or self._ready(row) for row in rows]
        return SiteRules(
            tuple(rule for rule in built if rule.check is not None),
            tuple(rule for rule in built if rule.check is None),
            any(rule.kind == DUPLICATE for rule in built),
        )

    def _ready(self, row: Row[Any]) -> Rule:
        """The rule of a row, ready to look. Without its secret, if that can't be read: see `scorers`."""
        settings = row.settings
        if SECRET in settings:
            try:
                secret = self._seal.open(settings[SECRET], secret_of(row.id))
                settings = {**settings, SECRET: secret}
            except Unopenable:
                log.error("the secret of a rule can't be read: put it in anew", id=str(row.id))
                settings = {key: value for key, value in settings.items() if key != SECRET}
        return Rule(
            row.id, row.version, row.name, row.kind, row.mode, row.action, row.reason, settings,
            check_for(row.kind, settings),
        )  # fmt: skip


def secret_of(rule_id: UUID) -> str:
    """What a rule's secret is sealed for."""
    return f"rule {rule_id}"


def _read(connection: Connection, site: str) -> Sequence[Row[Any]]:
    r = rules.c
    mine = (r.site == site, r.deleted_at.is_(None), r.mode != OFF, r.kind.in_(KINDS))
    return connection.execute(select(rules).where(*mine).order_by(r.id)).all()
