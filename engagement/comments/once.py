"""Posting once, however often it is sent: idempotency keys, kept beside the comment they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from engagement.db import names
from engagement.db.prepared import Prepared
from engagement.db.tables import articles, idempotency_keys
from engagement.errors import Invalid

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


def is_used(connection: Connection, reader_id: UUID, key: str) -> bool:
    """Does the reader's key stand for a comment? One statement: nearly always it does not."""
    return _USED.first(connection, {"reader_id": reader_id, "key": key}) is not None


def posted(connection: Connection, reader_id: UUID, article: str, draft: Draft) -> tuple[UUID, UUID] | None:
    """The article and comment (our ids) that this key was used for already.

    Raises `Invalid` if it was another draft.
    """
    if draft.idempotency_key is None:
        return None
    used = _USED.first(connection, {"reader_id": reader_id, "key": draft.idempotency_key})
    if used is None:
        return None
    article_id, comment_id, digest = used
    at: UUID = names.follow(connection, [article_id])[article_id]
    if at != article_id:  # posted on an article that was merged into this one since
        name = select(articles.c.external_id).where(articles.c.id == article_id)
        article = connection.execute(name).scalar_one()
    if digest != draft.digest(article):
        raise Invalid(errors={HEADER: ["was used for another comment"]})
    return at, comment_id


# Made once: the widget sends a key with every post.
_k = idempotency_keys.c
_USED = Prepared(
    select(_k.article_id, _k.comment_id, _k.digest).where(
        _k.reader_id == bindparam("reader_id", type_=_k.reader_id.type), _k.key == bindparam("key")
    )
)
