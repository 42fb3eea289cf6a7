"""What the calls about policies take and answer."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma

from engagement.moderation.policy.inheritance import MAX_COUNT, MAX_DAYS, MAX_SECONDS, POST, PRE


class Flag(ma.fields.Boolean):
    """True or false, and nothing that stands for them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


_VALUES: Final[dict[str, ma.fields.Field[Any]]] = {
    "moderation": ma.fields.String(
        allow_none=True,
        validate=ma.validate.OneOf([POST, PRE]),
        metadata={"description": "After comments are shown, or before"},
    ),
    "closed": Flag(allow_none=True, metadata={"description": "No more comments"}),
    "reactions_only": Flag(allow_none=True, metadata={"description": "No comments at all"}),
    "close_after_days": ma.fields.Integer(
        allow_none=True,
        strict=True,
        validate=ma.validate.Range(0, MAX_DAYS),
        metadata={"description": "Days since the article is there; 0: never"},
    ),
    "hold_links": Flag(allow_none=True, metadata={"description": "Comments with links wait"}),
    "hold_new_readers": ma.fields.Integer(
        allow_none=True,
        strict=True,
        validate=ma.validate.Range(0, MAX_COUNT),
        metadata={"description": "Comments of a reader that must stand before the next is shown at once"},
    ),
    "slow_mode": ma.fields.Integer(
        allow_none=True,
        strict=True,
        validate=ma.validate.Range(0, MAX_SECONDS),
        metadata={"description": "Seconds between two comments of a reader on an article"},
    ),
    "hold_after_reports": ma.fields.Integer(
        allow_none=True,
        strict=True,
        validate=ma.validate.Range(0, MAX_COUNT),
        metadata={"description": "Reports, by their weight, that take a comment from view; 0: none do"},
    ),
}

PolicyValuesSchema: Final = ma.Schema.from_dict(_VALUES, name="PolicyValuesSchema")
"""Values to set; null: what is inherited."""


class OriginSchema(ma.Schema):
    """Why a value is as it is: where it was set, when, and by whom."""

    scope = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["default", "site", "section", "article"])
    )
    name = ma.fields.String(required=True, metadata={"description": "Of the section or article"})
    at = ma.fields.AwareDateTime(required=True, allow_none=True)
    by = ma.fields.UUID(required=True, allow_none=True, metadata={"description": "One of the staff"})


class ValueSchema(ma.Schema):
    """A value that holds."""

    value = ma.fields.Raw(required=True)
    because = ma.fields.Nested(OriginSchema, required=True)


class PolicySchema(ma.Schema):
    """What holds for a site, section or article."""

    scope = ma.fields.String(required=True, validate=ma.validate.OneOf(["site", "section", "article"]))
    name = ma.fields.String(required=True, metadata={"description": "Of the section or article; else empty"})
    version = ma.fields.Integer(required=True, metadata={"description": "0: nothing was ever set here"})
    set = ma.fields.Nested(
        PolicyValuesSchema, required=True, metadata={"description": "What is set here itself"}
    )
    policy = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Nested(ValueSchema),
        required=True,
        metadata={"description": "Field → the value that holds here, and why"},
    )


class PolicyHeadersSchema(ma.Schema):
    """Headers of a change to a policy."""

    if_match = ma.fields.String(
        data_key="If-Match",
        metadata={"description": 'The version that the caller has seen: `"3"`; `"0"` where nothing is set'},
    )
