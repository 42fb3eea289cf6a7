"""What the comment calls take and answer."""

from __future__ import annotations

import marshmallow as ma

from engagement.comments.once import HEADER
from engagement.comments.paging import MAX_CURSOR, MAX_PAGE, PAGE
from engagement.comments.ranking import DEFAULT_ORDER, ORDERS, REPLY_ORDER
from engagement.sites.schemas import WriteHeadersSchema


def _sort(default: str) -> ma.fields.String:
    return ma.fields.String(load_default=default, validate=ma.validate.OneOf(list(ORDERS)))


def _limit() -> ma.fields.Integer:
    return ma.fields.Integer(load_default=PAGE, strict=False, validate=ma.validate.Range(1, MAX_PAGE))


class PageArgumentsSchema(ma.Schema):
    """Which page of an article's threads."""

    sort = _sort(DEFAULT_ORDER)
    limit = _limit()
    cursor = ma.fields.String(
        validate=ma.validate.Length(1, MAX_CURSOR),
        metadata={"description": "`next_cursor` of the page before"},
    )


class RepliesArgumentsSchema(PageArgumentsSchema):
    """Which page of a comment's replies."""

    sort = _sort(REPLY_ORDER)


class FooterArgumentsSchema(ma.Schema):
    """Which first page."""

    sort = _sort(DEFAULT_ORDER)
    limit = _limit()


class NewCommentSchema(ma.Schema):
    """A comment to post."""

    body = ma.fields.String(required=True, metadata={"description": "Markdown without HTML and images"})
    parent_id = ma.fields.UUID(allow_none=True, metadata={"description": "The comment that this one answers"})


class BodySchema(ma.Schema):
    """The text of a comment."""

    body = ma.fields.String(required=True, metadata={"description": "Markdown without HTML and images"})


class PreviewSchema(ma.Schema):
    """How it would look."""

    body_html = ma.fields.String(required=True)


class ChangeHeadersSchema(ma.Schema):
    """Headers of a change to a comment."""

    if_match = ma.fields.String(
        data_key="If-Match", metadata={"description": 'The revision that the caller has seen: `"1"`'}
    )


class PostHeadersSchema(WriteHeadersSchema):
    """Headers of a comment to post."""

    idempotency_key = ma.fields.String(
        data_key=HEADER,
        validate=ma.validate.Length(1, 200),
        metadata={"description": "The same comment with the same key is posted once, within a day"},
    )


class VoteSchema(ma.Schema):
    """A vote on a comment: 1 up, -1 down, 0 none."""

    value = ma.fields.Integer(required=True, strict=True, validate=ma.validate.OneOf([1, 0, -1]))


class VotesSchema(ma.Schema):
    """Votes on a comment."""

    up = ma.fields.Integer(required=True)
    down = ma.fields.Integer(required=True)
    score = ma.fields.Integer(required=True, metadata={"description": "up - down"})


class VotedSchema(ma.Schema):
    """One's vote now, and all votes with it."""

    value = ma.fields.Integer(required=True)
    votes = ma.fields.Nested(VotesSchema, required=True)


class AuthorSchema(ma.Schema):
    """Who wrote a comment; of a removed one all is null."""

    id = ma.fields.UUID(required=True, allow_none=True)
    name = ma.fields.String(required=True, allow_none=True)
    avatar_url = ma.fields.String(required=True, allow_none=True)
    badges = ma.fields.List(ma.fields.String(), required=True)


class CommentSchema(ma.Schema):
    """A comment, with its first replies."""

    id = ma.fields.UUID(required=True)
    parent_id = ma.fields.UUID(required=True, allow_none=True)
    depth = ma.fields.Integer(required=True)
    author = ma.fields.Nested(AuthorSchema, required=True)
    body_html = ma.fields.String(
        required=True, metadata={"description": "Safe, allow-listed HTML; empty in a removed comment"}
    )
    status = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["approved", "pending", "removed"]),
        metadata={"description": "A removed comment holds its place in the thread: show that it was removed"},
    )
    held_for = ma.fields.String(
        metadata={"description": "Of one's own comment that waits, or was refused: why"}
    )
    created_at = ma.fields.AwareDateTime(required=True)
    edited_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    revision = ma.fields.Integer(required=True)
    votes = ma.fields.Nested(VotesSchema, required=True)
    reply_count = ma.fields.Integer(required=True)
    replies = ma.fields.Nested("CommentListSchema", required=True)
    replies_open = ma.fields.Boolean(
        required=True, metadata={"description": "False: its thread is closed, nobody answers it any more"}
    )
    pinned = ma.fields.Boolean(required=True)
    featured = ma.fields.Boolean(required=True)


class OwnCommentSchema(CommentSchema):
    """A comment, as its author alone sees it."""

    status = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["approved", "pending", "rejected", "spam", "removed"])
    )
    body = ma.fields.String(required=True, metadata={"description": "As it was written: Markdown"})
    editable_until = ma.fields.AwareDateTime(required=True)
    place_id = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The comment in whose `replies` it is listed; null: in the article's list"},
    )


class OwnSchema(ma.Schema):
    """What it takes to edit a comment of one's own."""

    body = ma.fields.String(required=True, metadata={"description": "As it was written: Markdown"})
    revision = ma.fields.Integer(required=True)
    editable_until = ma.fields.AwareDateTime(required=True)


class CommentListSchema(ma.Schema):
    """A page of comments."""

    items = ma.fields.List(ma.fields.Nested(CommentSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
    sort = ma.fields.String(required=True)
    total = ma.fields.Integer(required=True)


class PermalinkSchema(ma.Schema):
    """A comment, and those above it from the thread's first on."""

    comment = ma.fields.Nested(CommentSchema, required=True)
    ancestors = ma.fields.List(ma.fields.Nested(CommentSchema), required=True)
