"""`/v1/{site}/admin/stats`."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from flask.views import MethodView

from engagement.http import private
from engagement.moderation.figures.service import LONGEST, Figures
from engagement.openapi import StrictBlueprint, may_answer
from engagement.staff.caller import StaffCallers
from engagement.staff.roles import STATISTICS


class SpanSchema(ma.Schema):
    """A span of time."""

    since = ma.fields.AwareDateTime(data_key="from", metadata={"description": "[default: a day before `to`]"})
    until = ma.fields.AwareDateTime(
        data_key="to", metadata={"description": f"[default: now]; {LONGEST.days} days after `from` at most"}
    )


class HourSchema(ma.Schema):
    """Decisions of one hour."""

    since = ma.fields.AwareDateTime(required=True, data_key="from")
    count = ma.fields.Integer(required=True)


class DecisionsSchema(ma.Schema):
    """Decisions of the staff."""

    total = ma.fields.Integer(required=True)
    by_action = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)
    per_hour = ma.fields.Float(required=True)
    hours = ma.fields.List(ma.fields.Nested(HourSchema), required=True)
    moderators = ma.fields.Integer(required=True)


class WaitedSchema(ma.Schema):
    """Seconds from when a comment began to wait until it was decided on."""

    decisions = ma.fields.Integer(required=True)
    median = ma.fields.Float(required=True, allow_none=True)
    p90 = ma.fields.Float(required=True, allow_none=True)


class HeldSchema(ma.Schema):
    """Of the comments that were posted, those that a rule or a policy has held or refused."""

    comments = ma.fields.Integer(required=True)
    held = ma.fields.Integer(required=True)
    share = ma.fields.Float(required=True, allow_none=True)


class OverturnedSchema(ma.Schema):
    """Of the decisions against a comment, those that did not stand."""

    restrictions = ma.fields.Integer(required=True)
    undone = ma.fields.Integer(required=True)
    appeals_granted = ma.fields.Integer(required=True)
    share = ma.fields.Float(required=True, allow_none=True)


class PrecisionSchema(ma.Schema):
    """Of what a rule or (null) a policy has found: how much of it moderators have refused as well."""

    rule = ma.fields.UUID(required=True, allow_none=True)
    name = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True)
    shadow = ma.fields.Boolean(required=True)
    comments = ma.fields.Integer(required=True)
    confirmed = ma.fields.Integer(required=True)
    let_through = ma.fields.Integer(required=True)
    precision = ma.fields.Float(required=True, allow_none=True)


class FiguresSchema(ma.Schema):
    """All figures of a span of time."""

    since = ma.fields.AwareDateTime(required=True, data_key="from")
    until = ma.fields.AwareDateTime(required=True, data_key="to")
    decisions = ma.fields.Nested(DecisionsSchema, required=True)
    time_to_decision = ma.fields.Nested(WaitedSchema, required=True)
    held = ma.fields.Nested(HeldSchema, required=True)
    overturned = ma.fields.Nested(OverturnedSchema, required=True)
    rules = ma.fields.List(ma.fields.Nested(PrecisionSchema), required=True)


def blueprint(figures: Figures, callers: StaffCallers) -> StrictBlueprint:
    """The call, over this service."""
    blp = StrictBlueprint("figures", __name__, description="Figures of moderation")

    @blp.route("/v1/<site>/admin/stats")
    class Stats(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 422, 503)
        @blp.arguments(SpanSchema, location="query")
        @blp.response(200, FiguresSchema)
        def get(self, span: dict[str, Any], site: str) -> Response:
            """How much was decided, how soon, how often it was wrong, and how right each rule is."""
            key, _ = callers.on(site, STATISTICS)
            return private(figures.of(key, span.get("since"), span.get("until")))

    return blp
