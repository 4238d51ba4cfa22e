"""Hands out one file of a backup to whoever has its short-lived address.

`wiring` mounts the routes and gives it `Files`. A file is passed on piece by piece and never held
whole; when the browser goes away, so does what reads it.
"""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

import anyio
import anyio.to_thread
import structlog
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from soundstage.gateway.accesslog import AccessLog
from soundstage.gateway.pages import NO_STORE, PLAIN_HEADERS
from soundstage.kit.clock import Clock
from soundstage.kit.proxies import Proxies
from soundstage.wire.ticket import BadTicketError, FileTicket, Tickets, is_expired
from soundstage.words.languages import spoken
from soundstage.words.texts import Words

log = structlog.get_logger(__name__)

_words = Words()

_PIECE = 256 * 1024
_LONGEST_SECONDS = 3600.0
_HEADERS = {
    **NO_STORE,
    **PLAIN_HEADERS,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}


class File(Protocol):
    """A file being read; both may block."""

    size_bytes: int

    def read(self, size: int) -> bytes:
        """Read on; raises when it broke off."""

    def close(self) -> None:
        """Let go of it."""


class Files(Protocol):
    """Opens what a ticket names."""

    def open(self, ticket: FileTicket) -> File | None:
        """Begin to read; None when it is gone. May block, and raise when it can't be done now."""


class Downloads:
    """Everything below `/backup-files`."""

    def __init__(
        self, files: Files | None, tickets: Tickets, proxies: Proxies, clock: Clock
    ) -> None:
        self._files = files
        self._tickets = tickets
        self._proxies = proxies
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """The part of the service's addresses that this serves."""
        return [
            Mount(
                "/backup-files",
                routes=[Route("/", self._send, methods=["GET"])],
                middleware=[Middleware(AccessLog, proxies=self._proxies), Middleware(spoken)],
            )
        ]

    async def _send(self, request: Request) -> Response:
        if request.method != "GET":
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "backup_file.whole")
        try:
            ticket = self._tickets.read_file(request.query_params.get("ticket", ""))
        except BadTicketError:
            return _refusal(HTTPStatus.FORBIDDEN, "backup_file.not_ours")
        if is_expired(ticket, self._clock()):
            return _refusal(HTTPStatus.GONE, "backup_file.expired")
        file = await self._open(ticket)
        if isinstance(file, Response):
            return file
        name = ticket.path.rstrip("/").rpartition("/")[2]
        log.info(
            "gateway.backup_file",
            backup=ticket.backup_id,
            subject=ticket.subject,
            size=file.size_bytes,
        )
        return StreamingResponse(
            _pieces(file),
            media_type="application/octet-stream",
            headers={
                **_HEADERS,
                "Content-Length": str(file.size_bytes),
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            },
        )

    async def _open(self, ticket: FileTicket) -> File | Response:
        if self._files is None:
            return _refusal(HTTPStatus.NOT_FOUND, "backup_file.closed")
        try:
            file = await anyio.to_thread.run_sync(self._files.open, ticket)
        except Exception as error:  # noqa: BLE001 - whatever it is, it may go well later
            log.warning("gateway.backup_file_refused", backup=ticket.backup_id, error=str(error))
            refusal = _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "backup_file.unreadable")
            refusal.headers["Retry-After"] = "5"
            return refusal
        return file or _refusal(HTTPStatus.NOT_FOUND, "backup_file.gone")


async def _pieces(file: File) -> AsyncIterator[bytes]:
    """Raises in the end when not everything came, so that the connection breaks off visibly."""
    ends_at = anyio.current_time() + _LONGEST_SECONDS
    try:
        while piece := await anyio.to_thread.run_sync(file.read, _PIECE):
            yield piece
            if anyio.current_time() > ends_at:
                raise TimeoutError
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(file.close)


def _refusal(status: HTTPStatus, key: str) -> Response:
    return PlainTextResponse(f"{_words(key)}\n", status_code=status, headers=_HEADERS)
