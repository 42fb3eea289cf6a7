"""`/v1/{site}/counts`."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from engagement.counts.schemas import CountsBodySchema, CountsQuerySchema, CountsSchema
from engagement.counts.service import Counts
from engagement.http import private, public
from engagement.openapi import StrictBlueprint, may_answer
from engagement.settings import Settings
from engagement.sites.service import Sites


def blueprint(settings: Settings, sites: Sites, counts: Counts) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("counts", __name__, description="Counts of many articles")

    @blp.route("/v1/<site>/counts")
    class CountsOfMany(MethodView):
        @may_answer(404, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.arguments(CountsQuerySchema, location="query")
        @blp.response(200, CountsSchema)
        def get(self, query: dict[str, Any], site: str) -> Response:
            """Comments, reactions and top mood of up to 100 articles."""
            body, degraded = count(site, query["article"])
            return public(body, max_age=settings.public_max_age, degraded=degraded)

        @may_answer(400, 403, 404, 413, 415, 422, 503)
        @blp.arguments(CountsBodySchema)
        @blp.response(200, CountsSchema)
        def post(self, query: dict[str, Any], site: str) -> Response:
            """The same, for lists that don't fit a query."""
            return private(count(site, query["articles"])[0])

    def count(site: str, asked: list[str]) -> tuple[dict[str, Any], str | None]:
        found = sites.site(site)
        names = sites.articles_of_texts(found.key, asked)
        counted, degraded = counts.of(found, list(dict.fromkeys(names.values())))
        return {"articles": {text: counted[name] for text, name in names.items()}}, degraded

    return blp
