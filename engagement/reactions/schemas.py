"""What the reaction calls take and answer."""

from __future__ import annotations

import marshmallow as ma

from engagement.reactions.moods import MOODS


class MoodSchema(ma.Schema):
    """A reader's mood."""

    mood = ma.fields.String(required=True, validate=ma.validate.OneOf([mood.key for mood in MOODS]))


class MoodCountSchema(ma.Schema):
    """One mood of a tally."""

    key = ma.fields.String(required=True)
    label = ma.fields.String(required=True)
    emoji = ma.fields.String(required=True)
    count = ma.fields.Integer(required=True, metadata={"minimum": 0})
    share = ma.fields.Integer(required=True, metadata={"description": "Percent; they sum to 100, or to 0"})


class TallySchema(ma.Schema):
    """How a story makes its readers feel."""

    moods = ma.fields.List(ma.fields.Nested(MoodCountSchema), required=True)
    total = ma.fields.Integer(required=True, metadata={"minimum": 0})
    top_mood = ma.fields.String(required=True, allow_none=True)


class ReactionSchema(ma.Schema):
    """The reader's mood now, and the tally with it."""

    mood = ma.fields.String(required=True, allow_none=True)
    reactions = ma.fields.Nested(TallySchema, required=True)
