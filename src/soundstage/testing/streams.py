"""What stands around a gateway in tests: a control plane in memory, a desktop, a visitor.

The desktop and the server run in threads of this process, on a unix socket and on loopback.
"""

import asyncio
import base64
import http.client
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec
import uvicorn
import uvloop
from starlette.applications import Starlette

from soundstage.gateway.app import Gateway
from soundstage.gateway.frames import TOO_SOON, close_frame
from soundstage.gateway.handshake import read_request
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.tickets import COOKIE
from soundstage.gateway.upstreams import (
    Became,
    Countdown,
    Refusal,
    Refused,
    Share,
    ShareRefusedError,
    Shares,
    Transferred,
    Upstream,
)
from soundstage.kit.places import SocketFolder
from soundstage.wire.ticket import Ticket, Tickets

SECONDS = 10.0
"""Longest wait for anything in a test."""


class MemoryUpstreams:
    """A control plane that knows what a test tells it."""

    def __init__(self) -> None:
        self.places: dict[str, Upstream] = {}
        self.used: set[Ticket] = set()
        self.over: set[str] = set()
        self.became: Became | None = None
        self.reported: list[set[str]] = []
        self.worked_on: list[set[str]] = []
        self.coming: Countdown | None = None
        self.transferred: list[Transferred] = []
        self.shared: Shares | None = None
        self.looking: list[dict[str, int]] = []
        self.is_reachable = True

    async def redeem(self, ticket: Ticket, address: str = "") -> Upstream:
        """Use a ticket up."""
        del address
        upstream = await self.find(ticket.stream_id)
        if ticket in self.used:
            raise Refused(Refusal.USED)
        self.used.add(ticket)
        return upstream

    async def find(self, stream_id: str) -> Upstream:
        """Learn a place."""
        if stream_id in self.over:
            raise Refused(Refusal.ENDED, self.became)
        if stream_id not in self.places:
            raise Refused(Refusal.UNAVAILABLE)
        return self.places[stream_id]

    async def ended(self, stream_ids: set[str]) -> set[str]:
        """Say what is over."""
        if not self.is_reachable:
            raise ConnectionError("told to be unreachable")
        return stream_ids & self.over

    async def report_input(self, stream_ids: set[str]) -> None:
        """Keep what was reported."""
        if not self.is_reachable:
            raise ConnectionError("told to be unreachable")
        self.worked_on.append(stream_ids)

    async def countdown(self, stream_id: str) -> Countdown | None:
        """Say what it was told of every stream."""
        del stream_id
        return self.coming

    async def shares(self, stream_id: str) -> Shares | None:
        """List what was made, once a test allows it."""
        del stream_id
        return self.shared

    async def share(self, stream_id: str, minutes: int, viewers: int) -> Shares | None:
        """Make one."""
        del stream_id
        if self.shared is None:
            return None
        if viewers > self.shared.max_viewers:
            raise ShareRefusedError("too many viewers")
        made = Share(
            id=f"share{len(self.shared.shares)}",
            url="http://localhost/streams/share/?ticket=secret",
            seconds_left=minutes * 60.0,
            viewers=0,
            max_viewers=viewers,
        )
        self.shared = msgspec.structs.replace(self.shared, shares=[*self.shared.shares, made])
        return self.shared

    async def end_share(self, stream_id: str, share_id: str) -> Shares | None:
        """End one."""
        del stream_id
        if self.shared is None:
            return None
        left = [each for each in self.shared.shares if each.id != share_id]
        self.shared = msgspec.structs.replace(self.shared, shares=left)
        return self.shared

    async def report_viewers(self, counts: dict[str, int]) -> None:
        """Keep what was reported."""
        if not self.is_reachable:
            raise ConnectionError("told to be unreachable")
        self.looking.append(counts)

    async def report_transfer(self, transferred: Transferred) -> None:
        """Keep what was reported."""
        if not self.is_reachable:
            raise ConnectionError("told to be unreachable")
        self.transferred.append(transferred)

    async def report_activity(self, stream_ids: set[str]) -> None:
        """Keep what was reported."""
        if not self.is_reachable:
            raise ConnectionError("told to be unreachable")
        self.reported.append(stream_ids)


