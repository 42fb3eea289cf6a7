"""`A/comments/{comment}/reports`: a reader reports somebody else's comment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response
from flask.views import MethodView

from engagement.http import private
from engagement.moderation.reports.service import NOTE_LENGTH, Reports
from engagement.moderation.statements.reasons import REPORTED
from engagement.openapi import ARTICLE, StrictBlueprint, may_answer
from engagement.readers.caller import Callers
from engagement.sites.service import Sites


class NewReportSchema(ma.Schema):
    """Why a comment is reported."""

    reason = ma.fields.String(required=True, validate=ma.validate.OneOf(REPORTED))
    note = ma.fields.String(
        allow_none=True,
        validate=ma.validate.Length(max=NOTE_LENGTH),
        metadata={"description": "In the reader's words, for the moderators alone"},
    )


class ReportSchema(NewReportSchema):
    """A report."""

    comment_id = ma.fields.UUID(required=True)


def blueprint(sites: Sites, reports: Reports, callers: Callers) -> StrictBlueprint:
    """The call, over these services."""
    blp = StrictBlueprint("reports", __name__, description="Reports of comments by readers")

    @blp.route(f"{ARTICLE}/comments/<uuid:comment>/reports")
    class ReportList(MethodView):
        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
        @blp.arguments(NewReportSchema())
        @blp.alt_response(200, schema=ReportSchema, description="In place of the reader's first report")
        @blp.response(201, ReportSchema)
        def post(self, body: dict[str, Any], site: str, article: str, comment: UUID) -> Response:
            """Report a comment; once more: in place of the first report."""
            found = sites.site(site)
            caller = callers.writer(found.key)
            name = sites.article_of_segment(found.key, article)
            told, first = reports.report(found.key, name, comment, caller, body["reason"], body.get("note"))
            return private(told, 201 if first else 200)

    return blp
