"""The rules of a site: listed, made, changed, tried on the last week, ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, request

from engagement.console.forms import field as given
from engagement.console.forms import number
from engagement.console.rule_forms import SETTINGS, complete, sent_rule
from engagement.console.services import Services
from engagement.console.showing import At, entered, is_part, show, to
from engagement.errors import Edited, Invalid, NotFound, Problem
from engagement.moderation.rules.kinds import KINDS, MODES, ON, PHRASES
from engagement.staff.roles import RULES

BODY_MAX: Final = 4 * 1_048_576
"""Bytes: five thousand phrases, as forms write them."""
VERSIONS: Final = 20


def add_rules(pages: Blueprint, services: Services) -> None:
    """The routes."""
    changes = services.rule_changes

    @pages.get("/<site>/rules")
    def rules(site: str) -> Response:
        at = entered(services, site, RULES)
        return show("rules.html", at, page="rules", rules=changes.all(at.site.key))

    @pages.get("/<site>/rules/new")
    def new_rule(site: str) -> Response:
        """An empty form, of the kind that the query names."""
        at = entered(services, site, RULES)
        kind = request.args.get("kind", PHRASES)
        if kind not in KINDS:
            raise NotFound("There is no such kind of rules.")
        values = {each.name: each.default for each in SETTINGS[kind] if each.default != ""}
        empty = {"kind": kind, "name": "", "mode": ON, "action": "hold", "reason": "", "settings": values}
        return _form(services, at, empty)

    @pages.post("/<site>/rules")
    def make_rule(site: str) -> Response:
        at = _long(services, site)
        sent = sent_rule()
        try:
            changes.create(at.member, at.site.key, complete(sent))
        except Invalid as problem:
            return _form(services, at, sent, problem=problem)
        return to(at.path("rules") + "?done=made")

    @pages.get("/<site>/rules/<uuid:rule>")
    def one_rule(site: str, rule: UUID) -> Response:
        """What it is, to be changed, and what it was."""
        at = entered(services, site, RULES)
        return _form(services, at, changes.one(at.site.key, rule), rule=rule)

    @pages.post("/<site>/rules/<uuid:rule>")
    def change_rule(site: str, rule: UUID) -> Response:
        """A new version, or its end."""
        at = _long(services, site)
        sent, version = sent_rule(), number("version", given("version")) or 0
        try:
            if given("action_on_rule") == "delete":
                changes.delete(at.member, at.site.key, rule, version)
                return to(at.path("rules") + "?done=ended")
            changes.replace(at.member, at.site.key, rule, complete(sent), version)
        except (Edited, Invalid) as problem:
            return _form(services, at, sent | {"version": version}, rule=rule, problem=problem)
        return to(at.path("rules") + "?done=changed")

    @pages.post("/<site>/rules/preview")
    def preview_rule(site: str) -> Response:
        """What it would have caught in the last days."""
        return _preview(services, _long(services, site))


def _preview(services: Services, at: At) -> Response:
    sent = sent_rule()
    try:
        found = services.previews.of(at.site.key, sent["kind"], sent["settings"])
    except Invalid as problem:
        if is_part():
            return show("rule_preview.html", at, 422, problem=problem)
        return _form(services, at, sent, problem=problem)
    if is_part():
        return show("rule_preview.html", at, found=found)
    return _form(services, at, sent, found=found)


def _form(
    services: Services,
    at: At,
    values: Mapping[str, Any],
    *,
    rule: UUID | None = None,
    problem: Problem | None = None,
    found: Mapping[str, Any] | None = None,
) -> Response:
    versions = services.rule_changes.versions(at.site.key, rule, VERSIONS)[0] if rule is not None else []
    return show(
        "rule.html",
        at,
        200 if problem is None else problem.status,
        page="rules",
        rule=values,
        id=rule,
        settings=SETTINGS[values["kind"]],
        modes=MODES,
        versions=versions,
        whose={by: services.named(by) for by in {each["changed_by"] for each in versions}},
        problem=problem,
        found=found,
    )


def _long(services: Services, site: str) -> At:
    """Of those alone who may write rules: whoever else sends much is refused before it is read."""
    services.guard.check_origin()
    at = entered(services, site, RULES)
    request.max_content_length = request.max_form_memory_size = BODY_MAX
    services.guard.check()
    return at
