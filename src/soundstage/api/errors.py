"""Renders every error: the seven of the public API, and those that AWS's front door answers with.

`app` and `middleware` call it. An error that nobody meant is shown as InternalServerErrorException
with the request's id, and its traceback goes to the log only.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from soundstage.api.exchange import Answer
from soundstage.wire.codes import Code
from soundstage.wire.faults import Fault, InternalError

_LONGEST = 1000
REQUEST_ID_HEADER = "x-amzn-RequestId"
ERROR_HEADER = "x-amzn-ErrorType"

_log = structlog.get_logger("soundstage.api")

FRONT_DOOR = {
    "MissingAuthenticationTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "UnrecognizedClientException": 403,
    "UnknownOperationException": 404,
    "MethodNotAllowedException": 405,
    "RequestTimeoutException": 408,
    "RequestEntityTooLargeException": 413,
    "RequestUriTooLongException": 414,
    "RequestHeadersTooLargeException": 431,
}


class Refused(Fault):
    """Turned away at the front door, before any operation; named as AWS names it."""

    def __init__(self, name: str, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message, headers=headers)
        self.error_name = name
        self.error_status = FRONT_DOOR[name]


def render(
    fault: Fault,
    notes: dict[str, Any] | None = None,
    *,
    afterwards: Callable[[], Answer | None] | None = None,
) -> Answer:
    """Write a fault as an answer, its name in the header that SDKs take it from."""
    name, status = _name_and_status(fault)
    document: dict[str, Any] = {"message": _shortened(fault.message)}
    if fault.code is not None:
        document["code"] = fault.code
    if fault.context:
        document["context"] = {
            _shortened(key): _shortened(value) for key, value in fault.context.items()
        }
    return Answer(
        status=status,
        body=msgspec.json.encode(document),
        headers={ERROR_HEADER: name, **fault.headers},
        notes={**(notes or {}), "error": name},
        afterwards=afterwards,
    )


def _shortened(text: str) -> str:
    # It may repeat what was sent, of which there may be a megabyte.
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def render_unexpected(request_id: str, notes: dict[str, Any] | None = None) -> Answer:
    """Log the exception being handled, and write an answer that tells nothing of it."""
    _log.exception("request failed", request_id=request_id, **(notes or {}))
    message = f"Something went wrong inside. The log has it under {request_id}."
    fault = InternalError(message, code=Code.INTERNAL, context={"requestId": request_id})
    return render(fault, notes)


def _name_and_status(fault: Fault) -> tuple[str, int]:
    if isinstance(fault, Refused):
        return fault.error_name, fault.error_status
    return fault.name, fault.status
