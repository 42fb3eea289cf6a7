"""Posting once, however often it is sent: idempotency keys, kept beside the comment they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import Connection, insert, select

from engagement import clock
from engagement.db.tables import idempotency_keys
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
    if row.digest != draft.digest(article):
        raise Invalid(errors={HEADER: ["was used for another comment"]})
    return row.article_id, row.comment_id


def remember(
    connection: Connection, reader_id: UUID, article: Article, draft: Draft, comment_id: UUID
) -> None:
    """In the transaction that stores the comment."""
    if draft.idempotency_key is not None:
        connection.execute(
            insert(idempotency_keys).values(
                reader_id=reader_id,
                key=draft.idempotency_key,
                article_id=article.id,
                comment_id=comment_id,
                digest=draft.digest(article.external_id),
                created_at=clock.now(),
            )
        )
