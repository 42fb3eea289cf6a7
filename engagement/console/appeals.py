"""Appeals: what was restricted and why, what its author says to it, what is answered. Statements as files."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import Blueprint, Response, request

from engagement import clock
from engagement.console.forms import field, given
from engagement.console.services import Services
from engagement.console.showing import At, entered, show, to
from engagement.errors import Decided, Forbidden, Invalid, NotFound, Problem
from engagement.http import attachment
from engagement.moderation.statements.appeals import OUTCOMES, STATES
from engagement.moderation.statements.statements import OPEN
from engagement.moderation.statements.stating import FORMATS
from engagement.staff.roles import APPEALS, STATEMENTS

EXPORTED = timedelta(days=31)


def add_appeals(pages: Blueprint, services: Services) -> None:
    """The routes."""
    guard = services.guard

    @pages.get("/<site>/appeals")
    def appeals(site: str) -> Response:
        return _page(entered(services, site, APPEALS))

    @pages.post("/<site>/appeals/<uuid:appeal>")
    def decide_appeal(site: str, appeal: UUID) -> Response:
        guard.check()
        at = entered(services, site, APPEALS)
        outcome = field("outcome") or ""
        if outcome not in OUTCOMES:
            raise Invalid(errors={"outcome": [f"must be one of {', '.join(OUTCOMES)}"]})
        try:
            services.appeals.decide(at.member, at.site.key, appeal, outcome, request.form.get("answer", ""))
        except (Decided, Forbidden, Invalid) as problem:
            return _page(at, appeal, problem)
        return to(at.path("appeals") + f"?done={OUTCOMES[outcome]}")

    @pages.get("/<site>/statements.<form>")
    def statements(site: str, form: str) -> Response:
        """Those of the last month, as a file."""
        at = entered(services, site, STATEMENTS)
        if form not in FORMATS:
            raise NotFound("There is no such file.")
        now = clock.now()
        file = services.stating.export(at.member, at.site.key, now - EXPORTED, now, form)
        response = attachment(file, f"statements-{at.site.key}.{form}")
        response.mimetype = FORMATS[form]
        return response

    def _page(at: At, appeal: UUID | None = None, problem: Problem | None = None) -> Response:
        state = given("state")
        if state not in STATES:
            state = OPEN
        found = services.appeals.page(at.member, at.site.key, state, given("cursor"))
        return show(
            "appeals.html",
            at,
            200 if problem is None else problem.status,
            page="appeals",
            appeals=found["items"],
            more=found["next_cursor"],
            state=state,
            states=STATES,
            whose={
                by: services.named(by)
                for each in found["items"]
                for by in (each["restricted_by"], each["decided_by"])
            },
            problem=problem,
            sent={str(appeal): request.form.get("answer", "")},
        )
