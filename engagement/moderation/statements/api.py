"""Statements of reasons and appeals: the reader's calls, and those of the staff."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from engagement.http import attachment, private
from engagement.moderation.statements.appeals import Appeals
from engagement.moderation.statements.schemas import (
    AppealDecisionSchema,
    AppealedSchema,
    AppealsArgumentsSchema,
    AppealsSchema,
    CursorSchema,
    ExportArgumentsSchema,
    NewAppealSchema,
    StatementSchema,
    StatementsSchema,
)
from engagement.moderation.statements.stating import FORMATS, Stating
from engagement.openapi import StrictBlueprint, may_answer
from engagement.readers.caller import Callers
from engagement.sites.service import Sites
from engagement.staff.caller import StaffCallers

MINE = "/v1/<site>/readers/me/statements"


def blueprint(
    sites: Sites, stating: Stating, appeals: Appeals, callers: Callers, staff: StaffCallers
) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("appeals", __name__, description="Statements of reasons, and appeals against them")

    @blp.route(MINE)
    class Mine(MethodView):
        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 422, 503)
        @blp.arguments(CursorSchema(), location="query")
        @blp.response(200, StatementsSchema)
        def get(self, asked: dict[str, Any], site: str) -> Response:
            """Why something of mine is, or was, restricted; newest first."""
            key = sites.site(site).key
            caller = callers.reader(key)
            return private(stating.of_reader(key, caller.reader_id, asked.get("cursor")))

    @blp.route(f"{MINE}/<uuid:statement>/appeal")
    class Appeal(MethodView):
        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
        @blp.arguments(NewAppealSchema())
        @blp.response(201, StatementSchema)
        def post(self, body: dict[str, Any], site: str, statement: UUID) -> Response:
            """Appeal: once, within six months, be one banned or not. Somebody else decides."""
            key = sites.site(site).key
            caller = callers.reader(key)
            return private(appeals.appeal(key, caller, statement, body["text"]), 201)

    @blp.route("/v1/<site>/admin/appeals")
    class AppealList(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 422, 503)
        @blp.arguments(AppealsArgumentsSchema(), location="query")
        @blp.response(200, AppealsSchema)
        def get(self, asked: dict[str, Any], site: str) -> Response:
            """Appeals of a state, the oldest first."""
            key, member = staff.on(site)
            return private(appeals.page(member, key, asked["state"], asked.get("cursor")))

    @blp.route("/v1/<site>/admin/appeals/<uuid:appeal>/decision")
    class Decision(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 409, 413, 415, 422, 503)
        @blp.arguments(AppealDecisionSchema())
        @blp.response(200, AppealedSchema)
        def post(self, body: dict[str, Any], site: str, appeal: UUID) -> Response:
            """Grant or refuse, as somebody else than who has restricted."""
            key, member = staff.on(site)
            return private(appeals.decide(member, key, appeal, **body))

    @blp.route("/v1/<site>/admin/statements")
    class Export(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 422, 503)
        @blp.arguments(ExportArgumentsSchema(), location="query")
        @blp.response(200, headers={"Content-Disposition": {"schema": {"type": "string"}}})
        def get(self, asked: dict[str, Any], site: str) -> Response:
            """Statements of a time, as a file: CSV, or JSON as the EU's transparency database takes it."""
            key, member = staff.on(site)
            since, until, form = asked.get("since"), asked.get("until"), asked["form"]
            file = stating.export(member, key, since, until, form)
            response = attachment(file, f"statements-{key}.{form}")
            response.mimetype = FORMATS[form]
            return response

    return blp
