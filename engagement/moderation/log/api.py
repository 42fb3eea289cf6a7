"""`/v1/{site}/admin/log`."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from flask.views import MethodView

from engagement.errors import BadRequest
from engagement.http import private
from engagement.moderation.log.entries import MAX_PAGE, PAGE, Entries
from engagement.openapi import StrictBlueprint, may_answer
from engagement.staff.caller import StaffCallers
from engagement.staff.roles import LOG


class LogArgumentsSchema(ma.Schema):
    """Which entries."""

    limit = ma.fields.Integer(load_default=PAGE, strict=False, validate=ma.validate.Range(1, MAX_PAGE))
    cursor = ma.fields.String(
        validate=ma.validate.Length(1, 20), metadata={"description": "`next_cursor` of the page before"}
    )


class ActorSchema(ma.Schema):
    """Who did it."""

    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(["staff", "rule", "system", "reader"]))
    id = ma.fields.UUID(required=True, allow_none=True)
    name = ma.fields.String(required=True, allow_none=True, metadata={"description": "Of one of the staff"})


class EntrySchema(ma.Schema):
    """One entry: ids and digests, no texts."""

    number = ma.fields.Integer(required=True)
    at = ma.fields.AwareDateTime(required=True)
    actor = ma.fields.Nested(ActorSchema, required=True)
    action = ma.fields.String(required=True)
    subject = ma.fields.Dict(required=True)
    mac = ma.fields.String(required=True, metadata={"description": "Over the entry and the MAC before it"})


class LogPageSchema(ma.Schema):
    """A page of the log, newest first."""

    items = ma.fields.List(ma.fields.Nested(EntrySchema), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)
    head = ma.fields.String(
        required=True,
        metadata={
            "description": "Number and MAC of the last entry of all sites; keep it: `log verify --head`"
        },
    )


def blueprint(entries: Entries, callers: StaffCallers) -> StrictBlueprint:
    """The call, over this service."""
    blp = StrictBlueprint("log", __name__, description="The moderation log")

    @blp.route("/v1/<site>/admin/log")
    class Log(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 422, 503)
        @blp.arguments(LogArgumentsSchema, location="query")
        @blp.response(200, LogPageSchema)
        def get(self, page: dict[str, Any], site: str) -> Response:
            """What was done on this site, by whom, newest first."""
            key, _ = callers.on(site, LOG)
            cursor = page.get("cursor")
            if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
                raise BadRequest("The cursor can't be read.")
            return private(entries.page(key, page["limit"], None if cursor is None else int(cursor)))

    return blp
