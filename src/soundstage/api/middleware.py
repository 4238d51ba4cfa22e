"""The API's edge to the network: limits, request ids, headers and the log line.

`app` puts it around the API. It reads the whole body, bounded in size and time, before anybody is
identified, has the request answered, in a worker thread or at once, and sends the answer. The log
line holds neither the query nor any header.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import structlog
from starlette.types import Message, Receive, Scope, Send

from soundstage.api import errors
from soundstage.api.door import ApiSettings
from soundstage.api.errors import Refused
from soundstage.api.exchange import Answer, Received
from soundstage.api.feed import Feeds
from soundstage.api.writes import Writes
from soundstage.kit import tracing
from soundstage.kit.ids import new_request_id
from soundstage.wire.faults import Fault

_SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)

Result = TypeVar("Result")
Count = Callable[[str, str, int, float], None]
"""Told of each request its method, its operation if any, the status and the seconds it took."""

_log = structlog.get_logger("soundstage.api")


class Edge:
    """An ASGI application around a function that answers requests."""

    def __init__(
        self,
        answer: Callable[[Received], Answer],
        settings: ApiSettings,
        *,
        at_once: Callable[[Received], bool] | None = None,
        writes: Writes | None = None,
        feeds: Feeds | None = None,
        count: Count | None = None,
    ) -> None:
        self._answer = answer
        self._settings = settings
        self._at_once = at_once
        self._writes = writes
        self._feeds = feeds or Feeds()
        self._count = count
        self._limiter: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            # Closing before accepting refuses a websocket; there is none here.
            await send({"type": "websocket.close", "code": 1000})
            return
        request_id = new_request_id()
        with tracing.tracer().request(request_id) as tell:
            answer = await self._serve(scope, receive, send, request_id)
            if answer is not None:
                tell("http.request.method", scope["method"][:16])
                tell("http.response.status_code", answer.status)
                if "operation" in answer.notes:
                    tell("soundstage.operation", answer.notes["operation"])

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, request_id: str
    ) -> Answer | None:
        """Read a request and send its answer; None when the client went away."""
        started = time.perf_counter()
        received: Received | None = None
        try:
            _check_head(scope, self._settings)
            body = await self._body(scope, receive)
            if body is None:
                return None
            received = _received(scope, request_id, body)
            answer = await self._run(received)
        except Fault as fault:
            answer = errors.render(fault)
        seconds = time.perf_counter() - started
        try:
            await self._send(receive, send, answer, request_id, closes=received is None)
        except Fault as fault:
            answer = errors.render(fault, answer.notes)
            await _send(send, answer, request_id, closes=False)
        if self._count is not None:
            operation = answer.notes.get("operation", "")
            self._count(scope["method"], operation, answer.status, seconds)
        _log.info(
            "request",
            request_id=request_id,
            method=scope["method"][:16],
            path=_path(scope)[:256],
            status=answer.status,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
            bytes_in=len(received.body) if received else 0,
            bytes_out=len(answer.body),
            **answer.notes,
        )
        return answer

    async def _send(
        self, receive: Receive, send: Send, answer: Answer, request_id: str, *, closes: bool
    ) -> None:
        if answer.feed is None:
            await _send(send, answer, request_id, closes=closes)
            return
        with self._feeds.admitted(answer.feed):
            await _send_head(send, answer, request_id)
            await self._feeds.send(answer.feed, receive, send)

    async def _run(self, received: Received) -> Answer:
        answer = await self._answered(received)
        if answer.afterwards is None:
            return answer
        return await self._in_thread(answer.afterwards) or answer

    async def _answered(self, received: Received) -> Answer:
        if self._at_once is not None and self._at_once(received):
            return self._answer(received)
        if self._writes is not None and received.method != "GET":
            return await self._writes.answer(received)
        return await self._in_thread(self._answer, received)

    async def _in_thread(self, act: Callable[..., Result], *given: Any) -> Result:
        # A limiter belongs to an event loop, so it can't be made before the first request.
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._settings.workers)
        return await anyio.to_thread.run_sync(act, *given, limiter=self._limiter)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """Read the body; None when the client went away. Raises Refused."""
        limit = self._settings.body_bytes
        length = _stated_length(scope)
        if length is None:
            return b""
        if length > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                while True:
                    message: Message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    if size > limit:
                        raise _too_large(limit)
                    chunks.append(chunk)
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError:
            raise Refused("RequestTimeoutException", "The body did not arrive in time.") from None


def _check_head(scope: Scope, settings: ApiSettings) -> None:
    if len(scope["raw_path"]) > settings.path_bytes:
        raise Refused(
            "RequestUriTooLongException",
            f"The path is longer than {settings.path_bytes} bytes.",
        )
    if len(scope["query_string"]) > settings.query_bytes:
        raise Refused(
            "RequestUriTooLongException",
            f"The query is longer than {settings.query_bytes} bytes.",
        )
    headers = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > settings.header_count or size > settings.header_bytes:
        raise Refused(
            "RequestHeadersTooLargeException",
            f"At most {settings.header_count} headers and {settings.header_bytes} bytes of them "
            "are read.",
        )


def _stated_length(scope: Scope) -> int | None:
    """Say how long the body will be, as far as its sender says; None when there is none."""
    length: int | None = None
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            length = int(value[:20])
        elif name == b"transfer-encoding":
            length = length or 0
    return length


def _too_large(limit: int) -> Refused:
    return Refused("RequestEntityTooLargeException", f"The body is larger than {limit} bytes.")


def _received(scope: Scope, request_id: str, body: bytes) -> Received:
    return Received(
        request_id=request_id,
        method=scope["method"],
        raw_path=_path(scope),
        query=_text(scope["query_string"]),
        headers=tuple((name.decode("latin-1"), _text(value)) for name, value in scope["headers"]),
        body=body,
        peer=(scope.get("client") or ("",))[0],
    )


def _path(scope: Scope) -> str:
    return _text(scope["raw_path"])


def _text(raw: bytes) -> str:
    # Clients sign UTF-8; what is none keeps its bytes, so that it only fails to match.
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _headers(answer: Answer, request_id: str) -> list[tuple[bytes, bytes]]:
    return [
        (errors.REQUEST_ID_HEADER.lower().encode(), request_id.encode()),
        *_SECURITY_HEADERS,
        *((name.lower().encode(), value.encode()) for name, value in answer.headers.items()),
    ]


async def _send_head(send: Send, answer: Answer, request_id: str) -> None:
    # Proxies that gather an answer before they pass it on are asked not to.
    headers = [*_headers(answer, request_id), (b"x-accel-buffering", b"no")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _send(send: Send, answer: Answer, request_id: str, *, closes: bool) -> None:
    headers = _headers(answer, request_id)
    if answer.body:
        headers.append((b"content-type", b"application/json"))
    if answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    if closes:
        # The rest of a refused body would be read as the next request.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
