"""What the counts call takes and answers."""

from __future__ import annotations

import marshmallow as ma

MAX_ARTICLES = 100


def _articles(**options: object) -> ma.fields.List[str]:
    return ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(1, 4_096)),
        required=True,
        validate=ma.validate.Length(1, MAX_ARTICLES),
        metadata={"description": "The publisher's ids, written plainly"},
        **options,  # type: ignore[arg-type]
    )


class CountsQuerySchema(ma.Schema):
    """Articles, as repeated query parameters."""

    article = _articles()


class CountsBodySchema(ma.Schema):
    """Articles, where they are too many or too long for a query."""

    articles = _articles()


class ArticleCountsSchema(ma.Schema):
    """Counts of one article."""

    comments = ma.fields.Integer(required=True)
    reactions = ma.fields.Integer(required=True)
    top_mood = ma.fields.String(required=True, allow_none=True)


class CountsSchema(ma.Schema):
    """Counts by the ids as they were asked for."""

    articles = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Nested(ArticleCountsSchema), required=True
    )
