"""What the calls about rules take and answer."""

from __future__ import annotations

from typing import Final

import marshmallow as ma

from engagement.moderation.rules.kinds import ACTIONS, KINDS, MODES, ON
from engagement.moderation.rules.settings import MAX_NAME

SETTINGS: Final = (
    "`phrases`: `phrases` (up to 5,000, `idiot*` for what begins so), `innocent`. "
    "`links`: `most`, `allow`, `deny`. `duplicate`: `within` (seconds), `others`, `min_length`. "
    "`flood`: `count`, `seconds`, `by` (reader, network). `caps`: `min_letters`, `share`. "
    "`mail_domain`: `also`, `except`. "
    "`scorer`: `scorer`, `url`, `secret` (never told), `threshold`, `when_down` (hold, approve)"
)


class NewRuleSchema(ma.Schema):
    """A rule, or a new version of one."""

    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 4 * MAX_NAME))
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))
    mode = ma.fields.String(
        load_default=ON,
        validate=ma.validate.OneOf(MODES),
        metadata={"description": "`shadow`: what it finds is only noted"},
    )
    action = ma.fields.String(required=True, validate=ma.validate.OneOf(ACTIONS))
    reason = ma.fields.String(
        validate=ma.validate.Regexp(r"^[a-z][a-z0-9_]{0,63}\Z", error="must be a code of a-z, 0-9 and _"),
        metadata={"description": "The code that is stored on the comment; else the usual one of the kind"},
    )
    settings = ma.fields.Dict(
        keys=ma.fields.String(), required=True, metadata={"description": f"By kind. {SETTINGS}"}
    )


class RuleSchema(ma.Schema):
    """A rule as it is."""

    id = ma.fields.UUID(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))
    created_at = ma.fields.AwareDateTime(required=True)
    version = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    mode = ma.fields.String(required=True, validate=ma.validate.OneOf(MODES))
    action = ma.fields.String(required=True, validate=ma.validate.OneOf(ACTIONS))
    reason = ma.fields.String(required=True)
    settings = ma.fields.Dict(keys=ma.fields.String(), required=True)
    changed_at = ma.fields.AwareDateTime(required=True)
    changed_by = ma.fields.UUID(required=True, allow_none=True)


class RuleListSchema(ma.Schema):
    """The rules of a site, oldest first: there are few."""

    items = ma.fields.List(ma.fields.Nested(RuleSchema), required=True)


class RuleVersionSchema(ma.Schema):
    """A rule as it was."""

    version = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    mode = ma.fields.String(required=True)
    action = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    settings = ma.fields.Dict(keys=ma.fields.String(), required=True)
    changed_at = ma.fields.AwareDateTime(required=True)
    changed_by = ma.fields.UUID(required=True, allow_none=True)


class RuleVersionsSchema(ma.Schema):
    """Versions of a rule, newest first."""

    items = ma.fields.List(ma.fields.Nested(RuleVersionSchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class VersionsArgumentsSchema(ma.Schema):
    """Which page of versions."""

    cursor = ma.fields.String(
        validate=ma.validate.Regexp(r"^[0-9]{1,9}\Z", error="is not a `next_cursor`"),
        metadata={"description": "`next_cursor` of the page before"},
    )
    limit = ma.fields.Integer(load_default=20, validate=ma.validate.Range(1, 100))


class RuleHeadersSchema(ma.Schema):
    """Headers of a change to a rule."""

    if_match = ma.fields.String(
        data_key="If-Match", metadata={"description": 'The version that the caller has seen: `"1"`'}
    )


class PreviewArgumentsSchema(ma.Schema):
    """A rule to be tried on what is shown."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(KINDS))
    settings = ma.fields.Dict(
        keys=ma.fields.String(), required=True, metadata={"description": f"By kind. {SETTINGS}"}
    )


class CaughtArticleSchema(ma.Schema):
    """Where it was caught."""

    id = ma.fields.String(required=True)
    title = ma.fields.String(required=True, allow_none=True)


class CaughtSchema(ma.Schema):
    """A comment that the rule would have caught."""

    id = ma.fields.UUID(required=True)
    article = ma.fields.Nested(CaughtArticleSchema, required=True)
    reader_id = ma.fields.UUID(required=True)
    body = ma.fields.String(required=True)
    body_html = ma.fields.String(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    status = ma.fields.String(required=True, metadata={"description": "As it is by now"})
    held_for = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Why, if it is not approved"}
    )
    found = ma.fields.List(
        ma.fields.Dict(keys=ma.fields.String()),
        required=True,
        metadata={"description": "What was found, with `start` and `end` in `body` where it has a place"},
    )


class RulePreviewSchema(ma.Schema):
    """What a rule would have caught in the last days."""

    days = ma.fields.Integer(required=True)
    looked_at = ma.fields.Integer(required=True, metadata={"description": "Comments of the site"})
    complete = ma.fields.Boolean(required=True, metadata={"description": "Were those all of these days?"})
    caught = ma.fields.Integer(required=True)
    items = ma.fields.List(ma.fields.Nested(CaughtSchema), required=True)
