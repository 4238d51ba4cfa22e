"""Lets connections in at a port that speaks https, and tells who came without it where to go.

`cli.serve` uses it in uvicorn's stead where TLS is on. A browser that is given `studio.lan:8443`
may ask there by plain http, and uvicorn would end such a connection without a word. The first byte
of a TLS connection is the number of its handshake's record (RFC 8446, section 5.1), which no
request of HTTP/1 begins with; it is looked at before anything takes the connection over.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable

import structlog

from soundstage.gateway.settings import GatewaySettings

_HANDSHAKE = b"\x16"
_AT_ONCE = 128
"""How many are accepted in one turn of the event loop."""
_SHORT_OF = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_REST_SECONDS = 1.0

Factory = Callable[[], asyncio.Protocol]

_log = structlog.get_logger("soundstage.gateway")


class Acceptor:
    """One listening socket, in the event loop that runs when this is made."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        secure: Factory,
        plain: Factory,
        context: ssl.SSLContext,
        settings: GatewaySettings,
    ) -> None:
        """Connections that speak TLS get a protocol of `secure`, all others one of `plain`."""
        self._listener = listener
        self._secure = secure
        self._plain = plain
        self._context = context
        self._seconds = settings.head_seconds
        self._most = settings.connections_in_total
        self._loop = asyncio.get_running_loop()
        self._silent: dict[socket.socket, asyncio.TimerHandle] = {}
        self._handshakes: set[asyncio.Task[None]] = set()
        self._rest: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        """Accept nobody any more, and end connections that nothing has taken over yet."""
        if self._rest is None:
            self._loop.remove_reader(self._listener)
        else:
            self._rest.cancel()
        for connection in list(self._silent):
            self._end(connection)
        for handshake in self._handshakes:
            handshake.cancel()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _SHORT_OF:
                    raise
                # It would be readable again at once, and fail again.
                _log.warning("connections can't be accepted", error=str(error))
                self._loop.remove_reader(self._listener)
                self._rest = self._loop.call_later(_REST_SECONDS, self._go_on)
                return
            self._wait_for_first_byte(connection)

    def _go_on(self) -> None:
        self._rest = None
        self._loop.add_reader(self._listener, self._accept)

    def _wait_for_first_byte(self, connection: socket.socket) -> None:
        if len(self._silent) + len(self._handshakes) >= self._most:
            connection.close()
            return
        connection.setblocking(False)
        # As uvloop does for connections that it accepts itself: small answers go out at once.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._silent[connection] = self._loop.call_later(self._seconds, self._end, connection)
        self._loop.add_reader(connection, self._look, connection)

    def _look(self, connection: socket.socket) -> None:
        try:
            first = connection.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        if not first:
            self._end(connection)
            return
        self._forget(connection)
        handshake = self._loop.create_task(self._hand_over(connection, first == _HANDSHAKE))
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    async def _hand_over(self, connection: socket.socket, is_secure: bool) -> None:
        try:
            if is_secure:
                await self._loop.connect_accepted_socket(
                    self._secure,
                    connection,
                    ssl=self._context,
                    ssl_handshake_timeout=self._seconds,
                )
            else:
                await self._loop.connect_accepted_socket(self._plain, connection)
        except OSError:
            # Who hangs up, believes no certificate or takes too long; ssl's errors and timeouts are
            # an OSError too.
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    def _end(self, connection: socket.socket) -> None:
        self._forget(connection)
        connection.close()

    def _forget(self, connection: socket.socket) -> None:
        self._silent.pop(connection).cancel()
        self._loop.remove_reader(connection)
