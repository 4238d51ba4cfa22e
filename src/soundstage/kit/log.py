"""Structured log lines, on standard error or in a file; the command line sets them up once.

The commands that run the service say where lines go (`configure`). All others speak for themselves;
what an engine writes all the same, when one of them makes it, is seen to by `engines.registry`
(`ensure_configured`).

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
    shared = _shared()
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


def ensure_configured() -> None:
    """Where nobody has said where lines go, send what is wrong to standard error: the library's own
    way is standard output, among a command's answer, with the values of local variables.
    """
    if structlog.is_configured():
        return
    last: list[Any] = [_only_what_is_wrong, structlog.processors.format_exc_info, _in_words]
    structlog.configure(
        processors=[*_shared(), *last],
        logger_factory=_to_standard_error,
        # A process that says more later is heard, and so is one whose standard error is another.
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _only_what_is_wrong(logger: Any, method: str, line: dict[str, Any]) -> dict[str, Any]:
    del logger
    if method in {"debug", "info"}:
        raise structlog.DropEvent
    return line


def _to_standard_error(*names: Any) -> structlog.PrintLogger:
    del names
    return structlog.PrintLogger(sys.stderr)


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
