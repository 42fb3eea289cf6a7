"""What was said lately, as far as rules and policies ask: one short read, before a text is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from engagement import clock
from engagement.comments.counting import APPROVED
from engagement.db.tables import articles, comments, text_digests
from engagement.moderation.readers import standing
from engagement.moderation.rules.settings import WEEK

KEPT: Final = timedelta(seconds=WEEK)
"""How long digests of texts are."""
SWEPT: Final = 20
"""Old digests that go with each new one: they never pile up."""


_c = comments.c
_ARTICLE = (
    select(articles.c.id)
    .where(articles.c.site == bindparam("site"), articles.c.external_id == bindparam("name"))
    .scalar_subquery()
)
_LAST = (
    select(_c.created_at)
    .where(_c.article_id == _ARTICLE, _c.reader_id == bindparam("reader"))
    .order_by(_c.id.desc())
    .limit(1)
)
_STANDING = select(func.count()).select_from(
    select(_c.id)
    .where(_c.reader_id == bindparam("reader"), _c.status == APPROVED)
    .limit(bindparam("most"))
    .subquery()
)
_d = text_digests.c
_SAID = (
    select(_d.comment_id)
    .where(_d.site == bindparam("site"), _d.digest == bindparam("digest"), _d.created_at > bindparam("since"))
    .limit(bindparam("most"))
)


def last_comment(connection: Connection, site: str, name: str, reader_id: UUID) -> datetime | None:
    """When the reader has commented last on the article of this name, which may be there by now or not."""
    asked = {"site": site, "name": name, "reader": reader_id}
    found: datetime | None = connection.scalar(_LAST, asked)
    return found


def is_new(connection: Connection, reader_id: UUID, first: int) -> bool:
    """Do fewer than `first` comments of the reader stand, and does no moderator trust them?"""
    trust = standing.trust_of(connection, reader_id)
    if trust != standing.USUAL:
        return trust == standing.NEW
    return (connection.scalar(_STANDING, {"reader": reader_id, "most": first}) or 0) < first


def said(
    connection: Connection, site: str, digest: str, within: int, most: int, but: UUID | None
) -> list[UUID]:
    """Comments that have said it within so many seconds, `most` at most; `but` for this one."""
    since = clock.now() - timedelta(seconds=within)
    asked = {"site": site, "digest": digest, "since": since, "most": most + 1}
    return [id for id in connection.scalars(_SAID, asked) if id != but][:most]


def remember(connection: Connection, said: Sequence[tuple[str, str, UUID]]) -> None:
    """In the transaction that stores texts: they were said. Of each its site, its digest, its comment."""
    if not said:
        return
    d, now = text_digests.c, clock.now()
    connection.execute(delete(text_digests).where(d.comment_id.in_([comment_id for *_, comment_id in said])))
    connection.execute(
        insert(text_digests),
        [
            {"site": site, "digest": digest, "comment_id": comment_id, "created_at": now}
            for site, digest, comment_id in said
        ],
    )
    most = SWEPT * len(said)
    old = select(d.comment_id).where(d.created_at < now - KEPT).order_by(d.created_at).limit(most)
    gone = list(connection.scalars(old.with_for_update(skip_locked=True)))
    if gone:
        connection.execute(delete(text_digests).where(d.comment_id.in_(gone)))