class StandInDesktop:
    """Speaks websockets on a unix socket: greets, then sends back whatever frames come, unmasked.

    Like Selkies it refuses who comes within 500 ms of the last one, with close code 4029.
    """

    def __init__(self, folder: Path, name: str = "stream.sock") -> None:
        self.folder = folder
        self.name = name
        self.heads: list[bytes] = []
        """Every request head that came."""
        self.refusals = 0
        self.answer: bytes | None = None
        """Sent in place of a proper handshake when set."""
        self.greeting = b"\x81\x04MODE"
        self.echoes = True
        self.received = 0
        """Bytes after the head, over all connections."""
        self.is_reading = threading.Event()
        self.is_reading.set()
        self._connections: list[socket.socket] = []
        self._last = 0.0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / name))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def place(self, stream_id: str) -> Upstream:
        """Say where it is."""
        return Upstream(
            stream_id=stream_id,
            place=SocketFolder(directory=str(self.folder), uid=os.getuid()),
            name=self.name,
        )

    def send(self, data: bytes) -> None:
        """Send raw bytes to the newest connection."""
        self._connections[-1].sendall(data)

    def send_until_stuck(self, data: bytes) -> int:
        """Send until nothing more is taken for a second; says how many bytes were."""
        connection, sent = self._connections[-1], 0
        # The connection's own timeout stays: another thread receives from it.
        while sent < len(data) and select.select([], [connection], [], 1.0)[1]:
            sent += connection.send(data[sent : sent + 65536], socket.MSG_DONTWAIT)
        return sent

    def hang_up(self) -> None:
        """Drop every connection, as a crash does."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it."""
        self.is_reading.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = read_head(connection)
            if not head:
                return
            self.heads.append(head)
            if self.answer is not None:
                connection.sendall(self.answer)
                connection.recv(1)
                return
            connection.sendall(self._handshake(head))
            now = time.monotonic()
            if head.startswith(b"GET /api/websockets") and now - self._last < 0.5:
                self.refusals += 1
                connection.sendall(close_frame(TOO_SOON, "Rate limited"))
                return
            self._last = now
            self._connections.append(connection)
            connection.sendall(self.greeting)
            self._echo(connection)

    def _handshake(self, head: bytes) -> bytes:
        accept = read_request(head, len(head)).accept
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            f"Set-Cookie: planted=1\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        ).encode()

    def _echo(self, connection: socket.socket) -> None:
        while self.is_reading.wait(SECONDS) and (data := connection.recv(65536)):
            self.received += len(data)
            if not self.echoes:
                continue
            # Tests send frames of up to 125 bytes with a mask of zeros, one at a time.
            if len(data) >= 6 and data[1] & 0x80 and len(data) == 6 + (data[1] & 0x7F):
                connection.sendall(bytes((data[0], data[1] & 0x7F)) + data[6:])


