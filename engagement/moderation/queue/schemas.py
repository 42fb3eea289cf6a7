"""What the calls of queues and claims take and answer."""

from __future__ import annotations

import marshmallow as ma

from engagement.comments.schemas import VotesSchema
from engagement.moderation.queue.service import (
    COUNTED,
    LOOKED_THROUGH,
    MAX_PAGE,
    OLDEST,
    PAGE,
    PENDING,
    QUEUES,
    SORTS,
)

MAX_WORDS = 200
"""Characters of a search."""
MAX_CURSOR = 300


class QueueArgumentsSchema(ma.Schema):
    """Which comments, in which order."""

    queue = ma.fields.String(load_default=PENDING, validate=ma.validate.OneOf(QUEUES))
    sort = ma.fields.String(load_default=OLDEST, validate=ma.validate.OneOf(SORTS))
    section = ma.fields.String(validate=ma.validate.Length(1, 100))
    article = ma.fields.String(
        validate=ma.validate.Length(1, 2_048), metadata={"description": "The publisher's id of an article"}
    )
    reader = ma.fields.UUID()
    rule = ma.fields.UUID(metadata={"description": "The rule that held or refused it"})
    author = ma.fields.String(
        validate=ma.validate.Length(1, 200),
        metadata={"description": "How the author's name begins, or the author's id"},
    )
    q = ma.fields.String(
        validate=[ma.validate.Length(1, MAX_WORDS), ma.validate.Regexp(r".*\S")],
        metadata={
            "description": "Words that all stand in the text. One call looks through "
            f"{LOOKED_THROUGH} comments at most, so that a page may be short, or empty: "
            "there is more as long as there is a cursor"
        },
    )
    limit = ma.fields.Integer(load_default=PAGE, strict=False, validate=ma.validate.Range(1, MAX_PAGE))
    cursor = ma.fields.String(
        validate=ma.validate.Length(1, MAX_CURSOR),
        metadata={"description": "`next_cursor` of the page before"},
    )


class PlaceSchema(ma.Schema):
    """An article, as its publisher knows it."""

    id = ma.fields.String(required=True)
    title = ma.fields.String(required=True, allow_none=True)
    url = ma.fields.String(required=True, allow_none=True)
    section = ma.fields.String(required=True, allow_none=True)


class WriterSchema(ma.Schema):
    """Who wrote a comment."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, allow_none=True)
    avatar_url = ma.fields.String(required=True, allow_none=True)
    badges = ma.fields.List(ma.fields.String(), required=True)


class KnownWriterSchema(WriterSchema):
    """With a small history."""

    comments = ma.fields.Integer(required=True, metadata={"description": "Counted up to 1,000"})
    rejected = ma.fields.Integer(required=True)
    bans = ma.fields.Integer(required=True)


class AnsweredSchema(ma.Schema):
    """The comment that it answers."""

    id = ma.fields.UUID(required=True)
    author = ma.fields.Nested(WriterSchema, required=True)
    body = ma.fields.String(required=True)
    body_html = ma.fields.String(required=True)
    status = ma.fields.String(required=True)


class NamedSchema(ma.Schema):
    """One of the staff."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, allow_none=True)


class VersionSchema(ma.Schema):
    """A rule, as it was."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, allow_none=True)
    version = ma.fields.Integer(required=True, allow_none=True)


class HitSchema(ma.Schema):
    """Why a rule or (null) a policy has held or refused a text."""

    rule = ma.fields.Nested(VersionSchema, required=True, allow_none=True)
    reason = ma.fields.String(required=True)
    action = ma.fields.String(required=True)
    shadow = ma.fields.Boolean(required=True, metadata={"description": "It was only noted"})
    revision = ma.fields.Integer(required=True, metadata={"description": "Of the text that it was found in"})
    found = ma.fields.Dict(
        required=True, metadata={"description": "What, and where in `body`: `phrase`, `start`, `end`, …"}
    )
    score = ma.fields.Float(required=True, allow_none=True)


class ClaimSchema(ma.Schema):
    """Who is on it, until when."""

    by = ma.fields.Nested(NamedSchema, required=True)
    until = ma.fields.AwareDateTime(required=True)
    mine = ma.fields.Boolean(required=True)


class CaseSchema(ma.Schema):
    """A comment, with what it takes to decide on it."""

    id = ma.fields.UUID(required=True)
    body = ma.fields.String(required=True, metadata={"description": "As it was written: Markdown"})
    body_html = ma.fields.String(required=True, metadata={"description": "Safe, allow-listed HTML"})
    status = ma.fields.String(required=True)
    held_for = ma.fields.String(required=True, allow_none=True)
    revision = ma.fields.Integer(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    edited_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    votes = ma.fields.Nested(VotesSchema, required=True)
    reply_count = ma.fields.Integer(required=True)
    pinned = ma.fields.Boolean(required=True)
    featured = ma.fields.Boolean(required=True)
    replies_closed = ma.fields.Boolean(required=True)
    article = ma.fields.Nested(PlaceSchema, required=True)
    parent = ma.fields.Nested(AnsweredSchema, required=True, allow_none=True)
    author = ma.fields.Nested(KnownWriterSchema, required=True)
    queued_at = ma.fields.AwareDateTime(required=True)
    seen = ma.fields.Boolean(required=True, metadata={"description": "Has a moderator decided on this text?"})
    decision = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "The last one that stands: send it along"}
    )
    priority = ma.fields.Float(required=True)
    score = ma.fields.Float(required=True, allow_none=True)
    reasons = ma.fields.List(ma.fields.Nested(HitSchema), required=True)
    reports = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata={"description": "Reason → reports that wait for a decision"},
    )
    claim = ma.fields.Nested(ClaimSchema, required=True, allow_none=True)


class QueuePageSchema(ma.Schema):
    """A page of a queue."""

    items = ma.fields.List(ma.fields.Nested(CaseSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
    looked_through = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "Comments, with `q`"}
    )


class QueueCountsSchema(ma.Schema):
    """How many comments are in each queue."""

    counts = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata={"description": f"{COUNTED + 1} stands for more than {COUNTED}"},
    )


class ClaimedSchema(ma.Schema):
    """A claim of one's own."""

    until = ma.fields.AwareDateTime(required=True)
