"""Statements of reasons: one for each restriction (Digital Services Act, article 17).

A statement is made and withdrawn in the transaction that restricts or sets free. Of a comment at most one
stands: what restricts it anew takes the place of what did before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, select, update

from engagement import clock
from engagement.comments.counting import DELETED, PENDING, REJECTED
from engagement.comments.counting import SPAM as SPAM_STATUS
from engagement.db import bulk
from engagement.db.tables import appeals, statements
from engagement.moderation.statements.reasons import reason_of

HOLD, REMOVAL, SPAM = "hold", "removal", "spam"
"""Restrictions of a comment: it waits for a moderator, it is gone from view, also as spam."""
WARNING, SUSPENSION, BAN, SHADOW = "warning", "suspension", "ban", "shadow"
"""Restrictions of a reader, by the kinds of bans."""
RESTRICTIONS: Final = (HOLD, REMOVAL, SPAM, WARNING, SUSPENSION, BAN, SHADOW)
OF_STATUS: Final = {PENDING: HOLD, REJECTED: REMOVAL, SPAM_STATUS: SPAM, DELETED: REMOVAL}
"""Status of a comment → its restriction."""

OPEN, GRANTED, REFUSED, SETTLED = "open", "granted", "refused", "settled"
"""States of an appeal. Settled: there was nothing left to decide, the restriction is no more."""


class _Needed(TypedDict):
    site: str
    reader_id: UUID
    restriction: str
    reason: str
    facts: str


class Stated(_Needed, total=False):
    """What a statement says. `restriction`: of `RESTRICTIONS`. `reason`: a code of `reasons`.

    `facts`: what was found, in words for the reader. `reference`: the law or rule, in place of the reason's
    own. What is not given is nothing, and not automated.
    """

    article_id: UUID | None
    comment_id: UUID | None
    revision: int | None
    ban_id: UUID | None
    decision_id: UUID | None
    rule_id: UUID | None
    rule_version: int | None
    automated_detection: bool
    automated_decision: bool
    ends_at: datetime | None
    reference: str | None


def make(connection: Connection, **stated: Unpack[Stated]) -> UUID:
    """State why something of a reader is restricted; answers the statement's id."""
    return make_all(connection, [stated])[0]


def make_all(connection: Connection, all: Sequence[Stated]) -> list[UUID]:
    """As `make`, of many, each comment of which comes once."""
    about = [(one.get("article_id"), one.get("comment_id")) for one in all]
    withdraw_all(connection, [(a, c) for a, c in about if a is not None and c is not None])
    now, rows = clock.now(), []
    for one in all:
        why = reason_of(one["reason"])
        given: dict[str, Any] = {**NOTHING, **one}
        reference = given.pop("reference")
        given |= {"ground": why.ground, "ground_reference": reference or why.reference}
        rows.append({"id": clock.new_id(), **given, "starts_at": now, "created_at": now})
    if rows:
        connection.execute(insert(statements), rows)
    return [row["id"] for row in rows]


NOTHING: Final[dict[str, Any]] = {
    **dict.fromkeys(Stated.__optional_keys__), "automated_detection": False, "automated_decision": False
}  # fmt: skip
"""What a statement says where nothing is given."""


def withdraw(connection: Connection, *, article_id: UUID, comment_id: UUID) -> int:
    """Say that the restriction of a comment is no more; answers how many statements stood.

    An appeal against one that nobody has decided yet is settled.
    """
    return withdraw_all(connection, [(article_id, comment_id)])


def withdraw_all(connection: Connection, names: Sequence[tuple[UUID, UUID]]) -> int:
    """As `withdraw`, of many comments: article, itself."""
    found = bulk.fetch(connection, statements, ("article_id", "comment_id"), names, ("id", "withdrawn_at"))
    return _withdraw(connection, statements.c.id.in_([id for id, withdrawn in found if withdrawn is None]))


def withdraw_ban(connection: Connection, ban_id: UUID) -> int:
    """As `withdraw`, of the restriction by this ban."""
    return _withdraw(connection, statements.c.ban_id == ban_id)


def _withdraw(connection: Connection, about: ColumnElement[bool]) -> int:
    s, now = statements.c, clock.now()
    standing = select(s.id).where(about, s.withdrawn_at.is_(None))
    ids = connection.scalars(standing.order_by(s.id).with_for_update()).all()
    if not ids:
        return 0
    connection.execute(update(statements).where(s.id.in_(ids)).values(withdrawn_at=now))
    connection.execute(
        update(appeals)
        .where(appeals.c.statement_id.in_(ids), appeals.c.state == OPEN)
        .values(state=SETTLED, decided_at=now)
    )
    return len(ids)
