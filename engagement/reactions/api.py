"""`A/reactions` and `A/reaction`."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from engagement.http import private, public
from engagement.openapi import ARTICLE, StrictBlueprint, may_answer
from engagement.reactions.moods import tally_body
from engagement.reactions.schemas import MoodSchema, ReactionSchema, TallySchema
from engagement.reactions.service import Reactions
from engagement.readers.caller import Callers
from engagement.settings import Settings
from engagement.sites.schemas import WriteHeadersSchema
from engagement.sites.service import Sites


def blueprint(settings: Settings, sites: Sites, reactions: Reactions, callers: Callers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("reactions", __name__, description="How a story makes its readers feel")

    @blp.route(f"{ARTICLE}/reactions")
    class ReactionTally(MethodView):
        @may_answer(404, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.response(200, TallySchema)
        def get(self, site: str, article: str) -> Response:
            """Tally per mood, total, shares."""
            key = sites.site(site).key
            counts, degraded = reactions.tally(key, sites.article_of_segment(key, article))
            return public(tally_body(counts), max_age=settings.public_max_age, degraded=degraded)

    @blp.route(f"{ARTICLE}/reaction")
    class OwnReaction(MethodView):
        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
        @blp.arguments(WriteHeadersSchema, location="headers")
        @blp.arguments(MoodSchema)
        @blp.response(200, ReactionSchema)
        def put(self, sent: dict[str, Any], body: dict[str, Any], site: str, article: str) -> Response:
            """Set or move one's mood."""
            return choose(site, article, body["mood"], sent.get("signature"))

        @blp.doc(security=[{"reader": []}])
        @may_answer(401, 403, 404, 409, 422, 429, 503)
        @blp.response(200, ReactionSchema)
        def delete(self, site: str, article: str) -> Response:
            """Take one's mood back."""
            return choose(site, article, None)

    def choose(site: str, article: str, mood: str | None, signature: str | None = None) -> Response:
        found = sites.site(site)
        caller = callers.writer(found.key)
        name = sites.article_of_segment(found.key, article)
        counts = reactions.choose(found, name, caller, mood, signature)
        return private({"mood": mood, "reactions": tally_body(counts)})

    return blp
