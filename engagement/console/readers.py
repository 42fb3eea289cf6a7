"""Readers: found by name, their file, notes, trust, and what keeps them from writing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, request

from engagement import clock
from engagement.console.forms import field, given, number
from engagement.console.services import Services
from engagement.console.showing import At, entered, show, to
from engagement.errors import Invalid, Problem
from engagement.moderation.readers.bans import KINDS, Wanted
from engagement.moderation.readers.search import FOUND
from engagement.moderation.readers.standing import TRUSTS
from engagement.staff.roles import BAN_EVERYWHERE, READERS, RESTRICT

MAX_DAYS: Final = 3_650


def add_readers(pages: Blueprint, services: Services) -> None:
    """The routes."""
    guard = services.guard

    @pages.get("/<site>/readers")
    def readers(site: str) -> Response:
        """Those whose name begins so, or whose id it is."""
        at = entered(services, site, READERS)
        text = given("q")
        found = services.reader_search.find(at.member, at.site.key, text) if text else None
        return show("readers.html", at, page="readers", q=text or "", found=found, most=FOUND)

    @pages.get("/<site>/readers/<uuid:reader>")
    def one_reader(site: str, reader: UUID) -> Response:
        return _file(entered(services, site, READERS), reader)

    @pages.post("/<site>/readers/<uuid:reader>/notes")
    def note(site: str, reader: UUID) -> Response:
        guard.check()
        at = entered(services, site, RESTRICT)
        try:
            services.files.note(at.member, at.site.key, reader, request.form.get("text", ""))
        except Invalid as problem:
            return _file(at, reader, problem)
        return to(at.path("readers", str(reader)) + "?done=noted")

    @pages.post("/<site>/readers/<uuid:reader>/standing")
    def trust(site: str, reader: UUID) -> Response:
        guard.check()
        at = entered(services, site, RESTRICT)
        trusted = field("trust") or ""
        if trusted not in TRUSTS:
            raise Invalid(errors={"trust": [f"must be one of {', '.join(TRUSTS)}"]})
        services.files.trust(at.member, at.site.key, reader, trusted)
        return to(at.path("readers", str(reader)) + "?done=trusted")

    @pages.post("/<site>/readers/<uuid:reader>/bans")
    def ban(site: str, reader: UUID) -> Response:
        guard.check()
        at = entered(services, site, RESTRICT)
        try:
            services.bans.ban(at.member, at.site.key, reader, _wanted())
        except Invalid as problem:
            return _file(at, reader, problem)
        return to(at.path("readers", str(reader)) + "?done=banned")

    @pages.post("/<site>/readers/<uuid:reader>/bans/<uuid:ban>/lift")
    def lift(site: str, reader: UUID, ban: UUID) -> Response:
        guard.check()
        at = entered(services, site, RESTRICT)
        services.bans.lift(at.member, at.site.key, reader, ban)
        return to(at.path("readers", str(reader)) + "?done=lifted")

    def _file(at: At, reader: UUID, problem: Problem | None = None) -> Response:
        file = services.files.of(at.member, at.site.key, reader)
        staff = {each["created_by"] for each in (*file["bans"], *file["notes"])}
        return show(
            "reader.html",
            at,
            200 if problem is None else problem.status,
            page="readers",
            file=file,
            whose={by: services.named(by) for by in staff},
            kinds=KINDS,
            trusts=TRUSTS,
            everywhere=at.member.may(BAN_EVERYWHERE, None),
            problem=problem,
            sent=request.form,
        )


def _wanted() -> Wanted:
    """The ban that the form describes. Raises `Invalid`."""
    ticked: dict[str, Any] = {
        name: request.form.get(name) == "yes" for name in ("take_choices", "everywhere", "network")
    }
    return Wanted(
        kind=field("kind") or "",
        reason=field("reason") or "",
        note=field("note"),
        until=_until(number("days", field("days"))),
        **ticked,
    )


def _until(days: int | None) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(errors={"days": [f"must be 1 to {MAX_DAYS}"]})
    return clock.now() + timedelta(days=days)
