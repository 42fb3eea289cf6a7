"""Statements of reasons: one for each restriction (Digital Services Act, article 17).

A statement is made and withdrawn in the transaction that restricts or sets free. Of a comment at most one
stands: what restricts it anew takes the place of what did before.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, select, update

from engagement import clock
from engagement.comments.counting import DELETED, PENDING, REJECTED
from engagement.comments.counting import SPAM as SPAM_STATUS
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


def make(
    connection: Connection,
    *,
    site: str,
    reader_id: UUID,
    restriction: str,
    reason: str,
    facts: str,
    article_id: UUID | None = None,
    comment_id: UUID | None = None,
    revision: int | None = None,
    ban_id: UUID | None = None,
    decision_id: UUID | None = None,
    rule_id: UUID | None = None,
    rule_version: int | None = None,
    automated_detection: bool = False,
    automated_decision: bool = False,
    ends_at: datetime | None = None,
    reference: str | None = None,
) -> UUID:
    """State why something of this reader is restricted; answers the statement's id.

    `restriction`: of `RESTRICTIONS`. `reason`: a code of `reasons`. `facts`: what was found, in words for the
    reader. `reference`: the law or rule, in place of the reason's own.
    """
    if comment_id is not None:
        withdraw(connection, article_id=article_id, comment_id=comment_id)
    id, now, why = clock.new_id(), clock.now(), reason_of(reason)
    connection.execute(
        insert(statements).values(
            id=id, site=site, reader_id=reader_id, article_id=article_id, comment_id=comment_id,
            revision=revision, ban_id=ban_id, decision_id=decision_id, restriction=restriction, reason=reason,
            facts=facts, ground=why.ground, ground_reference=reference or why.reference, rule_id=rule_id,
            rule_version=rule_version, automated_detection=automated_detection,
            automated_decision=automated_decision, starts_at=now, ends_at=ends_at, created_at=now,
        )
    )  # fmt: skip
    return id


def withdraw(
    connection: Connection,
    *,
    article_id: UUID | None = None,
    comment_id: UUID | None = None,
    ban_id: UUID | None = None,
) -> int:
    """Say that the restriction of this comment, or this ban, is no more; answers how many statements stood.

    An appeal against one that nobody has decided yet is settled.
    """
    s, now = statements.c, clock.now()
    about = [s.ban_id == ban_id] if ban_id is not None else _about(article_id, comment_id)
    standing = select(s.id).where(*about, s.withdrawn_at.is_(None))
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


def _about(article_id: UUID | None, comment_id: UUID | None) -> list[ColumnElement[Any]]:
    if article_id is None or comment_id is None:
        raise ValueError("a comment is named by its article and its id")
    return [statements.c.article_id == article_id, statements.c.comment_id == comment_id]
