"""Copies the bytes of one websocket between a browser and a desktop, both ways and bounded.

uvicorn makes a `Relay` for every upgrade request of the process (`serving.uvicorn_options`), in
place of its own websocket protocol: bytes are passed on as they come, unparsed but for where
frames end (ADR 0006). Back pressure goes through: a side that does not read stops the other from
being read, so at most one write buffer and one read are held each way.
"""

import asyncio
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qs

import msgspec
import structlog

from soundstage.gateway import frames
from soundstage.gateway.connect import Connector, Opened
from soundstage.gateway.desktop import DesktopEnd
from soundstage.gateway.frames import Borders, close_frame
from soundstage.gateway.handshake import (
    BadHandshakeError,
    UpgradeRequest,
    read_request,
    write_request,
)
from soundstage.gateway.inputs import Inputs
from soundstage.gateway.live import FullError, LiveRelays
from soundstage.gateway.looking import Looking
from soundstage.gateway.refusals import (
    CROSS_SITE,
    CROWDED,
    MALFORMED,
    NOT_FOUND,
    SHARE_FULL,
    Tally,
    status_of,
)
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.tickets import Entrance
from soundstage.gateway.upstreams import Refusal, Refused, Upstream, Upstreams
from soundstage.kit.proxies import Proxies
from soundstage.kit.unixsocket import SocketUnavailableError, UntrustedSocketError

log = structlog.get_logger(__name__)

_PATH = re.compile(r"/streams/([A-Za-z0-9_-]{1,64})(/api/(?:websockets|pen))\Z")
_PEN_PATH = "/api/pen"
_TRIES = 3
_OF_HANDSHAKES: dict[int, str] = {
    HTTPStatus.NOT_FOUND: NOT_FOUND,
    HTTPStatus.FORBIDDEN: CROSS_SITE,
}
"""As what a handshake that is refused with this status counts."""
_BORDER_SECONDS = 1.0
"""How long a frame that is under way at a cut may take to end."""
_GOODBYE_SECONDS = 0.3
"""How long a browser gets to read a close frame before its connection goes."""
_FLUSH_SECONDS = 2.0
_STALL_SECONDS = 30.0
"""How long one side may leave its bytes unread. A connection that is not read does not show
either that the other side is gone, so without this a dead one would be kept for ever."""


class Surroundings(msgspec.Struct, frozen=True):
    """What every relay of a process shares."""

    settings: GatewaySettings
    upstreams: Upstreams
    entrance: Entrance
    proxies: Proxies
    connector: Connector
    live: LiveRelays
    refused: Tally


def relay_protocol(surroundings: Surroundings) -> type[asyncio.Protocol]:
    """Make the class that uvicorn's `ws` setting takes."""

    class BoundRelay(Relay):
        shared = surroundings

    return BoundRelay


