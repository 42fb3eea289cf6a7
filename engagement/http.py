"""How answers are written: JSON by orjson, ETags and caching for what is public, nothing kept of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from hashlib import blake2b
from io import SEEK_END, BytesIO
from typing import IO, Any

import orjson
from flask import Flask, Request, Response, request
from flask.json.provider import JSONProvider
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge, RequestTimeout
from werkzeug.wsgi import get_input_stream

from engagement.errors import BadRequest

PIECE = 65_536
"""Bytes of a file that are read at once."""
DEGRADED_MAX_AGE = 1
"""Seconds."""


class OrjsonProvider(JSONProvider):
    """One decoder for all: no NaN, no lone surrogates, bounded depth."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """JSON text; UUIDs and datetimes as orjson writes them."""
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Raises `ValueError` for what isn't JSON."""
        return orjson.loads(s)


class WholeRequest(Request):
    """A request whose body is whole or refused: Flask takes the beginning of a chunked one for all of it."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body. Raises `BadRequest`, or werkzeug's 400, 408 and 413."""
        limit, length = self.max_content_length or 0, self.content_length
        if length is not None and length > limit:
            raise RequestEntityTooLarge
        try:
            if length is None:  # one byte more than it may have, to see whether it has more
                body = get_input_stream(self.environ, max_content_length=limit + 1).read()
            else:  # werkzeug's stream would ask for it in three steps
                body = self.environ["wsgi.input"].read(length)
        except ParseException:
            raise BadRequest("The body's chunks can't be read.") from None
        except (ClientDisconnected, OSError) as error:
            if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
                raise RequestTimeout from None
            raise ClientDisconnected from error
        if len(body) > limit:
            raise RequestEntityTooLarge
        if len(body) < (length or 0):
            raise ClientDisconnected
        return BytesIO(body)


class Application(Flask):
    """Flask whose views are all plain functions: it asks a dozen times a request, which takes its time."""

    request_class = WholeRequest

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func


def public(
    body: Any, *, max_age: int, degraded: str | None = None, mimetype: str = "application/json"
) -> Response:
    """An answer that says nothing about the caller: ETag, 304, cacheable for `max_age` seconds.

    `degraded` names the store that could not be asked, and is told in a header.
    """
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    response = Response(data, mimetype=mimetype)
    response.headers["Cache-Control"] = f"public, max-age={max_age}"
    if degraded:
        mark_degraded(response, degraded)
    response.set_etag(blake2b(data, digest_size=12).hexdigest())
    response.make_conditional(request)
    return response


def mark_degraded(response: Response, store: str) -> None:
    """Say which store could not be asked; what may be old is kept by caches for a short while only."""
    response.headers["Engagement-Degraded"] = store
    if response.cache_control.max_age is not None:
        response.cache_control.max_age = min(response.cache_control.max_age, DEGRADED_MAX_AGE)


def private(body: Any, status: int = 200, **headers: str) -> Response:
    """An answer about the caller, or to a write: kept by nobody."""
    told = [("Cache-Control", "private, no-store"), *headers.items()]
    return Response(orjson.dumps(body), status, told, mimetype="application/json")


def attachment(file: IO[bytes], name: str) -> Response:
    """JSON to be saved as a file; it is read from `file` piece by piece, which is closed then."""
    file.seek(0, SEEK_END)
    size = file.tell()
    file.seek(0)
    response = Response(_pieces(file), mimetype="application/json")
    response.call_on_close(file.close)
    response.content_length = size
    response.headers["Cache-Control"] = "private, no-store"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def is_from(*origins: str) -> bool:
    """Has a page of ours, or of one of these origins, sent this form? Browsers say whose page it was.

    Who says nothing of it is no browser, and brings nobody's cookies along.
    """
    whose = request.headers.get("Sec-Fetch-Site")
    sender = request.headers.get("Origin")
    if sender is not None and sender in origins:
        return True
    if whose is not None:
        return whose in ("same-origin", "none")
    ours = (request.host, *(origin.partition("://")[2] for origin in origins))
    return sender is None or (sender != "null" and sender.partition("://")[2] in ours)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece


def init_app(app: Flask, body_max_bytes: int, database_is_down: Callable[[], bool]) -> None:
    """Set the JSON provider and the size of a body; mark public answers given without the database."""
    app.json = OrjsonProvider(app)
    app.config["MAX_CONTENT_LENGTH"] = body_max_bytes

    @app.after_request
    def mark(response: Response) -> Response:
        """What Redis alone could answer while the database is down: tallies are right, pages may be old."""
        marked = "Engagement-Degraded" in response.headers
        if database_is_down() and not marked and response.cache_control.public:
            mark_degraded(response, "database")
        return response
