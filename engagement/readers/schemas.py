"""What the reader calls take and answer."""

from __future__ import annotations

from typing import Any

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


def _rows(description: str) -> ma.fields.Field[Any]:
    return ma.fields.List(ma.fields.Dict(), required=True, metadata={"description": description})


class ErasureSchema(ma.Schema):
    """What happens from now on."""

    reader_id = ma.fields.UUID(required=True)
    job_id = ma.fields.UUID(required=True, metadata={"description": "For whom you ask about it"})
    begun_at = ma.fields.AwareDateTime(required=True)
    choices = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["taken", "kept"]),
        metadata={"description": "Are reactions and votes taken back, or kept by nobody?"},
    )
    will = ma.fields.List(ma.fields.String(), required=True, metadata={"description": "In words"})


class ExportedReaderSchema(ReaderSchema):
    """The profile; the last three are what a single sign-on has told."""

    created_at = ma.fields.AwareDateTime(required=True)
    subject = ma.fields.String(required=True, allow_none=True)
    avatar_url = ma.fields.String(required=True, allow_none=True)
    badges = ma.fields.List(ma.fields.String(), required=True, allow_none=True)


class RevisionSchema(ma.Schema):
    """What a comment said before."""

    revision = ma.fields.Integer(required=True)
    body = ma.fields.String(required=True)
    written_at = ma.fields.AwareDateTime(required=True)


class ReceivedVotesSchema(ma.Schema):
    """Votes of others."""

    up = ma.fields.Integer(required=True)
    down = ma.fields.Integer(required=True)


NETWORK = {"description": "A keyed hash of the network that it came from; empty once it is forgotten"}


class ExportedCommentSchema(ma.Schema):
    """A comment, be it pending or removed."""

    article = ma.fields.String(required=True)
    url = ma.fields.String(required=True, allow_none=True)
    id = ma.fields.UUID(required=True)
    parent_id = ma.fields.UUID(required=True, allow_none=True)
    depth = ma.fields.Integer(required=True)
    status = ma.fields.String(required=True)
    held_for = ma.fields.String(required=True, allow_none=True)
    body = ma.fields.String(required=True, metadata={"description": "As it was written"})
    body_html = ma.fields.String(required=True)
    revision = ma.fields.Integer(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    edited_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    network = ma.fields.String(required=True, metadata=NETWORK)
    votes = ma.fields.Nested(ReceivedVotesSchema, required=True)
    reply_count = ma.fields.Integer(required=True)
    pinned = ma.fields.Boolean(required=True)
    featured = ma.fields.Boolean(required=True)
    revisions = ma.fields.List(ma.fields.Nested(RevisionSchema), required=True)


class ExportedChoiceSchema(ma.Schema):
    """A reaction to an article, or a vote on a comment."""

    article = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, metadata={"description": "`mood` or `vote`"})
    comment_id = ma.fields.UUID(required=True, allow_none=True)
    choice = ma.fields.String(required=True, metadata={"description": "A mood, `up` or `down`"})
    chosen_at = ma.fields.AwareDateTime(required=True)
    network = ma.fields.String(required=True, metadata=NETWORK)


class ExportSchema(ma.Schema):
    """All that is held of a reader."""

    site = ma.fields.String(required=True)
    as_of = ma.fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={
            "description": "What was chosen up to this moment is here; null: the live counts could not be "
            "asked, so what was chosen in the last moments may be missing"
        },
    )
    reader = ma.fields.Nested(ExportedReaderSchema, required=True)
    comments = ma.fields.List(ma.fields.Nested(ExportedCommentSchema), required=True)
    choices = ma.fields.List(ma.fields.Nested(ExportedChoiceSchema), required=True)
    idempotency_keys = _rows("Keys by which comments were posted once; kept for a day")
    bars = _rows("Is the reader kept out?")
    jobs = _rows("What is or was done for the reader")
    taken_choices = _rows("Choices that such a job has taken, to give them back")
    moved_moods = _rows("Moods that were moved when two articles became one")
    refused_choices = _rows("Choices that could not be stored")
    cases = _rows("What moderation knows of each comment")
    bans = _rows("Warnings, suspensions and bans")
    statements = _rows("Statements of reasons, one for each restriction")
    appeals = _rows("Appeals against them")
    reports = _rows("Comments of others that the reader has reported")
    notes = _rows("What moderators have noted of the reader")
    standing = _rows("How far the reader is trusted")
