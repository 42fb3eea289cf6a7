"""What the calls of statements and appeals take and answer."""

from __future__ import annotations

import marshmallow as ma

from engagement.moderation.statements.appeals import OUTCOMES, STATES, TEXT_LENGTH
from engagement.moderation.statements.statements import OPEN, RESTRICTIONS
from engagement.moderation.statements.stating import FORMATS


class CursorSchema(ma.Schema):
    """Which page."""

    cursor = ma.fields.String(
        validate=ma.validate.Length(1, 100), metadata={"description": "`next_cursor` of the page before"}
    )


class AppealsArgumentsSchema(CursorSchema):
    """Which appeals."""

    state = ma.fields.String(load_default=OPEN, validate=ma.validate.OneOf(STATES))


class NewAppealSchema(ma.Schema):
    """An appeal to be."""

    text = ma.fields.String(required=True, metadata={"description": f"At most {TEXT_LENGTH} characters"})


class AppealDecisionSchema(ma.Schema):
    """What becomes of an appeal."""

    outcome = ma.fields.String(required=True, validate=ma.validate.OneOf(list(OUTCOMES)))
    answer = ma.fields.String(required=True, metadata={"description": "To the reader"})


class ExportArgumentsSchema(ma.Schema):
    """Which statements, and how they are written."""

    since = ma.fields.AwareDateTime(data_key="from", metadata={"description": "Made at this time, or later"})
    until = ma.fields.AwareDateTime(data_key="to", metadata={"description": "Made before this time"})
    form = ma.fields.String(data_key="format", load_default="json", validate=ma.validate.OneOf(list(FORMATS)))


class AppealSchema(ma.Schema):
    """An appeal."""

    id = ma.fields.UUID(required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(STATES))
    text = ma.fields.String(required=True)
    answer = ma.fields.String(required=True, allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)
    decided_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class StatementRuleSchema(ma.Schema):
    """The rule that a statement is about, as it was then."""

    name = ma.fields.String(required=True, allow_none=True)
    version = ma.fields.Integer(required=True, allow_none=True)


class ToldStatementSchema(ma.Schema):
    """A statement of reasons."""

    id = ma.fields.UUID(required=True)
    restriction = ma.fields.String(required=True, validate=ma.validate.OneOf(RESTRICTIONS))
    reason = ma.fields.String(required=True)
    label = ma.fields.String(required=True, metadata={"description": "The reason in words"})
    facts = ma.fields.String(required=True)
    ground = ma.fields.String(required=True, validate=ma.validate.OneOf(["illegal", "terms"]))
    ground_reference = ma.fields.String(
        required=True, metadata={"description": "The law, or the rule of the house"}
    )
    rule = ma.fields.Nested(StatementRuleSchema, required=True, allow_none=True)
    automated_detection = ma.fields.Boolean(required=True)
    automated_decision = ma.fields.Boolean(required=True)
    article = ma.fields.String(required=True, allow_none=True)
    comment_id = ma.fields.UUID(required=True, allow_none=True)
    starts_at = ma.fields.AwareDateTime(required=True)
    ends_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)
    withdrawn_at = ma.fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "Since when the restriction is no more"}
    )
    redress = ma.fields.String(required=True)
    appeal_until = ma.fields.AwareDateTime(required=True)


class StatementSchema(ToldStatementSchema):
    """A statement of reasons, with the reader's appeal against it."""

    appeal = ma.fields.Nested(AppealSchema, required=True, allow_none=True)


class StatementsSchema(ma.Schema):
    """A page of statements."""

    items = ma.fields.List(ma.fields.Nested(StatementSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class AppellantSchema(ma.Schema):
    """Who appeals."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, allow_none=True)


class AppealedSchema(AppealSchema):
    """An appeal, as the staff sees it."""

    decided_by = ma.fields.UUID(required=True, allow_none=True)
    reader = ma.fields.Nested(AppellantSchema, required=True)
    statement = ma.fields.Nested(ToldStatementSchema, required=True)
    ban_id = ma.fields.UUID(required=True, allow_none=True)
    restricted_by = ma.fields.UUID(
        required=True, allow_none=True, metadata={"description": "null: a rule, or the system"}
    )
    yours_to_decide = ma.fields.Boolean(required=True)


class AppealsSchema(ma.Schema):
    """A page of appeals."""

    items = ma.fields.List(ma.fields.Nested(AppealedSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
