"""Opens connections to desktops, one at a time each and not too soon after the last.

`relay` calls it. The waiting here is what keeps Selkies' close code 4029 from ever reaching a
browser; see `GatewaySettings.connect_spacing_seconds`.
"""

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import Upstream
from soundstage.kit.unixsocket import open_socket

_THREADS = 16


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
        self._turns: dict[str, Turn] = {}
        # Threads of its own: connecting blocks for seconds when a desktop's backlog is full, and
        # a few such desktops must not hold up everything else that the process does in threads.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="gateway-connect")

    async def open(self, upstream: Upstream) -> socket.socket:
        """Wait for this desktop's turn and connect. Raises what `open_socket` raises."""
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
        connection.setblocking(False)
        return connection

    async def open_beside(self, upstream: Upstream, name: str) -> socket.socket:
        """Connect at once to another socket of the same desktop. Raises as `open` does."""
        connection = await self._connect(upstream, name)
        connection.setblocking(False)
        return connection

    def close(self) -> None:
        """End the threads; those that still connect end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _connect(self, upstream: Upstream, name: str) -> socket.socket:
        connecting = asyncio.get_running_loop().run_in_executor(
            self._threads, open_socket, upstream.directory, name, upstream.uid
        )
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(_discard)
            raise

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
