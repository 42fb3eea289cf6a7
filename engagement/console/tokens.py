"""API tokens of a site: made, shown once, listed, revoked."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request

from engagement.console.forms import field, given, number
from engagement.console.services import Services
from engagement.console.showing import At, entered, show, to
from engagement.errors import Forbidden, Invalid, Problem
from engagement.staff.roles import OWNER, ROLES, SCOPES, TOKENS


def add_tokens(pages: Blueprint, services: Services) -> None:
    """The routes."""
    guard = services.guard

    @pages.get("/<site>/tokens")
    def tokens(site: str) -> Response:
        return _page(entered(services, site, TOKENS))

    @pages.post("/<site>/tokens")
    def make_token(site: str) -> Response:
        """Its text is on the page that answers, and never again."""
        guard.check()
        at = entered(services, site, TOKENS)
        role = field("role") or ""
        try:
            text, _ = services.staff.make_token(
                at.member,
                None if role == OWNER else at.site.key,
                role=role,
                name=request.form.get("name", ""),
                scopes=request.form.getlist("scopes"),
                days=number("days", field("days")),
            )
        except (Forbidden, Invalid) as problem:
            return _page(at, problem=problem)
        return _page(at, text=text)

    @pages.post("/<site>/tokens/<uuid:token>/revoke")
    def revoke_token(site: str, token: UUID) -> Response:
        guard.check()
        at = entered(services, site, TOKENS)
        services.staff.revoke_token(at.member, at.site.key, token)
        return to(at.path("tokens") + "?done")

    def _page(at: At, *, text: str | None = None, problem: Problem | None = None) -> Response:
        found, more = services.staff.list_tokens(
            at.site.key, everywhere=at.member.site is None, cursor=given("cursor")
        )
        roles = [role for role in ROLES if role != OWNER or at.member.role == OWNER]
        return show(
            "tokens.html",
            at,
            200 if problem is None else problem.status,
            page="tokens",
            tokens=[token.body() for token in found],
            more=more,
            text=text,
            roles=roles,
            scopes=SCOPES,
            problem=problem,
        )
