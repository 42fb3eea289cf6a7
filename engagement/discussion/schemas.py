"""What the discussion pages take: what they don't know of a query, they leave alone."""

from __future__ import annotations

import marshmallow as ma

from engagement.comments.paging import MAX_CURSOR
from engagement.comments.schemas import PageArgumentsSchema


class DiscussionArgumentsSchema(PageArgumentsSchema):
    """Which page of a discussion."""


class ThreadArgumentsSchema(ma.Schema):
    """Which page of the replies to a comment."""

    cursor = ma.fields.String(
        validate=ma.validate.Length(1, MAX_CURSOR),
        metadata={"description": "Where to go on, as a page's link says"},
    )


class FormSchema(ma.Schema):
    """A comment, as the form on the page sends it."""

    token = ma.fields.String(metadata={"description": "The form's own, good for an hour and one comment"})
    body = ma.fields.String(metadata={"description": "Markdown without HTML and images"})
    name = ma.fields.String(metadata={"description": "Shown beside the comment; empty: anonymous"})
