"""`A/footer.html` and the feeds: comments and moods for who reads without scripts."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from engagement.comments.schemas import PageArgumentsSchema
from engagement.http import public
from engagement.openapi import ARTICLE, StrictBlueprint, may_answer
from engagement.plain.atom import MIMETYPE
from engagement.plain.feeds import Feeds
from engagement.plain.fragments import Fragments
from engagement.plain.pages import origin
from engagement.plain.places import Place
from engagement.plain.reading import Reading
from engagement.settings import Settings
from engagement.sites.service import Sites

TEXT = {"type": "string"}
CONTENT_SECURITY_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def blueprint(settings: Settings, sites: Sites, reading: Reading, feeds: Feeds) -> StrictBlueprint:
    """The calls, over these services."""
    fragments = Fragments()
    blp = StrictBlueprint(
        "plain",
        __name__,
        description="For pages without scripts, and for feed readers",
        template_folder="templates",
    )

    @blp.route(f"{ARTICLE}/footer.html")
    class Fragment(MethodView):
        @may_answer(400, 404, 410, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.arguments(PageArgumentsSchema, location="query")
        @blp.response(200, TEXT, content_type="text/html")
        def get(self, page: dict[str, Any], site: str, article: str) -> Response:
            """The footer as HTML, to be put into a page when it is built or at the edge."""
            found = sites.site(site)
            name = sites.article_of_segment(found.key, article)
            sort, limit, cursor = page["sort"], page["limit"], page.get("cursor")
            shown = reading.discussion(found, name, sort, limit, cursor)
            place = Place(origin(settings), found.key, name)
            html = fragments.of(place, shown, limit)
            response = answer(html, "text/html", degraded=shown.degraded)
            more = shown.footer["comments"]["next_cursor"]
            if more:
                response.headers["Link"] = f'<{place.fragment(sort, limit, more)}>; rel="next"'
            return response

    @blp.route(f"{ARTICLE}/feed.atom")
    class FeedOfArticle(MethodView):
        @may_answer(404, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.response(200, TEXT, content_type=MIMETYPE)
        def get(self, site: str, article: str) -> Response:
            """The newest comments of an article, as Atom."""
            found = sites.site(site)
            name = sites.article_of_segment(found.key, article)
            return answer(feeds.of_article(origin(settings), found, name), MIMETYPE)

    @blp.route("/v1/<site>/feed.atom")
    class FeedOfSite(MethodView):
        @may_answer(404, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.response(200, TEXT, content_type=MIMETYPE)
        def get(self, site: str) -> Response:
            """The newest comments of all articles of a site, as Atom."""
            return answer(feeds.of_site(origin(settings), sites.site(site)), MIMETYPE)

    def answer(text: str | bytes, mimetype: str, degraded: str | None = None) -> Response:
        data = text.encode() if isinstance(text, str) else text
        response = public(data, max_age=settings.public_max_age, degraded=degraded, mimetype=mimetype)
        response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return blp
