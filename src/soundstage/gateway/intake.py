"""uvicorn's HTTP protocol with the bounds it lacks: on a request's head, and on the time it takes.

`serving.uvicorn_options` hands it to uvicorn for the whole process. uvicorn's parser keeps a head
of any size in memory and waits for it without end; a proxy in front would not help whoever reaches
the service directly.

It also sends a small answer as one packet. uvicorn writes head and body apart, and on loopback the
second write costs a small request a sixth of its time.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from soundstage.gateway.settings import GatewaySettings

_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)

_MOST_HELD = 16 * 1024


def bounded_http(settings: GatewaySettings) -> type[asyncio.Protocol]:
    """Make the class that uvicorn's `http` setting takes."""

    class BoundHttp(BoundedHttp):
        head_bytes = settings.head_bytes
        head_seconds = settings.head_seconds
        body_seconds = settings.body_seconds

    return BoundHttp


class OneWrite:
    """A transport that joins what is written to it within one turn of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.inner = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        """Be the transport in everything else."""
        return getattr(self.inner, name)

    def write(self, data: bytes) -> None:
        """Hold it until the loop has run what is ready."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        # Who sends much must be told in time that the other side does not read.
        if self._size >= _MOST_HELD:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        held, self._held, self._size = self._held, [], 0
        if held and not self.inner.is_closing():
            self.inner.write(b"".join(held))

    def close(self) -> None:
        """Write what is held, then close."""
        self.flush()
        self.inner.close()


class BoundedHttp(HttpToolsProtocol):
    """Ends connections whose requests are too long or too slow to arrive."""

    head_bytes: int
    head_seconds: float
    body_seconds: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn's line holds the query, where tickets travel; its setting alone does not keep it
        # off, for any handler that logging is given later brings it back.
        self.access_log = False
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(OneWrite(transport, self.loop))  # type: ignore[arg-type]
        self._within(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_in_head = self._in_head
        self._head_size = self._head_size + len(data) if was_in_head else 0
        super().data_received(data)
        if was_in_head and self._in_head and self._head_size > self.head_bytes:
            self._arrived()
            if not self.transport.is_closing():
                self.transport.write(_TOO_LONG)
                self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._within(self.head_seconds)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._within(self.body_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arrived()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._arrived()
        # From here on somebody else writes, in frames.
        if isinstance(self.transport, OneWrite):
            self.transport.flush()
            self.transport = self.transport.inner
        super().handle_websocket_upgrade()

    def _within(self, seconds: float) -> None:
        self._arrived()
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
