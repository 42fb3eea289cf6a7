"""`A/footer` and `A/me`."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from engagement.comments.schemas import FooterArgumentsSchema
from engagement.footer.schemas import FooterSchema, MeArgumentsSchema, MeSchema
from engagement.footer.service import Footer
from engagement.http import private, public
from engagement.openapi import ARTICLE, StrictBlueprint, may_answer
from engagement.readers.caller import Callers
from engagement.settings import Settings
from engagement.sites.service import Sites


def blueprint(settings: Settings, sites: Sites, footer: Footer, callers: Callers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("footer", __name__, description="All that a page load needs")

    @blp.route(f"{ARTICLE}/footer")
    class FooterOfArticle(MethodView):
        @may_answer(404, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.arguments(FooterArgumentsSchema, location="query")
        @blp.response(200, FooterSchema)
        def get(self, page: dict[str, Any], site: str, article: str) -> Response:
            """Article, counts, moods and the first comments."""
            found = sites.site(site)
            name = sites.article_of_segment(found.key, article)
            body, degraded = footer.of(found, name, page["sort"], page["limit"])
            return public(body, max_age=settings.public_max_age, degraded=degraded)

    @blp.route(f"{ARTICLE}/me")
    class MeOnArticle(MethodView):
        @blp.doc(security=[{"reader": []}])
        @may_answer(401, 403, 404, 422, 503)
        @blp.arguments(MeArgumentsSchema, location="query")
        @blp.response(200, MeSchema)
        def get(self, asked: dict[str, Any], site: str, article: str) -> Response:
            """One's mood and votes on the article."""
            found = sites.site(site)
            caller = callers.reader(found.key)
            name = sites.article_of_segment(found.key, article)
            return private(footer.me(found, name, caller, asked["comment"]))

    return blp
