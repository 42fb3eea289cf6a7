"""The pages a browser opens: the demo newspaper, the API reference, and the widget's own files.

Every page brings its own assets and a strict Content-Security-Policy; the files under ``/static/`` may be
loaded from any origin, because that is what embedding the widget means.
"""

import re
from pathlib import Path

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.routing import BuildError

from engagement.web.demo_articles import BY_SLUG, DEMO_ARTICLES, DemoArticle
from engagement.web.reference import Spec, read_reference

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ARTICLE_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
STATIC_MAX_AGE = 300  # seconds
STATIC_FILES = Path(__file__).with_name("static")

# No static_folder here: it would be served without the headers that embedding needs.
pages = Blueprint("pages", __name__, template_folder="templates")


@pages.get("/")
def front() -> ResponseReturnValue:
    """Show the first demo article; ``?article=`` puts another id under it, for trying things out."""
    article = DEMO_ARTICLES[0]
    return _article_page(article, request.args.get("article", article.slug))


@pages.get("/articles/<slug>")
def article(slug: str) -> ResponseReturnValue:
    """Show one demo article with the widget at its foot."""
    if slug not in BY_SLUG:
        abort(404)
    return _article_page(BY_SLUG[slug], slug)


@pages.get("/headlines")
def headlines() -> ResponseReturnValue:
    """Show a front page whose counts come from one batch call."""
    return render_template("headlines.html", articles=DEMO_ARTICLES)


@pages.get("/docs")
def docs() -> ResponseReturnValue:
    """Print the OpenAPI document as a page to read."""
    spec: Spec = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    return render_template("docs.html", reference=read_reference(spec), openapi_url=_openapi_url())


@pages.get("/static/<path:filename>")
def static(filename: str) -> ResponseReturnValue:
    """Serve the widget's modules, styles and pictures, for any origin."""
    response = send_from_directory(STATIC_FILES, filename, max_age=STATIC_MAX_AGE)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@pages.after_request
def secure(response: Response) -> Response:
    """Add the headers that every page carries."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    return response


def _article_page(article: DemoArticle, article_id: str) -> str:
    if not ARTICLE_ID.fullmatch(article_id) or article_id in (".", ".."):
        abort(404)
    return render_template("article.html", article=article, article_id=article_id)


def _openapi_url() -> str | None:
    try:
        return url_for("api-docs.openapi_json")
    except BuildError:
        return None
