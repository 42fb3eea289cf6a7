"""The OpenAPI side of the Flask app: problems for every error, and what each call may answer."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from threading import RLock
from typing import Any, TypeVar

import marshmallow as ma
import orjson
import structlog
from apispec import APISpec
from flask import Flask, Request, Response, current_app
from flask_smorest import Api, Blueprint
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException, UnsupportedMediaType

from engagement import __version__
from engagement.errors import BadRequest, Invalid, NotFound, Problem, TooLarge

log = structlog.get_logger()
F = TypeVar("F", bound=Callable[..., Any])
ARTICLE = "/v1/<site>/articles/<article>"
"""The path of what belongs to one article."""


class ProblemSchema(ma.Schema):
    """An RFC 9457 problem."""

    type = ma.fields.String(required=True, metadata={"description": "`urn:engagement:problem:…`, stable"})
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String()
    errors = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.List(ma.fields.String()),
        metadata={"description": "Field → what is wrong with it"},
    )
    reason = ma.fields.String(metadata={"description": "Of `banned`: the code of its reason"})
    until = ma.fields.String(
        allow_none=True, metadata={"description": "Of `banned`: when it ends; null: it does not"}
    )


class StrictParser(FlaskParser):
    """JSON by the app's one decoder; unknown fields are refused in queries as in bodies."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - as the library declares it
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "json": ma.RAISE,
    }

    def load_headers(self, req: Request, schema: ma.Schema) -> dict[str, str]:
        """Those that the schema names: most requests have none of them, and there is nothing to wrap."""
        names = (field.data_key or name for name, field in schema.load_fields.items())
        return {name: req.headers[name] for name in names if name in req.headers}

    def _raw_load_json(self, req: Request) -> Any:
        data = req.get_data(cache=True)
        if not data:
            return {}
        if not req.is_json:
            raise UnsupportedMediaType()
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:  # handed on, webargs takes some of them for no body at all
            self._handle_invalid_json_error(error, req)


class StrictBlueprint(Blueprint):  # type: ignore[misc]
    """A blueprint whose arguments are parsed strictly, and whose views answer responses of their own making.

    So what else is said of a view documents it and no more: flask-smorest's decorators would each wrap it
    once more, which every call pays for, and copy all that was said so far.
    """

    ARGUMENTS_PARSER = StrictParser()

    def doc(self, **said: Any) -> Callable[[F], F]:
        """Document these parts of an operation as they are given."""

        def decorate(function: F) -> F:
            _said(function).setdefault("manual_doc", {}).update(said)
            return function

        return decorate

    def response(
        self, status: int, schema: Any = None, *, content_type: str | None = None, **said: Any
    ) -> Callable[[F], F]:
        """Document an answer, and what else is said of it (`description`, `headers`)."""
        told = {"description": HTTPStatus(status).phrase, **said, "content_type": content_type}
        if schema is not None:
            told["schema"] = schema

        def decorate(function: F) -> F:
            responses = _said(function).setdefault("response", {}).setdefault("responses", {})
            responses.setdefault(status, []).append({**told})
            return function

        return decorate

    alt_response = response


class EngagementApi(Api):  # type: ignore[misc]
    """flask-smorest, with our problems for every error; it is described when somebody asks for that.

    The description takes as long to make as all the rest of the application, and few processes are asked.
    """

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        self._blueprints: list[Blueprint] = []
        self._described = False
        self._describing = RLock()  # who describes asks for what there is so far
        super().__init__(app)

    def register_blueprint(self, blueprint: Blueprint) -> None:
        """Serve its calls."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._blueprints.append(blueprint)

    @property
    def spec(self) -> APISpec:
        """The description, of every call."""
        with self._describing:
            if not self._described:
                self._described = True
                super()._init_spec()
                for blueprint in self._blueprints:
                    name, spec = blueprint.name, self._spec
                    blueprint.register_views_in_doc(self, self._app, spec, name=name, parameters=None)
                    spec.tag({"name": name, "description": blueprint.description})
        return self._spec

    @spec.setter
    def spec(self, spec: APISpec) -> None:
        self._spec = spec

    def _init_spec(self) -> None:
        """Not yet."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Any error of Flask, werkzeug or webargs as a problem; the exception's own headers are kept."""
        headers = {
            name: value
            for name, value in error.get_headers()
            if name.lower() not in ("content-type", "content-length")
        }
        return answer(problem_of(error), error.code or 500, headers)


def answer(problem: Problem, status: int | None = None, headers: dict[str, str] | None = None) -> Response:
    """The `application/problem+json` answer of a problem."""
    body = problem.body()
    if status is not None and status != body["status"]:
        body |= {"status": status, "title": HTTPStatus(status).phrase}
        body["type"] = f"urn:engagement:problem:{HTTPStatus(status).phrase.lower().replace(' ', '-')}"
    response = Response(current_app.json.dumps(body), body["status"], mimetype="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    response.headers.update(problem.headers)
    return response


def problem_of(error: HTTPException) -> Problem:
    """What an error of Flask, werkzeug or webargs is in our words."""
    given = getattr(error, "data", None) or {}
    if error.code == 422:
        return Invalid(errors=_flat(given.get("messages", {})))
    if error.code == 400:
        return BadRequest("The body is not valid JSON." if "messages" in given else "")
    if error.code == 404:
        return NotFound()
    if error.code == 413:
        return TooLarge(f"The body may have {current_app.config['MAX_CONTENT_LENGTH']} bytes.")
    return Problem()


def _flat(messages: dict[str, Any]) -> dict[str, list[str]]:
    """webargs' {"json": {"field": ["…"]}} as {"field": ["…"]}; deeper fields with dots."""
    found: dict[str, list[str]] = {}

    def walk(prefix: str, node: Any) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                name = "body" if key == "_schema" else str(key)
                walk(f"{prefix}.{name}" if prefix else name, value)
        else:
            found[prefix or "body"] = [str(message) for message in node]

    for location in messages.values():
        walk("", location)
    return found


def may_answer(*statuses: int, content_type: str = "application/problem+json") -> Callable[[F], F]:
    """Document the problems that an operation may answer; a page tells them in words."""

    def decorate(function: F) -> F:
        responses = _said(function).setdefault("response", {}).setdefault("responses", {})
        for status in statuses:
            told = {
                "schema": ProblemSchema if content_type.endswith("json") else {"type": "string"},
                "description": HTTPStatus(status).phrase,
                "content_type": content_type,
            }
            responses.setdefault(status, []).append(told)
        return function

    return decorate


class Said(dict[str, Any]):
    """What is documented of one view of one application: flask-smorest need not copy it again and again."""

    def __deepcopy__(self, _memo: object) -> Said:
        return self


def _said(function: Callable[..., Any]) -> Said:
    """Where flask-smorest looks for what is documented of a view."""
    said: Said = function.__dict__.setdefault("_apidoc", Said())
    return said


def init_app(app: Flask) -> EngagementApi:
    """Serve `/openapi.json` and answer every error as a problem."""
    app.config.update(
        API_TITLE="Engagement",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": "The foot of a news article: moods, comments, votes, counts."},
            "components": {
                "securitySchemes": {
                    "reader": {"type": "http", "scheme": "bearer"},
                    "staff": {"type": "http", "scheme": "bearer"},
                }
            },
        },
    )

    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return answer(error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        return answer(Problem())

    return EngagementApi(app)