class Visitor:
    """A browser's raw connection that was, or was not, upgraded."""

    def __init__(self, port: int, request: bytes, *, waits: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self.socket.sendall(request)
        self.head = read_head(self.socket) if waits else b""

    @property
    def status(self) -> int:
        """The answer's status; 0 when the server hung up without one."""
        return int(self.head.split(b" ")[1]) if self.head else 0

    def say(self, payload: bytes) -> None:
        """Send a message of up to 125 bytes."""
        self.socket.sendall(bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload)

    def read(self, count: int) -> bytes:
        """Read so many bytes, or fewer when the connection ends."""
        data = b""
        while len(data) < count and (more := self.socket.recv(count - len(data))):
            data += more
        return data

    def read_to_end(self) -> bytes:
        """Read until the server hangs up."""
        data = b""
        with suppress(ConnectionResetError):
            while more := self.socket.recv(65536):
                data += more
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def upgrade_request(port: int, path: str, **headers: str | None) -> bytes:
    """Write a browser's websocket request; a header given as None is left out."""
    host = f"127.0.0.1:{port}"
    lines: dict[str, str | None] = {
        "Host": host,
        "Origin": f"http://{host}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")


def read_head(connection: socket.socket) -> bytes:
    """Read up to the empty line, and nothing beyond; b"" when there is none."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        try:
            more = connection.recv(1)
        except ConnectionResetError:
            return b""
        if not more:
            return b""
        head += more
    return head


def ask(
    port: int,
    path: str,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """Ask for a page without following redirects: status, headers in lower case, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read()
    finally:
        connection.close()


class GatewayWorld:
    """A served gateway with one stream, whose clock a test sets."""

    stream = "AAAAAAAAAAAAAAAAAAAAAA"

    def __init__(
        self, folder: Path, environment: Path, listener: socket.socket, **settings: Any
    ) -> None:
        self.port = int(listener.getsockname()[1])
        self.now = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self.desktop = StandInDesktop(folder)
        self.upstreams = MemoryUpstreams()
        self.upstreams.places[self.stream] = self.desktop.place(self.stream)
        self.tickets = Tickets(b"a secret for tests, thirty-two b.")
        self.gateway = Gateway(
            GatewaySettings(
                **{
                    "public_url": f"http://127.0.0.1:{self.port}",
                    "stream_environment": environment,
                    "revocation_seconds": 0.05,
                    **settings,
                }
            ),
            self.upstreams,
            self.tickets,
            lambda: self.now,
        )

    def ticket(self, stream: str = stream, seconds: int = 120) -> str:
        """Sign a ticket that holds for so long from now."""
        return self.tickets.sign(self._ticket(stream, seconds))

    def cookie(self, stream: str = stream, seconds: int = 120) -> str:
        """Sign a cookie, as the header Cookie carries it."""
        return f"{COOKIE}={self.tickets.sign_cookie(self._ticket(stream, seconds))}"

    def page(self, stream: str = stream) -> str:
        """The path of a stream's page."""
        return f"/streams/{stream}/"

    def ask(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask for a page; underscores in header names stand for hyphens."""
        return ask(
            self.port, path, {name.replace("_", "-"): v for name, v in headers.items()}, method
        )

    def connect(self, path: str | None = None, **headers: str | None) -> Visitor:
        """Ask for a websocket, with a good cookie unless told otherwise."""
        path = path or f"{self.page()}api/websockets"
        head = {"Cookie": self.cookie(), **headers}
        return Visitor(self.port, upgrade_request(self.port, path, **head))

    def _ticket(self, stream: str, seconds: int) -> Ticket:
        return Ticket(
            stream_id=stream, subject="artist", expires=int(self.now.timestamp()) + seconds
        )


@contextmanager
def gateway_world(folder: Path, environment: Path, **settings: Any) -> Iterator[GatewayWorld]:
    """Serve a gateway before a stand-in desktop; `settings` go over the defaults."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        world = GatewayWorld(folder, environment, listener, **settings)
        try:
            with serving(world.gateway, listener):
                yield world
        finally:
            world.desktop.close()


@contextmanager
def serving(gateway: Gateway, listener: socket.socket) -> Iterator[uvicorn.Server]:
    """Serve a gateway as the service does, on a socket that is bound already."""
    config = uvicorn.Config(
        Starlette(routes=gateway.routes()),
        log_config=None,
        lifespan="off",
        **gateway.uvicorn_options(),
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        watching = asyncio.create_task(gateway.watch())
        await server.serve(sockets=[listener])
        watching.cancel()

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield server
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        assert not thread.is_alive(), "the server did not end"  # noqa: S101 - tests alone call it


def wait_for(holds: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait for a condition. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.01)
