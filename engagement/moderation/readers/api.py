"""`/v1/{site}/admin/readers/{id}`: a reader's file, bans, notes and standing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from engagement.http import private
from engagement.moderation.readers.bans import Bans, Wanted
from engagement.moderation.readers.files import ReaderFiles
from engagement.moderation.readers.schemas import (
    BanSchema,
    NewBanSchema,
    NewNoteSchema,
    NoteSchema,
    ReaderFileSchema,
    StandingSchema,
    TrustSchema,
)
from engagement.openapi import StrictBlueprint, may_answer
from engagement.staff.caller import StaffCallers

READER = "/v1/<site>/admin/readers/<uuid:reader>"


def blueprint(bans: Bans, files: ReaderFiles, callers: StaffCallers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("restrictions", __name__, description="Readers, for moderators")

    @blp.route(READER)
    class File(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(200, ReaderFileSchema)
        def get(self, site: str, reader: UUID) -> Response:
            """All that the staff knows of a reader."""
            key, member = callers.on(site)
            return private(files.of(member, key, reader))

    @blp.route(f"{READER}/bans")
    class BanList(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.arguments(NewBanSchema)
        @blp.response(201, BanSchema)
        def post(self, body: dict[str, Any], site: str, reader: UUID) -> Response:
            """Warn, suspend or ban a reader."""
            key, member = callers.on(site)
            return private(bans.ban(member, key, reader, Wanted(**body)), 201)

    @blp.route(f"{READER}/bans/<uuid:ban>")
    class OneBan(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 503)
        @blp.response(200, BanSchema)
        def delete(self, site: str, reader: UUID, ban: UUID) -> Response:
            """Lift a ban: what it took comes back."""
            key, member = callers.on(site)
            return private(bans.lift(member, key, reader, ban))

    @blp.route(f"{READER}/notes")
    class Notes(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.arguments(NewNoteSchema)
        @blp.response(201, NoteSchema)
        def post(self, body: dict[str, Any], site: str, reader: UUID) -> Response:
            """Leave a note for the others of the staff."""
            key, member = callers.on(site)
            return private(files.note(member, key, reader, body["text"]), 201)

    @blp.route(f"{READER}/standing")
    class Standing(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 413, 415, 422, 503)
        @blp.arguments(TrustSchema)
        @blp.response(200, StandingSchema)
        def put(self, body: dict[str, Any], site: str, reader: UUID) -> Response:
            """Say how far a reader is trusted."""
            key, member = callers.on(site)
            return private(files.trust(member, key, reader, body["trust"]))

    return blp
