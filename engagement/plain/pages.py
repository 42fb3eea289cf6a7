"""The words and filters that the templates of the plain pages use."""

from __future__ import annotations

from flask import Flask, request

from engagement.plain import words
from engagement.plain.breaking import breakable, breakable_html
from engagement.settings import Settings


def init_app(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(
        breakable=breakable,
        breakable_html=breakable_html,
        counted=words.counted,
        moment=words.moment,
        number=words.number,
    )
    app.jinja_env.globals["words"] = words


def origin(settings: Settings) -> str:
    """Where readers reach the service: what was set, else what this request names."""
    return settings.public_url or request.host_url.rstrip("/")
