"""`A/comments` and what is below it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from engagement.comments.once import Draft
from engagement.comments.schemas import (
    CommentListSchema,
    CommentSchema,
    NewCommentSchema,
    PageArgumentsSchema,
    PermalinkSchema,
    PostHeadersSchema,
    RepliesArgumentsSchema,
    VotedSchema,
    VoteSchema,
)
from engagement.comments.service import Comments
from engagement.http import private, public
from engagement.openapi import ARTICLE, StrictBlueprint, may_answer
from engagement.readers.caller import Callers
from engagement.settings import Settings
from engagement.sites.canonical import encode_segment
from engagement.sites.service import Sites


def blueprint(settings: Settings, sites: Sites, comments: Comments, callers: Callers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("comments", __name__, description="Comments, replies and votes")
    max_age = settings.public_max_age

    @blp.route(f"{ARTICLE}/comments")
    class CommentList(MethodView):
        @may_answer(400, 404, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.arguments(PageArgumentsSchema, location="query")
        @blp.response(200, CommentListSchema)
        def get(self, page: dict[str, Any], site: str, article: str) -> Response:
            """Threads with the first replies of each."""
            key = sites.site(site).key
            name = sites.article_of_segment(article)
            body = comments.page(key, name, page["sort"], page["limit"], page.get("cursor"))
            return public(body, max_age=max_age)

        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
        @blp.arguments(PostHeadersSchema, location="headers")
        @blp.arguments(NewCommentSchema)
        @blp.response(201, CommentSchema, headers={"Location": {"schema": {"type": "string"}}})
        def post(self, sent: dict[str, Any], body: dict[str, Any], site: str, article: str) -> Response:
            """Post a comment, or a reply to one."""
            found = sites.site(site)
            caller = callers.reader(found.key)
            name = sites.article_of_segment(article)
            posted = comments.post(found, name, caller, Draft(**body, **sent))
            place = f"/v1/{found.key}/articles/{encode_segment(name)}/comments/{posted['id']}"
            return private(posted, 201, Location=place)

    @blp.route(f"{ARTICLE}/comments/<uuid:comment>")
    class Permalink(MethodView):
        @may_answer(404, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.response(200, PermalinkSchema)
        def get(self, site: str, article: str, comment: UUID) -> Response:
            """One comment with its ancestors."""
            key = sites.site(site).key
            return public(comments.one(key, sites.article_of_segment(article), comment), max_age=max_age)

    @blp.route(f"{ARTICLE}/comments/<uuid:comment>/replies")
    class Replies(MethodView):
        @may_answer(400, 404, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.arguments(RepliesArgumentsSchema, location="query")
        @blp.response(200, CommentListSchema)
        def get(self, page: dict[str, Any], site: str, article: str, comment: UUID) -> Response:
            """More replies to one comment."""
            key = sites.site(site).key
            name = sites.article_of_segment(article)
            body = comments.replies(key, name, comment, page["sort"], page["limit"], page.get("cursor"))
            return public(body, max_age=max_age)

    @blp.route(f"{ARTICLE}/comments/<uuid:comment>/vote")
    class Vote(MethodView):
        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 429, 503)
        @blp.arguments(VoteSchema)
        @blp.response(200, VotedSchema)
        def put(self, body: dict[str, Any], site: str, article: str, comment: UUID) -> Response:
            """Vote for or against a comment, or take the vote back."""
            found = sites.site(site)
            caller = callers.reader(found.key)
            name = sites.article_of_segment(article)
            votes = comments.vote(found, name, comment, caller, body["value"])
            return private({"value": body["value"], "votes": votes})

    return blp
