"""CORS: who may read what is public (everybody), and which pages may write or ask about a reader."""

from __future__ import annotations

import re

from flask import Flask, Response, g, request

from engagement.errors import Forbidden, NotFound
from engagement.sites.service import Sites

EXPOSED = "ETag, Retry-After, Location"
SITE_PATH = re.compile(r"/v1/([^/]+)/")
ABOUT_CALLER = re.compile(r"/me(/export)?$")


def init_app(app: Flask, sites: Sites) -> None:
    """Check `Origin` before writes and `me`, answer preflights, and say on each answer who may read it."""

    @app.before_request
    def check_origin() -> Response | None:
        match = SITE_PATH.match(request.path)
        if match is None:
            return None
        origin = request.headers.get("Origin")
        preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        asked = request.headers["Access-Control-Request-Method"] if preflight else request.method
        if asked in ("GET", "HEAD") and not ABOUT_CALLER.search(request.path):
            g.allow_origin = "*"
        else:
            g.vary_origin = True
            if origin is None:
                return None
            # The page may read why it is refused; nothing else is told to it, and a token is no cookie.
            g.allow_origin = origin
            if not preflight and not _is_allowed(origin, sites, match[1]):
                raise Forbidden("This site doesn't take requests from that origin.")
        return _preflight(asked) if preflight else None

    @app.after_request
    def say_who_may_read(response: Response) -> Response:
        if "allow_origin" in g:
            response.headers["Access-Control-Allow-Origin"] = g.allow_origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
        if "vary_origin" in g:
            response.headers.add("Vary", "Origin")
        return response


def _is_allowed(origin: str, sites: Sites, key: str) -> bool:
    if origin == request.host_url.rstrip("/"):  # our own pages: the demo, the console
        return True
    try:
        return origin in sites.site(key).origins
    except NotFound:
        return False


def _preflight(method: str) -> Response:
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = method
    response.headers["Access-Control-Allow-Headers"] = (
        "Authorization, Content-Type, Article-Signature, Idempotency-Key, If-Match, If-None-Match"
    )
    response.headers["Access-Control-Max-Age"] = "7200"
    return response
