"""Posting once, however often it is sent: idempotency keys, kept beside the comment they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import Connection, select

from engagement import clock
from engagement.db import bulk, names
from engagement.db.tables import articles, idempotency_keys
from engagement.errors import Invalid
from engagement.sites.service import Article

HEADER = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader sends to be posted. `signature`: of a `signed` site's page."""

    body: str
    parent_id: UUID | None = None
    signature: str | None = None
    idempotency_key: str | None = None

    def digest(self, article: str) -> str:
        """Of what the key stands for."""
        text = f"{article}\n{self.parent_id}\n{self.body}"
        return blake2b(text.encode(), digest_size=32).hexdigest()


def posted(connection: Connection, reader_id: UUID, article: str, draft: Draft) -> tuple[UUID, UUID] | None:
    """The article and comment (our ids) that this key was used for already.

    Raises `Invalid` if it was another draft.
    """
    if draft.idempotency_key is None:
        return None
    k = idempotency_keys.c
    row = connection.execute(
        select(k.article_id, k.comment_id, k.digest).where(
            k.reader_id == reader_id, k.key == draft.idempotency_key
        )
    ).one_or_none()
    if row is None:
        return None
    at: UUID = names.follow(connection, [row.article_id])[row.article_id]
    if at != row.article_id:  # posted on an article that was merged into this one since
        name = select(articles.c.external_id).where(articles.c.id == row.article_id)
        article = connection.execute(name).scalar_one()
    if row.digest != draft.digest(article):
        raise Invalid(errors={HEADER: ["was used for another comment"]})
    return at, row.comment_id


def claim(connection: Connection, reader_id: UUID, article: Article, draft: Draft, comment_id: UUID) -> bool:
    """Let the key stand for this comment, in the transaction that stores it; False if it is taken.

    Of two that claim a key at once, one waits until the other has committed.
    """
    if draft.idempotency_key is None:
        return True
    columns = ("reader_id", "key", "article_id", "comment_id", "digest", "created_at")
    digest = draft.digest(article.external_id)
    row = (reader_id, draft.idempotency_key, article.id, comment_id, digest, clock.now())
    return bulk.put(connection, idempotency_keys, columns, [row]) == 1
