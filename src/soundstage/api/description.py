"""Serves the OpenAPI document of this release at `/openapi.json`, to everybody.

`wiring` adds the route beside the API's. The document tells what the software can do and nothing of
this installation, so it needs no signature.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from soundstage.api.errors import FRONT_DOOR
from soundstage.wire import openapi
from soundstage.wire.json_schema import Document
from soundstage.wire.operation import Operation

PATH = "/openapi.json"
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def routes(nouns: Mapping[str, Sequence[Operation]]) -> list[Route]:
    """Make the one route."""
    description = _Description(nouns)
    return [Route(PATH, description.answer, methods=["GET"])]


def document_of(nouns: Mapping[str, Sequence[Operation]]) -> Document:
    """Make the document, with all that the door itself may answer."""
    # A documented address takes its method, so no operation answers that it does not.
    refusals = {name: status for name, status in FRONT_DOOR.items() if status != 405}
    return openapi.document(nouns, refusals)


class _Description:
    """The document's bytes, made when they are first asked for, and their mark."""

    def __init__(self, nouns: Mapping[str, Sequence[Operation]]) -> None:
        self._nouns = nouns

    async def answer(self, request: Request) -> Response:
        """Give the document, or say that the caller has it already."""
        headers = {**_HEADERS, "etag": self._mark}
        if request.headers.get("if-none-match") == self._mark:
            return Response(status_code=304, headers=headers)
        return Response(self._bytes, headers=headers, media_type="application/json")

    @cached_property
    def _bytes(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(document_of(self._nouns)), indent=1) + b"\n"

    @cached_property
    def _mark(self) -> str:
        return f'"{hashlib.sha256(self._bytes).hexdigest()[:32]}"'
