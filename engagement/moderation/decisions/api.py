"""`/v1/{site}/admin/comments/{id}/decision`, `…/decisions` and their undoing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from engagement.http import private
from engagement.moderation.decisions.deciding import Wanted
from engagement.moderation.decisions.schemas import (
    BulkSchema,
    DecidedSchema,
    DecisionSchema,
    OutrunSchema,
    ResultsSchema,
)
from engagement.moderation.decisions.service import Decisions, Done
from engagement.openapi import StrictBlueprint, may_answer
from engagement.staff.caller import StaffCallers
from engagement.staff.roles import DECIDE


def blueprint(decisions: Decisions, callers: StaffCallers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("decisions", __name__, description="Decisions on comments")

    @blp.route("/v1/<site>/admin/comments/<uuid:comment>/decision")
    class One(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.alt_response(
            409,
            schema=OutrunSchema,
            content_type="application/problem+json",
            description="Not as it was seen",
        )
        @blp.arguments(DecisionSchema)
        @blp.response(200, DecidedSchema)
        def post(self, body: dict[str, Any], site: str, comment: UUID) -> Response:
            """Decide on a comment as it was seen. If it is another by now: 409, with how it is."""
            key, member = callers.on(site, DECIDE)
            return private(_told(decisions.decide(key, member, Wanted(comment, **body))))

    @blp.route("/v1/<site>/admin/decisions")
    class Many(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.arguments(BulkSchema)
        @blp.response(200, ResultsSchema)
        def post(self, body: dict[str, Any], site: str) -> Response:
            """Decide on many comments, each for itself, with a result for each."""
            key, member = callers.on(site, DECIDE)
            wanted = [Wanted(one.pop("comment"), **one) for one in body["decisions"]]
            return private({"results": [_told(done) for done in decisions.decide_many(key, member, wanted)]})

    @blp.route("/v1/<site>/admin/decisions/<uuid:decision>/undo")
    class Undo(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.alt_response(
            409,
            schema=OutrunSchema,
            content_type="application/problem+json",
            description="Something came after",
        )
        @blp.response(200, DecidedSchema)
        def post(self, site: str, decision: UUID) -> Response:
            """Bring the comment back to how it was before. 409 if something came after, or it is deleted."""
            key, member = callers.on(site, DECIDE)
            return private(_told(decisions.undo(key, member, decision)))

    return blp


def _told(done: Done) -> dict[str, Any]:
    told: dict[str, Any] = {"comment": str(done.comment_id)}
    if done.problem is not None:
        return told | {"problem": done.problem.body()}
    return told | {"decision": str(done.decision), "status": done.status}
