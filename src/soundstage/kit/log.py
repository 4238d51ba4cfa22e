"""Structured log lines, on standard error or in a file; the command line sets them up once.

A line is an event's name and fields. Nobody logs a query string, a header, a ticket, a cookie or a
key: that is a rule for callers, and tests search the log for what was issued.
"""

import logging
import sys
from typing import Any, Literal, TextIO

import structlog


def configure(form: Literal["text", "json"], file: TextIO = sys.stderr) -> None:
    """Send everything, the libraries' warnings included, to one place in one form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        # The default shows the values of local variables, and those hold secrets.
        else structlog.dev.ConsoleRenderer(
            colors=file.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last]
        if form == "json"
        else [*shared, last],
        logger_factory=structlog.PrintLoggerFactory(file),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
