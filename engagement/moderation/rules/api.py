"""`/v1/{site}/admin/rules`: what is looked for in comments, its versions, and what it would have caught."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Response, request
from flask.views import MethodView

from engagement.http import private
from engagement.moderation.rules.changes import RuleChanges
from engagement.moderation.rules.kinds import reason_for
from engagement.moderation.rules.preview import Previews
from engagement.moderation.rules.schemas import (
    NewRuleSchema,
    PreviewArgumentsSchema,
    RuleHeadersSchema,
    RuleListSchema,
    RulePreviewSchema,
    RuleSchema,
    RuleVersionsSchema,
    VersionsArgumentsSchema,
)
from engagement.moderation.versions import seen
from engagement.openapi import StrictBlueprint, may_answer
from engagement.staff.caller import StaffCallers
from engagement.staff.roles import RULES

BODY_MAX: Final = 1_048_576
"""Bytes: five thousand phrases are more than other calls take."""
PATH: Final = "/v1/<site>/admin/rules"


def blueprint(changes: RuleChanges, previews: Previews, callers: StaffCallers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("rules", __name__, description="What is looked for in comments")

    @blp.before_request
    def take_long_bodies() -> None:
        """Of those alone who may write rules: whoever else sends much is refused before it is read."""
        callers.on((request.view_args or {})["site"], RULES)
        request.max_content_length = max(BODY_MAX, request.max_content_length or 0)

    @blp.route(PATH)
    class RuleList(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(200, RuleListSchema)
        def get(self, site: str) -> Response:
            """The rules of the site."""
            return private({"items": changes.all(callers.on(site, RULES)[0])})

        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.arguments(NewRuleSchema)
        @blp.response(201, RuleSchema)
        def post(self, body: dict[str, Any], site: str) -> Response:
            """Make a rule. It holds at once, on every process within a second or so."""
            key, member = callers.on(site, RULES)
            return _answer(changes.create(member, key, _with_reason(body)), 201)

    @blp.route(f"{PATH}/<uuid:rule>")
    class OneRule(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(200, RuleSchema)
        def get(self, site: str, rule: UUID) -> Response:
            """A rule."""
            return _answer(changes.one(callers.on(site, RULES)[0], rule))

        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 412, 413, 415, 422, 428, 503)
        @blp.arguments(RuleHeadersSchema, location="headers")
        @blp.arguments(NewRuleSchema)
        @blp.response(200, RuleSchema)
        def put(self, sent: dict[str, Any], body: dict[str, Any], site: str, rule: UUID) -> Response:
            """Make a new version of a rule. Its kind stays, and a secret that isn't sent."""
            key, member = callers.on(site, RULES)
            version = seen(sent.get("if_match"))
            return _answer(changes.replace(member, key, rule, _with_reason(body), version))

        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 412, 422, 428, 503)
        @blp.arguments(RuleHeadersSchema, location="headers")
        @blp.response(204)
        def delete(self, sent: dict[str, Any], site: str, rule: UUID) -> Response:
            """End a rule; what it has held stays as it is, and its versions stay to be read."""
            key, member = callers.on(site, RULES)
            changes.delete(member, key, rule, seen(sent.get("if_match")))
            return Response(status=204, headers={"Cache-Control": "private, no-store"})

    @blp.route(f"{PATH}/<uuid:rule>/versions")
    class Versions(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 422, 503)
        @blp.arguments(VersionsArgumentsSchema, location="query")
        @blp.response(200, RuleVersionsSchema)
        def get(self, page: dict[str, Any], site: str, rule: UUID) -> Response:
            """All that a rule ever was."""
            before = int(page["cursor"]) if "cursor" in page else None
            items, more = changes.versions(callers.on(site, RULES)[0], rule, page["limit"], before)
            return private({"items": items, "next_cursor": None if more is None else str(more)})

    @blp.route(f"{PATH}/preview")
    class Preview(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.arguments(PreviewArgumentsSchema)
        @blp.response(200, RulePreviewSchema)
        def post(self, body: dict[str, Any], site: str) -> Response:
            """What such a rule would have caught in the last days, shown, held or refused: newest first."""
            return private(previews.of(callers.on(site, RULES)[0], body["kind"], body["settings"]))

    return blp


def _with_reason(body: dict[str, Any]) -> dict[str, Any]:
    return {"reason": reason_for(body["kind"], body["action"]), **body}


def _answer(rule: dict[str, Any], status: int = 200) -> Response:
    return private(rule, status, ETag=f'"{rule["version"]}"')
