"""`/v1/{site}/admin/policy`, and the policies of sections and articles."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from engagement import clock
from engagement.errors import Invalid, NotFound
from engagement.http import private
from engagement.moderation.policy.inheritance import ARTICLE, FIELDS, SECTION, SITE, Layer, Policy, Scope
from engagement.moderation.policy.policies import PolicyChanges
from engagement.moderation.policy.schemas import PolicyHeadersSchema, PolicySchema, PolicyValuesSchema
from engagement.moderation.versions import seen
from engagement.openapi import StrictBlueprint, may_answer
from engagement.sites.canonical import decode_segment
from engagement.sites.service import Sites
from engagement.staff.caller import StaffCallers
from engagement.staff.roles import POLICY

Where = tuple[Scope, str, str | None]
"""Scope, name, and the section of an article."""


def blueprint(sites: Sites, changes: PolicyChanges, callers: StaffCallers) -> StrictBlueprint:
    """The calls, over these services."""
    blp = StrictBlueprint("policy", __name__, description="What may be written where, and why it is so")

    def of_site(key: str, name: str) -> Where:
        return SITE, "", None

    def of_section(key: str, name: str) -> Where:
        try:
            section = decode_segment(name)
        except ValueError as error:
            raise Invalid(errors={"section": [str(error)]}) from error
        if len(section) > 100:
            raise Invalid(errors={"section": ["is longer than 100 characters"]})
        return SECTION, section, None

    def of_article(key: str, name: str) -> Where:
        found = sites.find(key, sites.article_of_segment(key, name))
        if found is None:
            raise NotFound("There is no such article.")
        return ARTICLE, found.external_id, found.section

    for path, field, where in (
        ("/v1/<site>/admin/policy", "", of_site),
        ("/v1/<site>/admin/sections/<section>/policy", "section", of_section),
        ("/v1/<site>/admin/articles/<article>/policy", "article", of_article),
    ):
        _add(blp, path, field, where, sites, changes, callers)
    return blp


def _add(
    blp: StrictBlueprint, path: str, field: str, where: Any, sites: Sites, changes: PolicyChanges,
    callers: StaffCallers,
) -> None:  # fmt: skip
    def change(sent: dict[str, Any], body: dict[str, Any], site: str, name: str, *, whole: bool) -> Response:
        key, member = callers.on(site, POLICY)
        version = seen(sent.get("if_match"))
        scope, named, section = where(key, name)
        return _answer(
            *changes.change(member, key, scope, named, body, version=version, whole=whole, section=section)
        )

    class PolicyOf(MethodView):
        @blp.doc(security=[{"staff": []}])
        @may_answer(401, 403, 404, 422, 503)
        @blp.response(200, PolicySchema)
        def get(self, site: str, **at: str) -> Response:
            """What holds here, and for each value where it was set, when and by whom."""
            key, _ = callers.on(site, POLICY)
            scope, named, section = where(key, at.get(field, ""))
            return _answer(*changes.layers(key, scope, named, section))

        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 412, 413, 415, 422, 428, 503)
        @blp.arguments(PolicyHeadersSchema, location="headers")
        @blp.arguments(PolicyValuesSchema)
        @blp.response(200, PolicySchema)
        def put(self, sent: dict[str, Any], body: dict[str, Any], site: str, **at: str) -> Response:
            """Set what is named; all else is inherited from now on."""
            return change(sent, body, site, at.get(field, ""), whole=True)

        @blp.doc(security=[{"staff": []}])
        @may_answer(400, 401, 403, 404, 412, 413, 415, 422, 428, 503)
        @blp.arguments(PolicyHeadersSchema, location="headers")
        @blp.arguments(PolicyValuesSchema)
        @blp.response(200, PolicySchema)
        def patch(self, sent: dict[str, Any], body: dict[str, Any], site: str, **at: str) -> Response:
            """Set what is named; null takes a value back to what is inherited."""
            return change(sent, body, site, at.get(field, ""), whole=False)

    PolicyOf.__name__ = f"PolicyOf{field.capitalize() or 'Site'}"
    blp.route(path)(PolicyOf)


def told(layer: Layer, policy: Policy) -> dict[str, Any]:
    """A policy as it is answered: what is set here, and what holds here and why."""
    return {
        "scope": layer.scope,
        "name": layer.name,
        "version": layer.version,
        "set": {name: setting.value for name, setting in layer.settings.items()},
        "policy": {
            name: {"value": getattr(policy, name), "because": _origin(policy, name)} for name in FIELDS
        },
    }


def _origin(policy: Policy, name: str) -> dict[str, Any]:
    why = policy.why(name)
    return {
        "scope": why.scope,
        "name": why.name,
        "at": clock.rfc3339(why.at) if why.at else None,
        "by": str(why.by) if why.by else None,
    }


def _answer(layer: Layer, policy: Policy) -> Response:
    return private(told(layer, policy), ETag=f'"{layer.version}"')
