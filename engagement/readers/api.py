"""`/v1/{site}/readers`: a reader is made, looks at and changes their profile, takes it along, is erased."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from engagement.http import attachment, private
from engagement.openapi import StrictBlueprint, may_answer
from engagement.ratelimit import RateLimits
from engagement.readers.caller import Callers
from engagement.readers.erasing import Erasures
from engagement.readers.export import Exports
from engagement.readers.schemas import ErasureSchema, ExportSchema, MintedSchema, NameSchema, ReaderSchema
from engagement.readers.service import Readers, clean_name
from engagement.sites.service import Sites


def blueprint(
    sites: Sites, readers: Readers, callers: Callers, limits: RateLimits, exports: Exports, erasures: Erasures
) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("readers", __name__, description="Anonymous readers and their tokens")

    @blp.route("/v1/<site>/readers")
    class ReaderList(MethodView):
        @may_answer(400, 403, 404, 413, 415, 422, 429, 503)
        @blp.arguments(NameSchema)
        @blp.response(201, MintedSchema)
        def post(self, body: dict[str, Any], site: str) -> Response:
            """Make an anonymous reader."""
            key = sites.site(site).key
            name = clean_name(body.get("name"))
            limits.new_reader(callers.network())
            token, reader = readers.mint(key, name)
            return private({"token": token, "reader": reader.body()}, 201)

    @blp.route("/v1/<site>/readers/me")
    class Me(MethodView):
        @blp.doc(security=[{"reader": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(200, ReaderSchema)
        def get(self, site: str) -> Response:
            """The reader of the token."""
            key = sites.site(site).key
            return private(readers.get(key, callers.reader(key).reader_id).body())

        @blp.doc(security=[{"reader": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 429, 503)
        @blp.arguments(NameSchema)
        @blp.response(200, ReaderSchema)
        def patch(self, body: dict[str, Any], site: str) -> Response:
            """Change the name."""
            key = sites.site(site).key
            caller = callers.writer(key)
            if "name" not in body:
                return private(readers.get(key, caller.reader_id).body())
            name = clean_name(body["name"])
            limits.comment(caller.reader_id, caller.network)
            return private(readers.rename(key, caller.reader_id, name).body())

        @blp.doc(security=[{"reader": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(202, ErasureSchema)
        def delete(self, site: str) -> Response:
            """Erase the reader: what they wrote, their name, what they chose. It can't be undone."""
            key = sites.site(site).key
            return private(erasures.begin(key, callers.reader(key).reader_id), 202)

    @blp.route("/v1/<site>/readers/me/export")
    class Export(MethodView):
        @blp.doc(security=[{"reader": []}])
        @may_answer(401, 403, 404, 429, 503)
        @blp.response(200, ExportSchema, headers={"Content-Disposition": {"schema": {"type": "string"}}})
        def get(self, site: str) -> Response:
            """All that is held of the reader, as a file."""
            key = sites.site(site).key
            caller = callers.reader(key)
            limits.export(caller.reader_id, caller.network)
            return attachment(exports.of(key, caller.reader_id), f"reader-{caller.reader_id}.json")

    return blp
