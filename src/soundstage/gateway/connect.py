"""Opens connections to desktops, one at a time each and not too soon after the last.

`relay` calls it. The waiting here is what keeps Selkies' close code 4029 from ever reaching a
browser; see `GatewaySettings.connect_spacing_seconds`.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import Upstream
from soundstage.kit.places import SERVER_NAME, connect, tls_of

_THREADS = 16
_Protocol = TypeVar("_Protocol", bound=asyncio.Protocol)


class Opened:
    """A connection that was made, and the TLS that is still to come."""

    def __init__(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        self._connection = connection
        self._tls = tls

    async def join(self, protocol: Callable[[], _Protocol]) -> tuple[asyncio.Transport, _Protocol]:
        """Hand it over to a protocol. Raises OSError when another certificate answers."""
        loop = asyncio.get_running_loop()
        if self._tls is None:
            return await loop.create_unix_connection(protocol, sock=self._connection)
        return await loop.create_connection(
            protocol, sock=self._connection, ssl=self._tls, server_hostname=SERVER_NAME
        )

    async def streams(self, limit: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The same for who reads lines of at most `limit` bytes. Raises as `join` does."""
        reader = asyncio.StreamReader(limit)
        transport, protocol = await self.join(lambda: asyncio.StreamReaderProtocol(reader))
        loop = asyncio.get_running_loop()
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    def close(self) -> None:
        """Hang up before anything was said."""
        self._connection.close()


class Turn:
    """One desktop's turns."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.connected_at = 0.0
        self.waiting = 0


class Connector:
    """Knows when each desktop was last connected to."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._spacing = settings.connect_spacing_seconds
        self._identity = settings.identity
        self._turns: dict[str, Turn] = {}
        # Threads of its own: connecting blocks for seconds when a desktop's backlog is full, and
        # a few such desktops must not hold up everything else that the process does in threads.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="gateway-connect")

    async def open(self, upstream: Upstream) -> Opened:
        """Wait for this desktop's turn and connect. Raises what `kit.places` raises."""
        turn = self._turns.setdefault(upstream.stream_id, Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                await asyncio.sleep(turn.connected_at + self._spacing - time.monotonic())
                connection = await self._connect(upstream, upstream.name)
                turn.connected_at = time.monotonic()
        finally:
            turn.waiting -= 1
            self._forget()
        return connection

    async def open_beside(self, upstream: Upstream, name: str) -> Opened:
        """Connect at once to another socket of the same desktop. Raises as `open` does."""
        return await self._connect(upstream, name)

    def close(self) -> None:
        """End the threads; those that still connect end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _connect(self, upstream: Upstream, name: str) -> Opened:
        tls = tls_of(upstream.place, self._identity)
        connecting = asyncio.get_running_loop().run_in_executor(
            self._threads, connect, upstream.place, name
        )
        try:
            connection = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_discard)
            raise
        connection.setblocking(False)
        return Opened(connection, tls)

    def _forget(self) -> None:
        """Drop desktops whose last connect is long enough ago."""
        before = time.monotonic() - self._spacing
        for stream_id, turn in tuple(self._turns.items()):
            if not turn.waiting and turn.connected_at < before:
                del self._turns[stream_id]


def _discard(connecting: asyncio.Future[socket.socket]) -> None:
    """Close a connection that nobody waits for any more."""
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()
