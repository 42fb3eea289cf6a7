"""Secrets of scorers: who has the database alone can't read them, and who has lost the secret key is told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from engagement.db.engine import Database
from engagement.db.tables import rule_versions, rules
from engagement.errors import Invalid
from engagement.fetching import Fetcher
from engagement.moderation.log.service import ModerationLog
from engagement.moderation.rules.changes import RuleChanges
from engagement.moderation.rules.known import Rules
from engagement.moderation.rules.scoring import Down
from engagement.moderation.scorers import HttpScorers
from engagement.sealing import Seal
from engagement.settings import Settings
from engagement.staff.members import Member

ADMIN = Member(UUID(int=7), "demo", "admin", "An admin")
WORD = "a-very-secret-word"
SETTINGS = {"url": "https://scorer.example/", "secret": WORD, "threshold": 0.8}
GIVEN = {
    "name": "R", "mode": "on", "action": "hold", "reason": "scorer", "kind": "scorer", "settings": SETTINGS,
}  # fmt: skip


class Keeping:
    """The staff's side of rules, and a process that follows them, under a secret key."""

    def __init__(self, database: Database, settings: Settings, secret_key: str = "") -> None:
        self.database = database
        seal = Seal(secret_key or settings.secret_key)
        self.rules = Rules(database, seal)
        self.changes = RuleChanges(database, self.rules, ModerationLog(settings.secret_key), seal)

    @property
    def known(self) -> dict[str, Any]:
        """The settings of the site's one rule."""
        (rule,) = self.rules.of("demo").others
        return dict(rule.settings)

    def stored(self) -> str:
        """All that SQL holds of rules' settings."""
        with self.database.read() as connection:
            return repr(
                [connection.scalars(select(table.c.settings)).all() for table in (rules, rule_versions)]
            )


@pytest.fixture
def keeping(database: Database, settings: Settings) -> Keeping:
    return Keeping(database, settings)


def test_who_has_the_database_alone_cannot_read_a_secret(keeping: Keeping) -> None:
    made = keeping.changes.create(ADMIN, "demo", GIVEN)
    assert keeping.known["secret"] == WORD
    assert WORD not in keeping.stored()
    id = UUID(made["id"])
    url = {name: value for name, value in SETTINGS.items() if name != "secret"}
    keeping.changes.replace(ADMIN, "demo", id, GIVEN | {"settings": url | {"threshold": 0.5}}, 1)
    assert (keeping.known["secret"], keeping.known["threshold"]) == (WORD, 0.5)
    keeping.changes.replace(ADMIN, "demo", id, GIVEN | {"settings": SETTINGS | {"secret": "another word"}}, 2)
    assert keeping.known["secret"] == "another word"
    assert WORD not in keeping.stored()
    assert "another word" not in keeping.stored()


def test_what_earlier_releases_stored_is_read_and_sealed_with_the_next_change(keeping: Keeping) -> None:
    id = UUID(keeping.changes.create(ADMIN, "demo", GIVEN)["id"])
    with keeping.database.write() as connection:
        connection.execute(update(rules).values(settings=SETTINGS))
    keeping.rules.forget()
    assert keeping.known["secret"] == WORD
    unchanged = {name: value for name, value in SETTINGS.items() if name != "secret"}
    keeping.changes.replace(ADMIN, "demo", id, GIVEN | {"settings": unchanged}, 1)
    assert keeping.known["secret"] == WORD
    assert WORD not in keeping.stored()


def test_under_another_secret_key_the_scorer_is_down_until_its_secret_is_sent_anew(
    keeping: Keeping, database: Database, settings: Settings
) -> None:
    id = UUID(keeping.changes.create(ADMIN, "demo", GIVEN)["id"])
    other = Keeping(database, settings, "another secret key, as long as one has to be")
    assert "secret" not in other.known
    answer = HttpScorers(Fetcher(settings)).score(other.known, "a text", {})
    assert isinstance(answer, Down)
    assert "secret" in answer.why
    unchanged = {name: value for name, value in SETTINGS.items() if name != "secret"}
    with pytest.raises(Invalid) as refused:
        other.changes.replace(ADMIN, "demo", id, GIVEN | {"settings": unchanged}, 1)
    assert list(refused.value.errors or ()) == ["settings.secret"]
    other.changes.replace(ADMIN, "demo", id, GIVEN, 1)
    assert other.known["secret"] == WORD


def test_a_secret_that_was_moved_to_another_rule_is_not_opened(keeping: Keeping) -> None:
    first = UUID(keeping.changes.create(ADMIN, "demo", GIVEN)["id"])
    keeping.changes.create(ADMIN, "demo", GIVEN | {"settings": SETTINGS | {"url": "https://evil.example/"}})
    with keeping.database.write() as connection:
        sealed = connection.scalars(select(rules.c.settings).where(rules.c.id == first)).one()
        moved = SETTINGS | {"url": "https://evil.example/", "secret": sealed["secret"]}
        connection.execute(update(rules).where(rules.c.id != first).values(settings=moved))
    keeping.rules.forget()
    mine, moved_to = keeping.rules.of("demo").others
    assert mine.settings["secret"] == WORD
    assert "secret" not in moved_to.settings
