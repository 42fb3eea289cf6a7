"""What the staff's calls about readers take and answer."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from engagement.moderation.readers.bans import KINDS
from engagement.moderation.readers.files import NOTE_LENGTH
from engagement.moderation.readers.standing import TRUSTS
from engagement.moderation.statements.reasons import GIVEN


def _flag(description: str) -> ma.fields.Boolean:
    return ma.fields.Boolean(load_default=False, metadata={"description": description})


class NewBanSchema(ma.Schema):
    """A ban to be."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))
    reason = ma.fields.String(required=True, validate=ma.validate.OneOf(GIVEN))
    note = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(max=NOTE_LENGTH),
        metadata={"description": "For the staff alone"},
    )
    until = ma.fields.AwareDateTime(allow_none=True, metadata={"description": "null: for good"})
    take_choices = _flag("With votes, reactions and reports, which come back when it is over")
    everywhere = _flag("On every site; of the owner alone")
    network = _flag("Also whoever writes from the network of the reader's newest comment or choice")


class BanSchema(ma.Schema):
    """A ban."""

    id = ma.fields.UUID(required=True)
    kind = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    note = ma.fields.String(required=True, allow_none=True)
    since = ma.fields.AwareDateTime(required=True)
    until = ma.fields.AwareDateTime(required=True, allow_none=True)
    takes_choices = ma.fields.Boolean(required=True)
    everywhere = ma.fields.Boolean(required=True)
    network = ma.fields.Boolean(required=True)
    created_by = ma.fields.UUID(required=True, allow_none=True)
    lifted_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    lifted_by = ma.fields.UUID(required=True, allow_none=True)
    stands = ma.fields.Boolean(required=True, metadata={"description": "Is it in force?"})


class NewNoteSchema(ma.Schema):
    """A note to be."""

    text = ma.fields.String(required=True)


class NoteSchema(ma.Schema):
    """A note of one of the staff, for the others."""

    id = ma.fields.UUID(required=True)
    text = ma.fields.String(required=True)
    created_by = ma.fields.UUID(required=True, allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)


class TrustSchema(ma.Schema):
    """How far a reader is trusted."""

    trust = ma.fields.String(required=True, validate=ma.validate.OneOf(TRUSTS))


class StandingSchema(TrustSchema):
    """With how often what they reported was right."""

    reports_right = ma.fields.Integer(required=True)
    reports_wrong = ma.fields.Integer(required=True)
    report_weight = ma.fields.Float(required=True, metadata={"description": "Of a report, 0 to 2"})


def _rows(description: str) -> ma.fields.Field[Any]:
    return ma.fields.List(ma.fields.Dict(), required=True, metadata={"description": description})


class ReaderFileSchema(ma.Schema):
    """All that the staff knows of a reader; the newest rows of each kind."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True, allow_none=True)
    created_at = ma.fields.AwareDateTime(required=True)
    erased_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    signs_on = ma.fields.Boolean(
        required=True, metadata={"description": "By the publisher's single sign-on?"}
    )
    standing = ma.fields.Nested(StandingSchema, required=True)
    counts = ma.fields.Dict(
        required=True, metadata={"description": "Comments by status, and reports that were sent"}
    )
    comments = _rows("Their newest comments, whatever their status")
    bans = ma.fields.List(ma.fields.Nested(BanSchema), required=True)
    notes = ma.fields.List(ma.fields.Nested(NoteSchema), required=True)
    statements = _rows("Statements of reasons")
