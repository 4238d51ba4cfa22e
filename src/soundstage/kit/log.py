"""Structured log lines, on standard error or in a file; the command line sets them up once.

A line is an event's name and fields. Nobody logs a query string, a header, a ticket, a cookie or a
key: that is a rule for callers, and tests search the log for what was issued.
"""

import logging
import re
import sys
from typing import Any, Literal, TextIO

import structlog

_PLAIN = re.compile(r"[^\s\x00-\x1f\x7f'\"=]*\Z")
"""A text that can't be taken for another field, or another line."""


def configure(form: Literal["text", "json"], file: TextIO = sys.stderr) -> None:
    """Send everything, the libraries' warnings included, to one place in one form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [structlog.processors.format_exc_info]
    if form == "json":
        last.append(structlog.processors.JSONRenderer())
    elif file.isatty():
        # The default shows the values of local variables, and those hold secrets.
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    else:
        last.append(_in_words)
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=structlog.PrintLoggerFactory(file),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)


def _in_words(logger: Any, method: str, line: dict[str, Any]) -> str:
    """Write a line of text into a file. Each request has one, and structlog's way of writing them,
    which is made for a terminal, takes a twentieth of what a whole read of one row does.
    """
    del logger, method
    exception = line.pop("exception", None)
    begins = f"{line.pop('timestamp')} [{line.pop('level')}] {line.pop('event')}"
    fields = " ".join([f"{name}={_shown(value)}" for name, value in sorted(line.items())])
    written = f"{begins}  {fields}" if fields else begins
    return written if exception is None else f"{written}\n{exception}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and _PLAIN.match(value) else repr(value)
