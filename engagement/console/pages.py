"""The console's blueprint: its pages, its files, the headers of both, what is told when something fails."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog
from flask import Blueprint, Response, g, redirect, request, send_from_directory
from werkzeug.exceptions import HTTPException

from engagement.console import showing, words
from engagement.console.appeals import add_appeals
from engagement.console.articles import add_articles
from engagement.console.deciding import add_deciding
from engagement.console.entry import add_entry
from engagement.console.issuers import add_issuers
from engagement.console.marking import found_in, grouped, marked
from engagement.console.queue import add_queue
from engagement.console.readers import add_readers
from engagement.console.record import add_record
from engagement.console.rules import add_rules
from engagement.console.services import Services
from engagement.console.tokens import add_tokens
from engagement.errors import NotFound, Problem, Unauthorized
from engagement.openapi import problem_of

log = structlog.get_logger()
STATIC_FILES: Final = Path(__file__).with_name("static")
STATIC_MAX_AGE: Final = 300  # seconds
ROUTES: Final = (
    add_entry,
    add_queue,
    add_deciding,
    add_articles,
    add_rules,
    add_readers,
    add_appeals,
    add_record,
    add_tokens,
    add_issuers,
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Of our own pages to our own alone; with no-referrer, browsers would not say whose page sends a form.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


def blueprint(services: Services) -> Blueprint:
    """All of it, over these services."""
    pages = Blueprint("console", __name__, url_prefix="/moderate", template_folder="templates")

    # Under a word that no site can have for its key.
    @pages.get("/-/static/<path:filename>")
    def static(filename: str) -> Response:
        return send_from_directory(STATIC_FILES, filename, max_age=STATIC_MAX_AGE)

    for add in ROUTES:
        add(pages, services)

    @pages.route("/<path:unknown>", methods=["GET", "POST"])
    def unknown(unknown: str) -> Response:
        services.guard.session()
        raise NotFound("There is no such page.")

    @pages.context_processor
    def common() -> dict[str, object]:
        session = services.guard.session_or_none()
        if session is None:
            return {"words": words, "member": None}
        return {
            "at": g.get("at"),
            "words": words,
            "marked": marked,
            "found_in": found_in,
            "grouped": grouped,
            "member": session.member,
            "csrf": services.guard.token(),
            "sites": lambda: showing.sites_of(services, session.member),
        }

    add_handlers(pages)

    @pages.after_request
    def secure(response: Response) -> Response:
        for name, value in HEADERS.items():
            # Files of ours may be kept for a while.
            if name != "Cache-Control" or response.cache_control.max_age is None:
                response.headers[name] = value
        return response

    return pages


def add_handlers(pages: Blueprint) -> None:
    """Every error is told as a page, or to a script as a part of one."""

    @pages.errorhandler(Unauthorized)
    def unauthorized(problem: Unauthorized) -> Response:
        if request.method == "GET" and not showing.is_part() and "session" in g and g.session is None:
            return redirect("/moderate/sign-in", 303)  # type: ignore[return-value]
        return showing.trouble(problem, problem.status)

    @pages.errorhandler(Problem)
    def problem(problem: Problem) -> Response:
        return showing.trouble(problem, problem.status)

    @pages.errorhandler(HTTPException)
    def other(error: HTTPException) -> Response:
        return showing.trouble(problem_of(error), error.code or 500)

    @pages.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        return showing.trouble(Problem(), 500)
