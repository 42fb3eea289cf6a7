"""What the calls about the staff's tokens take and answer."""

from __future__ import annotations

import marshmallow as ma

from engagement.staff.roles import ROLES, SCOPES
from engagement.staff.service import MAX_DAYS, NAME_LENGTH, PAGE

MAX_PAGE = 200


class PageSchema(ma.Schema):
    """Where a list begins, and how much of it is asked for."""

    cursor = ma.fields.String(validate=ma.validate.Length(max=100), metadata={"description": "`next_cursor`"})
    limit = ma.fields.Integer(load_default=PAGE, validate=ma.validate.Range(1, MAX_PAGE))


class NewTokenSchema(ma.Schema):
    """A token to be made."""

    name = ma.fields.String(required=True, validate=ma.validate.Length(min=1, max=NAME_LENGTH))
    role = ma.fields.String(required=True, validate=ma.validate.OneOf(ROLES))
    scopes = ma.fields.List(
        ma.fields.String(validate=ma.validate.OneOf(SCOPES)),
        load_default=list,
        validate=ma.validate.Length(max=len(SCOPES)),
        metadata={"description": "What it is confined to, out of what its role may; none: all of that"},
    )
    expires_in_days = ma.fields.Integer(
        load_default=None,
        allow_none=True,
        validate=ma.validate.Range(1, MAX_DAYS),
        metadata={"description": "null: it doesn't end; never later than the token that asks"},
    )


class TokenSchema(ma.Schema):
    """A token without its text."""

    id = ma.fields.UUID(required=True)
    site = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "null: of all sites (role `owner`)"}
    )
    staff_id = ma.fields.UUID(required=True, metadata={"description": "In whose name it acts"})
    name = ma.fields.String(required=True)
    role = ma.fields.String(required=True)
    scopes = ma.fields.List(ma.fields.String(), required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    created_by = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "null: on the command line"}
    )
    expires_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    revoked_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    last_used_at = ma.fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "To the minute"}
    )


class MadeTokenSchema(TokenSchema):
    """A new token."""

    token = ma.fields.String(
        required=True, metadata={"description": "Bearer token; keep it, it is shown once"}
    )


class TokenListSchema(ma.Schema):
    """Tokens, newest first."""

    items = ma.fields.List(ma.fields.Nested(TokenSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
