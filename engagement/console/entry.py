"""How somebody comes into the console and leaves it: one-time links, single sign-on, signing out."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request

from engagement.console.services import Services
from engagement.console.showing import sites_of, to
from engagement.errors import BadRequest, NotFound, Unauthorized
from engagement.staff.roles import QUEUE
from engagement.staff.tokens import is_api_token

NOT_GOOD = "This sign-in is not valid, or no longer. Start again from your newsroom's own page."
FOR_PROGRAMS = "An API token is for programs. People come in by single sign-on or by a link."


def add_entry(pages: Blueprint, services: Services) -> None:
    """The routes."""
    guard, sessions, links = services.guard, services.sessions, services.links

    @pages.get("/sign-in")
    def sign_in() -> Response:
        return Response(render_template("console/sign_in.html"))

    @pages.post("/sign-in")
    def take_token() -> Response:
        """By a publisher's token, from our own form or from a page of the publisher's."""
        key = request.form.get("site", "").strip()
        site = services.sites.site(key) if key else None
        guard.check_origin(*(site.origins if site else ()))
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        token = sent.strip() if scheme.lower() == "bearer" else request.form.get("token", "").strip()
        if is_api_token(token):
            raise Unauthorized(FOR_PROGRAMS)
        if not token:
            raise BadRequest("There is no token.")
        member = services.callers.bearer(token, site.key if site else None)
        member.require(QUEUE, site.key if site else None)
        return guard.sign_in(to("/moderate/"), sessions.begin(member.id))

    @pages.get("/link")
    def show_link() -> Response:
        """A button: what opens links to look at them, in mails and chats, presses none."""
        token = request.args.get("token", "")
        is_good = links.is_good(token)
        html = render_template("console/link.html", token=token, is_good=is_good)
        return Response(html, 200 if is_good else 410)

    @pages.post("/link")
    def take_link() -> Response:
        guard.check_origin()
        member_id = links.use(request.form.get("token", ""))
        return guard.sign_in(to("/moderate/"), sessions.begin(member_id))

    @pages.post("/sign-out")
    def sign_out() -> Response:
        """Here, or everywhere."""
        guard.check()
        session = guard.session()
        if request.form.get("where") == "everywhere":
            sessions.end_all(session.member.id)
        else:
            sessions.end(session)
        return guard.sign_out(to("/moderate/sign-in?out"))

    @pages.get("/")
    def front() -> Response:
        """The first site that the member is of."""
        member = guard.session().member
        key = member.site or next((site.key for site in sites_of(services, member)), None)
        if key is None:
            raise NotFound("There is no site yet: engagement site add KEY --origin URL")
        return redirect(f"/moderate/{key}/queue", 303)  # type: ignore[return-value]

    @pages.get("/-/site")
    def choose_site() -> Response:
        """From the site switch."""
        return to(f"/moderate/{services.sites.site(request.args.get('site', '')).key}/queue")
