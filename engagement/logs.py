"""Where log lines go: to standard error, as JSON for machines or in colour for a person."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer

TRACEBACKS = ExceptionDictTransformer(show_locals=False)


def configure(level: str, form: str) -> None:
    """`level`: DEBUG, INFO, WARNING or ERROR; `form`: json or console (always console on a terminal)."""
    console = form == "console" or sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Never with the locals of frames: they hold secrets and what readers wrote.
            *([] if console else [structlog.processors.ExceptionRenderer(TRACEBACKS)]),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if console
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