class Relay(asyncio.Protocol):
    """The browser's side of one relayed websocket."""

    shared: Surroundings

    def __init__(self, *, config: Any, server_state: Any, app_state: dict[str, Any]) -> None:  # noqa: ARG002 - uvicorn's signature
        self.stream_id = ""
        self._door = ""
        self.expires = 0
        self.carried = False
        self.worked = False
        self.looks_on = False
        self._looking = Looking()
        self._inputs = Inputs()
        self._connections: set[asyncio.Protocol] = server_state.connections
        self._browser: asyncio.Transport
        self._client = ""
        self._desktop: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._borders = Borders()
        self._closing: tuple[int, str] | None = None
        self._said_goodbye = False
        self._opened_at = 0.0
        self._bytes_down = 0
        self._bytes_up = 0
        self._browser_stall = _Stall(self._stalled)
        self._desktop_stall = _Stall(self._stalled)

    # What the browser's connection does.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._browser = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._closing is not None:
            return
        if self._desktop is not None:
            self.carried = True
            if self.looks_on:
                data = self._looking.to_desktop(data)
            else:
                self.worked = self._inputs.feed(data) or self.worked
            self._bytes_up += len(data)
            self.shared.live.carried.bytes_up += len(data)
            _write(self._desktop, data)
        elif self._opening is None:
            self._begin(data)
        else:
            self._refuse(
                MALFORMED, HTTPStatus.BAD_REQUEST, "Nothing may be sent before the answer."
            )

    def pause_writing(self) -> None:
        self._browser_stall.begin()
        if self._desktop is not None:
            _read(self._desktop, False)

    def resume_writing(self) -> None:
        self._browser_stall.end()
        if self._desktop is not None:
            _read(self._desktop, True)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._closing = self._closing or (frames.GOING_AWAY, "")
        self._said_goodbye = True
        self._connections.discard(self)
        self._browser_stall.end()
        self._desktop_stall.end()
        self.shared.live.leave(self)
        if self._opening is not None:
            self._opening.cancel()
        if self._desktop is None:
            return
        _hang_up(self._desktop)
        log.info(
            "gateway.relay_closed",
            stream=self.stream_id,
            seconds=round(time.monotonic() - self._opened_at, 3),
            bytes_down=self._bytes_down,
            bytes_up=self._bytes_up,
        )

    def shutdown(self) -> None:
        """Called by uvicorn when it stops; the page comes back to whoever follows."""
        self.cut(frames.RESTART, "The service restarts.")

    # What the desktop's connection does.

    def desktop_sent(self, data: bytes) -> None:
        """Pass on what the desktop sent."""
        if self.looks_on:
            data = self._looking.to_browser(data)
        if self._closing is None:
            self.carried = True
            self._bytes_down += len(data)
            carried = self.shared.live.carried
            carried.bytes_down += len(data)
            carried.frames_down += self._borders.feed(data)
            _write(self._browser, data)
        elif not self._said_goodbye:
            _write(self._browser, self._borders.rest_of_frame(data))
            self._say_goodbye()

    def desktop_is_full(self, full: bool) -> None:
        """Read from the browser only as fast as the desktop reads."""
        if full:
            self._desktop_stall.begin()
        else:
            self._desktop_stall.end()
        if self._closing is None:
            _read(self._browser, not full)

    def desktop_gone(self) -> None:
        """The desktop hung up, which its own close frame may have announced."""
        self.cut(frames.GOING_AWAY, "The desktop hung up.")
        if not self._said_goodbye:
            self._browser.abort()

    def cut(self, code: int, reason: str) -> None:
        """Close with this code at the next frame border, or without one soon after."""
        if self._closing is not None:
            return
        if self._desktop is None:
            self._refuse(Refusal.ENDED, HTTPStatus.GONE, reason)
            return
        self._closing = (code, reason)
        self.shared.live.leave(self)
        # From here on nothing of the browser reaches the desktop, but it is still read: a
        # connection closed over unread bytes is reset, and the close frame might be lost with it.
        _read(self._browser, True)
        asyncio.get_running_loop().call_later(_BORDER_SECONDS, self._give_up)
        self._say_goodbye()

    # Opening.

    def _begin(self, raw: bytes) -> None:
        try:
            request = read_request(raw, self.shared.settings.head_bytes)
            self._admit(request)
        except BadHandshakeError as error:
            reason = _OF_HANDSHAKES.get(error.status, MALFORMED)
            self._refuse(reason, error.status, str(error))
        except Refused as error:
            self._refuse(error.reason, status_of(error.reason), error.reason)
        except FullError as error:
            self._refuse(CROWDED, HTTPStatus.TOO_MANY_REQUESTS, str(error))
        else:
            self._opening = asyncio.get_running_loop().create_task(self._open(request))

    def _admit(self, request: UpgradeRequest) -> None:
        """Check everything that needs nobody else's answer."""
        found = _PATH.match(request.path)
        if found is None:
            raise BadHandshakeError("there is nothing here", HTTPStatus.NOT_FOUND)
        peer = self._peer()
        self._client = self.shared.proxies.client(peer, request.headers)
        if not self._is_our_origin(peer, request):
            log.warning(
                "gateway.foreign_origin", origin=request.origin[:200], host=request.host[:200]
            )
            raise BadHandshakeError("another site may not connect", HTTPStatus.FORBIDDEN)
        pass_ = self.shared.entrance.read_cookies(request.cookies, found[1])
        self.stream_id = pass_.stream_id
        self._door = found[2]
        self.expires = pass_.expires
        self.shared.live.enter(self)

    def _is_our_origin(self, peer: str, request: UpgradeRequest) -> bool:
        own = "https" if self._browser.get_extra_info("sslcontext") else "http"
        scheme = self.shared.proxies.scheme(peer, own, request.headers)
        ours = {self.shared.settings.public_origin, f"{scheme}://{request.host}"}
        return request.origin in ours

    async def _open(self, request: UpgradeRequest) -> None:
        try:
            async with asyncio.timeout(self.shared.settings.handshake_seconds):
                upstream = await self.shared.upstreams.find(self.stream_id)
                self._look_on(upstream, request)
                desktop = await self._connect(upstream, request)
        except Refused as error:
            self._refuse(error.reason, status_of(error.reason), error.reason)
        except BadHandshakeError as error:
            self._fail(error.status, "The desktop did not agree.")
        except UntrustedSocketError as error:
            log.warning("gateway.untrusted_socket", stream=self.stream_id, error=str(error))
            self._fail(HTTPStatus.BAD_GATEWAY, "What answers is not the desktop.")
        except (SocketUnavailableError, OSError, TimeoutError):
            self._fail(HTTPStatus.SERVICE_UNAVAILABLE, "The desktop does not answer.")
        except Exception:
            log.exception("gateway.relay_failed", stream=self.stream_id)
            self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, "The connection failed.")
        else:
            self._join(desktop)

    def _look_on(self, upstream: Upstream, request: UpgradeRequest) -> None:
        """Take away from who only looks on what is not theirs. Raises Refused."""
        is_by_share = upstream.most_viewers is not None
        if self._door == _PEN_PATH and (is_by_share or _asks_to_look_on(request)):
            raise Refused(NOT_FOUND)
        if upstream.most_viewers is None:
            return
        self.looks_on = True
        if self.shared.live.count(self.stream_id) > upstream.most_viewers:
            raise Refused(SHARE_FULL)

    async def _connect(self, upstream: Upstream, request: UpgradeRequest) -> DesktopEnd:
        looks_on = self.looks_on or _asks_to_look_on(request)
        head = write_request(request, f"{self._door}?role=viewer" if looks_on else self._door)
        for _ in range(_TRIES):
            connection = await self._open_socket(upstream)
            _, desktop = await connection.join(lambda: DesktopEnd(request, head))
            try:
                first = await desktop.answered()
            except BaseException:
                desktop.transport.abort()
                raise
            if frames.close_code(first) != frames.TOO_SOON:
                return desktop
            desktop.transport.abort()
        raise Refused(Refusal.UNAVAILABLE)

    async def _open_socket(self, upstream: Upstream) -> Opened:
        connector = self.shared.connector
        if self._door == _PEN_PATH:
            # A stroke has begun; and only the client's own connections can come too soon.
            return await connector.open_beside(upstream, upstream.name)
        return await connector.open(upstream)

    def _join(self, desktop: DesktopEnd) -> None:
        self._opened_at = time.monotonic()
        self._desktop = desktop.transport
        self._browser.write(desktop.answer.write())
        desktop.join(self)
        if not self._browser_stall.is_on:
            _read(self._desktop, True)
        log.info("gateway.relay_opened", stream=self.stream_id, client=self._client)

    # Closing.

    def _fail(self, status: int, text: str) -> None:
        """Answer that there is no desktop to connect to."""
        self._refuse(Refusal.UNAVAILABLE, status, text)

    def _refuse(self, reason: str, status: int, text: str) -> None:
        """Answer instead of upgrading."""
        self._closing = (status, text)
        self.shared.live.leave(self)
        self.shared.refused.add(reason)
        if self._opening is not None and self._opening is not asyncio.current_task():
            self._opening.cancel()
        log.info(
            "gateway.relay_refused",
            stream=self.stream_id or None,
            client=self._client,
            status=int(status),
            reason=text,
        )
        body = f"{text}\n".encode()
        _write(
            self._browser,
            f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Cache-Control: no-store\r\n"
            "Connection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body,
        )
        _hang_up(self._browser)

    def _say_goodbye(self) -> None:
        if self._closing is None or self._said_goodbye or not self._borders.is_between:
            return
        self._said_goodbye = True
        _write(self._browser, close_frame(*self._closing))
        if self._desktop is not None:
            _hang_up(self._desktop)
        asyncio.get_running_loop().call_later(_GOODBYE_SECONDS, _hang_up, self._browser)

    def _stalled(self) -> None:
        self.cut(frames.OVERLOADED, "One side stopped reading.")

    def _give_up(self) -> None:
        if not self._said_goodbye:
            self._browser.abort()

    def _peer(self) -> str:
        name = self._browser.get_extra_info("peername")
        return str(name[0]) if isinstance(name, tuple) else ""


def _asks_to_look_on(request: UpgradeRequest) -> bool:
    """Reports whether it gives its rights away; the rest of a query is not ours to repeat."""
    return parse_qs(request.query).get("role") == ["viewer"]


def _write(transport: asyncio.Transport, data: bytes) -> None:
    # uvloop raises where asyncio drops what is written to a connection that was just lost.
    if not transport.is_closing():
        transport.write(data)


def _read(transport: asyncio.Transport, on: bool) -> None:
    if transport.is_closing():
        return
    if on:
        transport.resume_reading()
    else:
        transport.pause_reading()


class _Stall:
    """Says when one side has not read for too long."""

    def __init__(self, stalled: Callable[[], None]) -> None:
        self._stalled = stalled
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_on(self) -> bool:
        return self._timer is not None

    def begin(self) -> None:
        self.end()
        self._timer = asyncio.get_running_loop().call_later(_STALL_SECONDS, self._stalled)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _hang_up(transport: asyncio.Transport) -> None:
    """Close once what was written is out, or after a moment without that."""
    transport.close()
    asyncio.get_running_loop().call_later(_FLUSH_SECONDS, transport.abort)
