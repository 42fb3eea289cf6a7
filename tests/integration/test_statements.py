"""Statements of reasons, in the transaction that restricts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from engagement import clock
from engagement.db.engine import Database
from engagement.db.tables import appeals, statements
from engagement.moderation.statements.statements import HOLD, OPEN, REMOVAL, SETTLED, make, withdraw

ARTICLE, COMMENT, READER = clock.new_id(), clock.new_id(), clock.new_id()


def state(database: Database, restriction: str, reason: str = "spam", **more: Any) -> UUID:
    with database.write() as connection:
        return make(
            connection, site="demo", reader_id=READER, restriction=restriction, reason=reason,
            facts="A link to a shop.", article_id=ARTICLE, comment_id=COMMENT, revision=1, **more,
        )  # fmt: skip


def read(database: Database, id: UUID) -> Any:
    with database.read() as connection:
        return connection.execute(select(statements).where(statements.c.id == id)).one()


def test_a_statement_tells_the_ground_of_its_reason_or_the_law_that_is_named(database: Database) -> None:
    made = read(database, state(database, REMOVAL, "spam"))
    assert (made.ground, made.ground_reference) == (
        "terms", "The rules of this conversation: no advertising and no spam"
    )  # fmt: skip
    made = read(database, state(database, REMOVAL, "illegal", reference="§ 130 StGB"))
    assert (made.ground, made.ground_reference) == ("illegal", "§ 130 StGB")


def test_what_restricts_a_comment_anew_takes_the_place_of_what_did_before(database: Database) -> None:
    held = state(database, HOLD, "link")
    assert read(database, held).withdrawn_at is None
    removed = state(database, REMOVAL)
    assert read(database, held).withdrawn_at is not None
    assert read(database, removed).withdrawn_at is None


def test_what_is_withdrawn_settles_the_appeal_that_nobody_has_decided(database: Database) -> None:
    id = state(database, HOLD, "link")
    appeal = {
        "id": clock.new_id(), "statement_id": id, "site": "demo", "reader_id": READER, "text": "Why?",
        "state": OPEN, "created_at": clock.now(),
    }  # fmt: skip
    with database.write() as connection:
        connection.execute(insert(appeals).values(appeal))
        assert withdraw(connection, article_id=ARTICLE, comment_id=COMMENT) == 1
        assert withdraw(connection, article_id=ARTICLE, comment_id=COMMENT) == 0
        assert connection.scalar(select(appeals.c.state)) == SETTLED
