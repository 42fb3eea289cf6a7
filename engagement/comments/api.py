"""`A/comments` and what is below it."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from engagement.comments.once import Draft
from engagement.comments.schemas import (
    BodySchema,
    ChangeHeadersSchema,
    CommentListSchema,
    NewCommentSchema,
    OwnCommentSchema,
    PageArgumentsSchema,
    PermalinkSchema,
    PostHeadersSchema,
    PreviewSchema,
    RepliesArgumentsSchema,
    VotedSchema,
    VoteSchema,
)
from engagement.comments.service import Comments
from engagement.comments.writing import Writing
from engagement.errors import BadRequest, Unconditional
from engagement.http import private, public
from engagement.openapi import ARTICLE, StrictBlueprint, may_answer
from engagement.readers.caller import Callers
from engagement.settings import Settings
from engagement.sites.canonical import encode_segment
from engagement.sites.service import Sites


def blueprint(
    settings: Settings, sites: Sites, comments: Comments, writing: Writing, callers: Callers
) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("comments", __name__, description="Comments, replies and votes")
    max_age = settings.public_max_age

    @blp.route(f"{ARTICLE}/comments")
    class CommentList(MethodView):
        @may_answer(400, 404, 410, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.arguments(PageArgumentsSchema(), location="query")
        @blp.response(200, CommentListSchema)
        def get(self, page: dict[str, Any], site: str, article: str) -> Response:
            """Threads with the first replies of each."""
            key = sites.site(site).key
            name = sites.article_of_segment(key, article)
            body = comments.page(key, name, page["sort"], page["limit"], page.get("cursor"))
            return public(body, max_age=max_age)

        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
        @blp.arguments(PostHeadersSchema(), location="headers")
        @blp.arguments(NewCommentSchema())
        @blp.response(201, OwnCommentSchema, headers={"Location": {"schema": {"type": "string"}}})
        def post(self, sent: dict[str, Any], body: dict[str, Any], site: str, article: str) -> Response:
            """Post a comment, or a reply to one."""
            found = sites.site(site)
            caller = callers.writer(found.key)
            name = sites.article_of_segment(found.key, article)
            posted = writing.post(found, name, caller, Draft(**body, **sent))
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
            return public(comments.one(key, sites.article_of_segment(key, article), comment), max_age=max_age)

        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 412, 413, 415, 422, 428, 429, 503)
        @blp.arguments(ChangeHeadersSchema(), location="headers")
        @blp.arguments(BodySchema())
        @blp.response(200, OwnCommentSchema)
        def patch(
            self, sent: dict[str, Any], body: dict[str, Any], site: str, article: str, comment: UUID
        ) -> Response:
            """Edit one's own comment, while the time for it lasts."""
            found = sites.site(site)
            caller = callers.writer(found.key)
            name = sites.article_of_segment(found.key, article)
            revision = _revision(sent.get("if_match"))
            if revision is None:
                raise Unconditional('Send the revision that you have seen: If-Match: "1".')
            return private(writing.edit(found, name, comment, caller, body["body"], revision))

        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 412, 422, 503)
        @blp.arguments(ChangeHeadersSchema(), location="headers")
        @blp.response(204)
        def delete(self, sent: dict[str, Any], site: str, article: str, comment: UUID) -> Response:
            """Take one's own comment back, for good."""
            found = sites.site(site)
            caller = callers.reader(found.key)
            name = sites.article_of_segment(found.key, article)
            writing.delete(found, name, comment, caller, _revision(sent.get("if_match")))
            return Response(status=204)

    @blp.route(f"{ARTICLE}/comments/<uuid:comment>/replies")
    class Replies(MethodView):
        @may_answer(400, 404, 410, 422, 503)
        @blp.alt_response(304, description="As the If-None-Match said")
        @blp.arguments(RepliesArgumentsSchema(), location="query")
        @blp.response(200, CommentListSchema)
        def get(self, page: dict[str, Any], site: str, article: str, comment: UUID) -> Response:
            """More replies to one comment."""
            key = sites.site(site).key
            name = sites.article_of_segment(key, article)
            body = comments.replies(key, name, comment, page["sort"], page["limit"], page.get("cursor"))
            return public(body, max_age=max_age)

    @blp.route(f"{ARTICLE}/comments/<uuid:comment>/vote")
    class Vote(MethodView):
        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
        @blp.arguments(VoteSchema())
        @blp.response(200, VotedSchema)
        def put(self, body: dict[str, Any], site: str, article: str, comment: UUID) -> Response:
            """Vote for or against a comment, or take the vote back."""
            found = sites.site(site)
            caller = callers.writer(found.key)
            name = sites.article_of_segment(found.key, article)
            votes = writing.vote(found, name, comment, caller, body["value"])
            return private({"value": body["value"], "votes": votes})

    @blp.route("/v1/<site>/preview")
    class Preview(MethodView):
        @may_answer(400, 403, 404, 413, 415, 422, 429, 503)
        @blp.arguments(BodySchema())
        @blp.response(200, PreviewSchema)
        def post(self, body: dict[str, Any], site: str) -> Response:
            """How a comment would look."""
            sites.site(site)
            return private({"body_html": writing.preview(body["body"], callers.network())})

    return blp


def _revision(if_match: str | None) -> int | None:
    """The revision that an `If-Match: "3"` names. Raises `BadRequest`."""
    if if_match is None:
        return None
    found = re.fullmatch(r'"(\d{1,9})"', if_match.strip())
    if found is None:
        raise BadRequest('If-Match is not a revision such as "1".')
    return int(found[1])
