"""`/v1/{site}/admin/queue` and the claims of comments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from engagement import clock
from engagement.http import private
from engagement.moderation.queue.claims import Claims
from engagement.moderation.queue.schemas import (
    CaseSchema,
    ClaimedSchema,
    QueueArgumentsSchema,
    QueueCountsSchema,
    QueuePageSchema,
)
from engagement.moderation.queue.service import Queue, Search
from engagement.openapi import StrictBlueprint, may_answer
from engagement.sites.service import Sites
from engagement.staff.caller import StaffCallers
from engagement.staff.roles import DECIDE, QUEUE

COMMENT = "/v1/<site>/admin/comments/<uuid:comment>"


def blueprint(sites: Sites, queue: Queue, claims: Claims, callers: StaffCallers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("queue", __name__, description="Queues of comments, for moderators")

    @blp.route("/v1/<site>/admin/queue")
    class Page(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 422, 503)
        @blp.arguments(QueueArgumentsSchema, location="query")
        @blp.response(200, QueuePageSchema)
        def get(self, asked: dict[str, Any], site: str) -> Response:
            """Comments that wait for a moderator, or were decided on."""
            key, member = callers.on(site, QUEUE)
            if "article" in asked:
                name = sites.article_of_text(asked["article"])
                asked["article"] = sites.articles_of_texts(key, [name])[name]
            return private(queue.page(key, Search(**asked), member))

    @blp.route("/v1/<site>/admin/queue/counts")
    class Counts(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(200, QueueCountsSchema)
        def get(self, site: str) -> Response:
            """How many comments are in each queue, counted up to a bound."""
            key, _ = callers.on(site, QUEUE)
            return private({"counts": queue.counts(key)})

    @blp.route(COMMENT)
    class One(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(200, CaseSchema)
        def get(self, site: str, comment: UUID) -> Response:
            """One comment, as a queue tells it."""
            key, member = callers.on(site, QUEUE)
            return private(queue.one(key, comment, member))

    @blp.route(f"{COMMENT}/claim")
    class Claim(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 409, 503)
        @blp.response(200, ClaimedSchema)
        def post(self, site: str, comment: UUID) -> Response:
            """Keep others off a comment for two minutes, or for two more."""
            key, member = callers.on(site, DECIDE)
            return private({"until": clock.rfc3339(claims.claim(key, comment, member))})

        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(204)
        def delete(self, site: str, comment: UUID) -> Response:
            """Take one's claim back."""
            key, member = callers.on(site, DECIDE)
            claims.release(key, comment, member)
            return Response(status=204, headers={"Cache-Control": "private, no-store"})

    return blp
