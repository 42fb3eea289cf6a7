"""What the footer calls take and answer."""

from __future__ import annotations

import marshmallow as ma

from engagement.comments.schemas import CommentListSchema, OwnCommentSchema, OwnSchema
from engagement.reactions.schemas import TallySchema
from engagement.readers.schemas import ReaderSchema

MAX_ASKED = 100


class ArticleSchema(ma.Schema):
    """An article as its publisher named it."""

    id = ma.fields.String(required=True)
    url = ma.fields.String(required=True, allow_none=True)
    title = ma.fields.String(required=True, allow_none=True)
    comments_open = ma.fields.Boolean(required=True)
    reactions_open = ma.fields.Boolean(required=True)


class FooterCountsSchema(ma.Schema):
    """Counts of the article."""

    comments = ma.fields.Integer(required=True)
    reactions = ma.fields.Integer(required=True)


class FooterSchema(ma.Schema):
    """All that a page load needs."""

    article = ma.fields.Nested(ArticleSchema, required=True)
    counts = ma.fields.Nested(FooterCountsSchema, required=True)
    reactions = ma.fields.Nested(TallySchema, required=True)
    comments = ma.fields.Nested(CommentListSchema, required=True)


class MeArgumentsSchema(ma.Schema):
    """Which comments are asked about: the caller's votes on them, and which are the caller's own."""

    comment = ma.fields.List(ma.fields.UUID(), load_default=list, validate=ma.validate.Length(max=MAX_ASKED))


class MeSchema(ma.Schema):
    """What the caller did on the article."""

    reader = ma.fields.Nested(ReaderSchema, required=True)
    mood = ma.fields.String(required=True, allow_none=True)
    votes = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    pending = ma.fields.List(ma.fields.Nested(OwnCommentSchema), required=True)
    own = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Nested(OwnSchema),
        required=True,
        metadata={"description": "Those of the asked comments that are the caller's, by id"},
    )
