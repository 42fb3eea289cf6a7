"""How a page of the console is shown: what all have in common, parts for scripts, moments and charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, g, render_template, request

from engagement.console.services import Services
from engagement.errors import NotFound, Problem
from engagement.sites.publishing import list_sites
from engagement.sites.service import Site
from engagement.staff.members import Member


@dataclass(frozen=True, slots=True)
class At:
    """Who looks at what: the member of this request, and the site that its path names."""

    site: Site
    member: Member

    def path(self, *parts: str) -> str:
        """The path of a page of this site."""
        return "/".join(("/moderate", self.site.key, *parts))


def entered(services: Services, site: str, permission: str, *, passive: bool = False) -> At:
    """The member of this request, on a site.

    Raises `Unauthorized` (nobody is signed in), `NotFound` (also for a site that isn't the member's),
    `Forbidden` (the role may not). `passive`: see `Guard.session`.
    """
    member = services.guard.session(passive=passive).member
    if member.site is not None and member.site != site:
        raise NotFound("There is no such site.")
    at = At(services.sites.site(site), member)
    g.at = at
    member.require(permission, site)
    return at


def sites_of(services: Services, member: Member) -> list[Site]:
    """Those that the member may choose from, by their keys."""
    return [site for site in list_sites(services.database) if member.site in (None, site.key)]


def show(template: str, at: At, status: int = 200, **values: Any) -> Response:
    """A page, or a part of one, with who looks at what."""
    return Response(render_template(f"console/{template}", at=at, **values), status)


def is_part() -> bool:
    """Does a script ask, for a part of a page?"""
    return request.headers.get("HX-Request") == "true"


def to(path: str) -> Response:
    """Go on there: a form that was sent once isn't sent again by looking at the page again."""
    return Response(status=303, headers={"Location": path})


def trouble(problem: Problem, status: int) -> Response:
    """What went wrong, as a page; to a script, as words for the place where the page tells such things."""
    headers = {name: value for name, value in problem.headers.items() if name != "WWW-Authenticate"}
    if is_part():
        html = render_template("console/trouble_part.html", problem=problem)
        headers |= {"HX-Retarget": "#trouble", "HX-Reswap": "innerHTML"}
        return Response(html, status, headers)
    return Response(render_template("console/trouble.html", problem=problem, status=status), status, headers)
