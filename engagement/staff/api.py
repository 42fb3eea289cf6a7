"""`/v1/{site}/admin/tokens`: API tokens are made, listed and revoked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from engagement.http import private
from engagement.openapi import StrictBlueprint, may_answer
from engagement.staff.caller import StaffCallers
from engagement.staff.roles import OWNER, TOKENS
from engagement.staff.schemas import MadeTokenSchema, NewTokenSchema, PageSchema, TokenListSchema
from engagement.staff.service import Staff


def blueprint(staff: Staff, callers: StaffCallers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("staff", __name__, description="Those who moderate, and their API tokens")

    @blp.route("/v1/<site>/admin/tokens")
    class TokenList(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 422, 503)
        @blp.arguments(PageSchema, location="query")
        @blp.response(200, TokenListSchema)
        def get(self, page: dict[str, Any], site: str) -> Response:
            """The API tokens of the site, and for an owner those of all sites."""
            key, member = callers.on(site, TOKENS)
            found, cursor = staff.list_tokens(key, everywhere=member.site is None, **page)
            return private({"items": [token.body() for token in found], "next_cursor": cursor})

        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.arguments(NewTokenSchema)
        @blp.response(201, MadeTokenSchema)
        def post(self, body: dict[str, Any], site: str) -> Response:
            """Make an API token. Its text is told here and never again."""
            key, member = callers.on(site, TOKENS)
            text, token = staff.make_token(
                member,
                None if body["role"] == OWNER else key,
                role=body["role"],
                name=body["name"],
                scopes=body["scopes"],
                days=body["expires_in_days"],
            )
            return private(token.body() | {"token": text}, 201)

    @blp.route("/v1/<site>/admin/tokens/<uuid:token>")
    class OneToken(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(204)
        def delete(self, site: str, token: UUID) -> Response:
            """Revoke an API token: it is refused at once, by every process within a second."""
            key, member = callers.on(site, TOKENS)
            staff.revoke_token(member, key, token)
            return Response(status=204, headers={"Cache-Control": "private, no-store"})

    return blp
