"""What may be written where: policies of the site, its sections and its articles, each value with its why."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request

from engagement.console.forms import field, given, number
from engagement.console.services import Services
from engagement.console.showing import At, entered, show, to
from engagement.errors import Edited, Invalid, NotFound
from engagement.moderation.policy.inheritance import ARTICLE, FIELDS, SECTION, SITE, Layer, Policy, Scope
from engagement.staff.roles import POLICY

INHERITED = "inherit"
MAX_SECTION = 100
"""Characters."""


def add_articles(pages: Blueprint, services: Services) -> None:
    """The routes."""
    guard = services.guard

    @pages.get("/<site>/articles")
    def articles(site: str) -> Response:
        """The policy that the query names: of a section, of an article, else of the site."""
        at = entered(services, site, POLICY)
        if (section := given("section")) is not None:
            return _page(at, SECTION, section)
        if (named := given("article")) is not None:
            name = services.sites.article_of_text(named)
            name = services.sites.articles_of_texts(at.site.key, [name])[name]
            return _page(at, ARTICLE, name)
        return _page(at, SITE, "")

    @pages.post("/<site>/articles")
    def change(site: str) -> Response:
        """Set and take back what the form says, on what the form was made for."""
        guard.check()
        at = entered(services, site, POLICY)
        scope, name = _scope(), request.form.get("name", "")
        try:
            services.policy_changes.change(
                at.member,
                at.site.key,
                scope,
                name,
                _values(),
                version=number("version", field("version")) or 0,
                whole=True,
                section=_section(at, scope, name),
            )
        except (Edited, Invalid) as problem:
            return _page(at, scope, name, problem)
        query = f"?{scope}={quote(name, safe='')}&done" if name else "?done"
        return to(at.path("articles") + query)

    def _page(at: At, scope: Scope, name: str, problem: Edited | Invalid | None = None) -> Response:
        layer, policy = services.policy_changes.layers(at.site.key, scope, name, _section(at, scope, name))
        return show(
            "articles.html",
            at,
            200 if problem is None else problem.status,
            page="articles",
            scope=scope,
            name=name,
            layer=layer,
            fields=[_field(services, at, layer, policy, each) for each in FIELDS],
            problem=problem,
        )

    def _section(at: At, scope: Scope, name: str) -> str | None:
        """That of the article. Raises `Invalid`, `NotFound`."""
        if scope == SECTION and len(name) > MAX_SECTION:
            raise Invalid(errors={"section": [f"is longer than {MAX_SECTION} characters"]})
        if scope != ARTICLE:
            return None
        found = services.sites.find(at.site.key, name)
        if found is None:
            raise NotFound("There is no such article.")
        return found.section


def _field(services: Services, at: At, layer: Layer, policy: Policy, name: str) -> dict[str, Any]:
    """A value, whether it was set here, and in words where it comes from."""
    why = policy.why(name)
    return {
        "name": name,
        "value": getattr(policy, name),
        "is_set": name in layer.settings,
        "why": why,
        "by": services.named(why.by),
    }


def _scope() -> Scope:
    """Raises `Invalid`."""
    scope = request.form.get("scope")
    for known in (SITE, SECTION, ARTICLE):
        if scope == known:
            return known
    raise Invalid(errors={"scope": ["must be one of site, section, article"]})


def _values() -> dict[str, Any]:
    """What the form sets; what is inherited isn't named. Raises `Invalid`."""
    values: dict[str, Any] = {}
    for name in FIELDS:
        text = request.form.get(name, "").strip()
        if not text or text == INHERITED:
            continue
        if text in ("true", "false"):
            values[name] = text == "true"
        else:
            values[name] = text if name == "moderation" else number(name, text)
    return values
