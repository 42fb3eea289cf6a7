"""`/discussions/{site}/{article}`: pages to read and join an article's discussion on, without scripts.

The path begins with a word of ours, as the demo's do: a site may be called `docs` or `static`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response
from flask.views import MethodView
from werkzeug.exceptions import HTTPException

from engagement.discussion.answers import Answers, without
from engagement.discussion.schemas import DiscussionArgumentsSchema, FormSchema, ThreadArgumentsSchema
from engagement.errors import Problem
from engagement.openapi import StrictBlueprint, may_answer, problem_of

PAGE = "/discussions/<site>/<article>"
THREAD = f"{PAGE}/comments/<uuid:comment>"
HTML = "text/html"
TEXT = {"type": "string"}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


def blueprint(answers: Answers) -> StrictBlueprint:
    """The pages."""
    blp = StrictBlueprint(
        "discussion",
        __name__,
        description="Discussions as pages, without scripts",
        template_folder="templates",
    )
    accepts = {"requestBody": {"content": {"multipart/form-data": {"schema": FormSchema}}}}

    @blp.route(PAGE)
    class Whole(MethodView):
        @may_answer(400, 404, 410, 422, 503, content_type=HTML)
        @blp.arguments(DiscussionArgumentsSchema, location="query", unknown=ma.EXCLUDE)
        @blp.response(200, TEXT, content_type=HTML)
        def get(self, page: dict[str, Any], site: str, article: str) -> Response:
            """An article's discussion, with a form to join it."""
            at = answers.at(site, article)
            sort, limit, cursor = page["sort"], page["limit"], page.get("cursor")
            return answers.whole(at, sort, limit, cursor)

        @blp.doc(**accepts)
        @may_answer(400, 401, 403, 404, 409, 410, 413, 422, 429, 503, content_type=HTML)
        @blp.response(303, description="To the page that says what became of it")
        def post(self, site: str, article: str) -> Response:
            """Add a comment, by the page's form. A moderator looks at it first."""
            return answers.take(answers.at(site, article))

    @blp.route(THREAD)
    class Thread(MethodView):
        @may_answer(400, 404, 410, 422, 503, content_type=HTML)
        @blp.arguments(ThreadArgumentsSchema, location="query", unknown=ma.EXCLUDE)
        @blp.response(200, TEXT, content_type=HTML)
        def get(self, page: dict[str, Any], site: str, article: str, comment: UUID) -> Response:
            """One comment with what it answers and the replies to it, and a form to reply."""
            at = answers.at(site, article, comment)
            return answers.thread(at, comment, page.get("cursor"))

        @blp.doc(**accepts)
        @may_answer(400, 401, 403, 404, 409, 410, 413, 422, 429, 503, content_type=HTML)
        @blp.response(303, description="To the page that says what became of it")
        def post(self, site: str, article: str, comment: UUID) -> Response:
            """Reply to a comment, by the page's form. A moderator looks at it first."""
            return answers.take(answers.at(site, article, comment))

    @blp.route(f"{PAGE}/received")
    class Received(MethodView):
        @may_answer(404, 422, 503, content_type=HTML)
        @blp.response(200, TEXT, content_type=HTML)
        def get(self, site: str, article: str) -> Response:
            """What somebody is told who has sent a form."""
            at = answers.at(site, article)
            return answers.received(at)

    @blp.errorhandler(Problem)
    def trouble(problem: Problem) -> Response:
        return without(problem, problem.status)

    @blp.errorhandler(HTTPException)
    def other(error: HTTPException) -> Response:
        return without(problem_of(error), error.code or 500)

    @blp.after_request
    def secure(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    return blp
