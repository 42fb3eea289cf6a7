"""Single sign-on of a site: its issuers are listed, added, disabled. A secret is shown to nobody."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, request

from engagement.console.forms import field, number
from engagement.console.services import Services
from engagement.console.showing import At, entered, show, to
from engagement.errors import Forbidden, Invalid, Problem
from engagement.sso.issuers import ALGORITHMS, MAX_SECRET, MAX_TEXT, MAX_URL, MIN_SECRET, SKEW
from engagement.staff.roles import ISSUERS

KEPT = ("issuer", "audience", "algorithm", "jwks_url", "skew", "for_staff")
"""What a form that was refused is filled with again: all but the secret."""


def add_issuers(pages: Blueprint, services: Services) -> None:
    """The routes."""
    guard = services.guard

    @pages.get("/<site>/sign-on")
    def sign_on(site: str) -> Response:
        return _page(entered(services, site, ISSUERS))

    @pages.post("/<site>/sign-on")
    def add_issuer(site: str) -> Response:
        guard.check()
        at = entered(services, site, ISSUERS)
        try:
            skew = number("skew", field("skew"))
            services.issuers.add(
                at.member,
                at.site.key,
                issuer=field("issuer") or "",
                audience=field("audience") or "",
                algorithm=field("algorithm") or "",
                secret=request.form.get("secret") or None,
                jwks_url=field("jwks_url"),
                skew=SKEW if skew is None else skew,
                for_staff="for_staff" in request.form,
            )
        except (Forbidden, Invalid) as problem:
            return _page(at, problem)
        return to(at.path("sign-on") + "?done=issuer-added")

    @pages.post("/<site>/sign-on/<uuid:issuer>/disable")
    def disable_issuer(site: str, issuer: UUID) -> Response:
        guard.check()
        at = entered(services, site, ISSUERS)
        services.issuers.disable(at.member, at.site.key, issuer)
        return to(at.path("sign-on") + "?done=issuer-disabled")

    def _page(at: At, problem: Problem | None = None) -> Response:
        sent = {name: request.form[name] for name in KEPT if name in request.form}
        return show(
            "issuers.html",
            at,
            200 if problem is None else problem.status,
            page="sign-on",
            issuers=services.issuers.all(at.site.key),
            algorithms=ALGORITHMS,
            sent={"skew": SKEW} | sent,
            secrets=(MIN_SECRET, MAX_SECRET),
            longest={"text": MAX_TEXT, "url": MAX_URL},
            problem=problem,
        )
