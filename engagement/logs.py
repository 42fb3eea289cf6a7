"""Where log lines go: to standard error, as JSON for machines or in colour for a person.

What readers wrote never stands in them. So of an exception only what its class says is told, unless its
message is known to hold nothing of the kind; of a statement that SQL refused, its text without values.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

import structlog
from structlog.types import EventDict, WrappedLogger

SAFE = ("engagement.errors", "redis.exceptions", "gunicorn.")
"""Where classes come from whose messages are our own, or of the connection."""
PLAIN = (OSError, TypeError, AttributeError, NameError, ImportError, MemoryError, RecursionError)
"""Built-in ones whose messages name our code, or the machine."""
STATEMENT = 300
"""Characters of a statement."""
WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM) \w+")
CLIENT = "Invalid request from ip="
"""How gunicorn begins to tell of who sent something that it can't read."""
DEEPEST = 10
"""Exceptions of a chain."""
ARGUMENTS, COMMAND = ", with args beginning with", "Command #"
"""What follows in a message of Redis is what was sent."""


def configure(level: str, form: str) -> None:
    """`level`: DEBUG, INFO, WARNING or ERROR; `form`: json or console (always console on a terminal)."""
    console = form == "console" or sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _tell_exception_as_text if console else _tell_exception,
            structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    if logging.lastResort is not None:  # of libraries that have nowhere to log to
        logging.lastResort.addFilter(WithoutTexts())
    sys.excepthook = _say_end
    threading.excepthook = _say_end_of_thread


def told(error: BaseException) -> str:
    """What may be said of an exception: its class, and its message where that holds nothing of a reader's."""
    kind = type(error)
    original = getattr(error, "orig", None)
    if original is not None:  # of SQLAlchemy, around the driver's
        state = getattr(original, "sqlstate", None)
        statement = " ".join(str(getattr(error, "statement", "") or "").split())
        if statement.startswith("WITH "):  # what it is for stands behind all that it looks at
            statement = f"{', '.join(WRITES.findall(statement)) or 'SELECT'} in {statement}"
        return f"{type(original).__name__}{f' {state}' if state else ''}: {statement[:STATEMENT]}"
    if isinstance(error, PLAIN) or kind.__module__.startswith(SAFE):
        message = str(error).partition(ARGUMENTS)[0]
        return f"{kind.__name__}: {message}" if not message.startswith(COMMAND) else kind.__name__
    return kind.__name__


def chain(error: BaseException) -> list[dict[str, Any]]:
    """An exception and those that it came from: class, what may be said, and the places in the code."""
    found: list[dict[str, Any]] = []
    at: BaseException | None = error
    while at is not None and len(found) < DEEPEST:
        frames = [
            {"filename": frame.filename, "lineno": frame.lineno, "name": frame.name}
            for frame in traceback.extract_tb(at.__traceback__)
        ]
        found.append({"exc_type": type(at).__name__, "exc_value": told(at), "frames": frames})
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return found


class WithoutTexts(logging.Filter):
    """Of a record of the standard library's: an exception as it is told here, and no client's address."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record goes on."""
        error = _error_of(record.exc_info) if record.exc_info else None
        if isinstance(record.msg, BaseException):
            record.msg = told(record.msg)
        if str(record.msg).startswith(CLIENT):  # then what the client sent
            kind = sys.exc_info()[0]
            record.msg, record.args = f"Invalid request: {kind.__name__ if kind else 'unknown'}", None
        if error is not None:
            record.exc_text, record.exc_info = _as_text(error), None
        return True


def _tell_exception(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = chain(error)
    return event


def _tell_exception_as_text(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = _as_text(error)
    return event


def _as_text(error: BaseException) -> str:
    lines = []
    for one in reversed(chain(error)):
        lines += [f"  {frame['filename']}:{frame['lineno']} in {frame['name']}" for frame in one["frames"]]
        lines.append(one["exc_value"])
    return "\n".join(lines)


def _error_of(given: Any) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exc_info()[1] if given else None


def _say_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Instead of Python's own words, which hold the message."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger().error("the process ends by a fault", exc_info=error)


def _say_end_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        structlog.get_logger().error("a thread ends by a fault", exc_info=args.exc_value)
