"""What the calls of decisions take and answer."""

from __future__ import annotations

import marshmallow as ma

from engagement.moderation.decisions.deciding import ACTIONS, MAX_NOTE
from engagement.moderation.decisions.service import MAX_BULK
from engagement.moderation.queue.schemas import CaseSchema
from engagement.moderation.statements.reasons import GIVEN
from engagement.openapi import ProblemSchema


class DecisionSchema(ma.Schema):
    """A decision on a comment, as it was seen."""

    action = ma.fields.String(required=True, validate=ma.validate.OneOf(ACTIONS))
    revision = ma.fields.Integer(
        required=True, strict=True, validate=ma.validate.Range(1), metadata={"description": "That was seen"}
    )
    reason = ma.fields.String(
        allow_none=True,
        validate=ma.validate.OneOf(GIVEN),
        metadata={
            "description": "Needed to reject; of spam it is `spam`, of a deletion `other`, unless named"
        },
    )
    note = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(0, MAX_NOTE),
        metadata={"description": "For the staff alone"},
    )
    status = ma.fields.String(metadata={"description": "That was seen: another one by now is a 409"})
    decision = ma.fields.UUID(
        allow_none=True,
        metadata={
            "description": "The one that was seen to stand: what is decided on is only decided anew with it"
        },
    )


class BulkDecisionSchema(DecisionSchema):
    """One of many decisions."""

    comment = ma.fields.UUID(required=True)


class BulkSchema(ma.Schema):
    """Many decisions, each made or not for itself."""

    decisions = ma.fields.List(
        ma.fields.Nested(BulkDecisionSchema), required=True, validate=ma.validate.Length(1, MAX_BULK)
    )


class DecidedSchema(ma.Schema):
    """A decision that was made."""

    decision = ma.fields.UUID(required=True)
    comment = ma.fields.UUID(required=True)
    status = ma.fields.String(required=True, metadata={"description": "Of the comment by now"})


class OutrunSchema(ProblemSchema):
    """It is not as it was seen; `type` ends in `decided`, `edited`, `claimed` or `outrun`."""

    present = ma.fields.Nested(CaseSchema)


class ResultSchema(ma.Schema):
    """What became of one of many: the decision and the comment's status, or the problem."""

    comment = ma.fields.UUID(required=True)
    decision = ma.fields.UUID()
    status = ma.fields.String()
    problem = ma.fields.Nested(OutrunSchema)


class ResultsSchema(ma.Schema):
    """What became of each, in the order in which they were sent."""

    results = ma.fields.List(ma.fields.Nested(ResultSchema), required=True)
