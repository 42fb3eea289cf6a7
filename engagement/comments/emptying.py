"""Takes comments back: text, earlier texts and network go, the row stays, threads keep their shape."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, exists, select, tuple_, update

from engagement.comments.counting import DELETED, moved
from engagement.db.events import tell
from engagement.db.tables import comment_revisions, comments, text_digests

REMOVED = "comment.deleted"
Name = tuple[UUID, UUID]
"""A comment: its article, itself."""


def lock(connection: Connection, article_id: UUID, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """The rows of these comments, by id; until the transaction ends nobody answers them."""
    c = comments.c
    return connection.execute(
        select(comments).where(c.article_id == article_id, c.id.in_(ids)).order_by(c.id).with_for_update()
    ).all()


def lock_all(connection: Connection, names: Collection[Name]) -> Sequence[Row[Any]]:
    """As `lock`, of several articles: in the order of articles, then of ids."""
    c = comments.c
    mine = tuple_(c.article_id, c.id).in_(names)
    return connection.execute(
        select(comments).where(mine).order_by(c.article_id, c.id).with_for_update()
    ).all()


def empty(connection: Connection, row: Row[Any]) -> None:
    """Empty a comment that `lock` has answered. It stays in view, as a stone, while replies to it do."""
    c = comments.c
    shown = bool(row.shown and stands(connection, row))
    r = comment_revisions.c
    connection.execute(
        delete(comment_revisions).where(r.article_id == row.article_id, r.comment_id == row.id)
    )
    connection.execute(delete(text_digests).where(text_digests.c.comment_id == row.id))
    connection.execute(
        update(comments)
        .where(c.article_id == row.article_id, c.id == row.id)
        .values(
            status=DELETED, shown=shown, body="", body_html="", network="",
            held_for=None, pinned=False, featured=False, revision=row.revision + 1,
        )
    )  # fmt: skip
    event = moved((row.status, bool(row.shown)), (DELETED, shown), REMOVED)
    tell(connection, row.article_id, row.id, event.name, counted=event.counted, listed=event.listed)


def stands(connection: Connection, row: Row[Any]) -> bool:
    """Are replies to this comment shown, so that a stone holds its place?"""
    return bool(standing(connection, [(row.article_id, row.id)]))


def standing(connection: Connection, names: Collection[Name]) -> set[Name]:
    """Those of these comments that replies are shown to."""
    if not names:
        return set()
    c, reply = comments.c, comments.alias("reply").c
    answers = exists().where(reply.article_id == c.article_id, reply.parent_id == c.id, reply.shown)
    found = select(c.article_id, c.id).where(tuple_(c.article_id, c.id).in_(names), answers)
    return {(row.article_id, row.id) for row in connection.execute(found)}
