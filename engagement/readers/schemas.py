"""What the reader calls take and answer."""

from __future__ import annotations

import marshmallow as ma


class NameSchema(ma.Schema):
    """What a reader says of themselves."""

    name = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(max=1_000),
        metadata={"description": "Shown beside comments; null: anonymous"},
    )


class ReaderSchema(ma.Schema):
    """A reader."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, allow_none=True)


class MintedSchema(ma.Schema):
    """A new reader and their token."""

    token = ma.fields.String(
        required=True, metadata={"description": "Bearer token; keep it, it is shown once"}
    )
    reader = ma.fields.Nested(ReaderSchema, required=True)
