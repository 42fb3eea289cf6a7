"""`/v1/{site}/admin/issuers`: the single sign-on of a site is set up."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response
from flask.views import MethodView

from engagement.http import private
from engagement.openapi import StrictBlueprint, may_answer
from engagement.sso.issuers import ALGORITHMS, MAX_SECRET, MAX_SKEW, MAX_TEXT, MAX_URL, MIN_SECRET, SKEW
from engagement.staff.caller import StaffCallers
from engagement.staff.roles import ISSUERS
from engagement.staff.sign_on_issuers import SignOnIssuers

_TEXT = ma.validate.Length(min=1, max=MAX_TEXT)


class NewIssuerSchema(ma.Schema):
    """Who vouches for readers, and how their tokens are signed."""

    issuer = ma.fields.String(required=True, validate=_TEXT, metadata={"description": "`iss`"})
    audience = ma.fields.String(required=True, validate=_TEXT, metadata={"description": "`aud`"})
    algorithm = ma.fields.String(required=True, validate=ma.validate.OneOf(ALGORITHMS))
    secret = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(min=MIN_SECRET, max=MAX_SECRET),
        metadata={"description": "Of HS256; it is never told again"},
    )
    jwks_url = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=MAX_URL),
        metadata={"description": "Where the public keys of the other algorithms are"},
    )
    skew = ma.fields.Integer(
        load_default=SKEW,
        validate=ma.validate.Range(0, MAX_SKEW),
        metadata={"description": "Seconds by which clocks may differ"},
    )
    for_staff = ma.fields.Boolean(
        load_default=False, metadata={"description": "May its tokens name `roles`?"}
    )


class IssuerSchema(ma.Schema):
    """An issuer without its secret."""

    id = ma.fields.UUID(required=True)
    issuer = ma.fields.String(required=True)
    audience = ma.fields.String(required=True)
    algorithm = ma.fields.String(required=True)
    jwks_url = ma.fields.String(required=True, allow_none=True)
    skew = ma.fields.Integer(required=True)
    for_staff = ma.fields.Boolean(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    disabled_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class IssuerListSchema(ma.Schema):
    """All of a site."""

    items = ma.fields.List(ma.fields.Nested(IssuerSchema), required=True)


def blueprint(issuers: SignOnIssuers, callers: StaffCallers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("issuers", __name__, description="Single sign-on of readers and staff")

    @blp.route("/v1/<site>/admin/issuers")
    class IssuerList(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(200, IssuerListSchema)
        def get(self, site: str) -> Response:
            """Who vouches for readers and staff of the site."""
            key, _ = callers.on(site, ISSUERS)
            return private({"items": [issuer.body() for issuer in issuers.all(key)]})

        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.arguments(NewIssuerSchema)
        @blp.response(201, IssuerSchema)
        def post(self, body: dict[str, Any], site: str) -> Response:
            """Take tokens of an issuer; one that was disabled is there again, as it is given now."""
            key, member = callers.on(site)
            return private(issuers.add(member, key, **body).body(), 201)

    @blp.route("/v1/<site>/admin/issuers/<uuid:issuer>")
    class OneIssuer(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(204)
        def delete(self, site: str, issuer: UUID) -> Response:
            """Disable an issuer: its tokens are refused by every process within a second."""
            key, member = callers.on(site)
            issuers.disable(member, key, issuer)
            return Response(status=204, headers={"Cache-Control": "private, no-store"})

    return blp
