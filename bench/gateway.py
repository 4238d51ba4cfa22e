"""What the gateway costs: latency and throughput of a relayed websocket beside a direct one.

Three processes, as in real use: a desktop's stand-in that echoes and blasts, the gateway under
uvicorn, and the measuring client here. The direct connection goes from the client to the same
stand-in over loopback TCP, as a browser's would if the desktop listened there; the relayed one goes
over loopback TCP to the gateway and from there over the stand-in's unix socket. Both are measured
in turns, so that whatever else the machine does hits both.

`make bench` calls `measure`; `python -m bench.gateway` runs it alone.
"""

import asyncio
import base64
import json
import os
import secrets
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.report import median, ratio, table
from soundstage.gateway.app import Gateway
from soundstage.gateway.handshake import read_request
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.tickets import COOKIE
from soundstage.gateway.upstreams import Transferred, Upstream
from soundstage.kit.places import SocketFolder
from soundstage.wire.ticket import Ticket, Tickets

STREAM = "AAAAAAAAAAAAAAAAAAAAAA"
SECRET = b"bench bench bench bench bench 32"
ROUND_TRIPS = 400
"""Messages a round; 64 bytes each, the size of a pointer event."""
BLAST_BYTES = 6000 * 32768
"""Whole frames of the size that the stand-in sends."""
ROUNDS = 9
LINE = 1_250_000_000
"""Bytes a second of a 10 Gbit/s line."""
_BINARY = 0x82
_PATH = "/api/websockets"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Medians over all rounds; latencies in milliseconds, throughput in MB/s."""

    direct_p50: float
    direct_p95: float
    relayed_p50: float
    relayed_p95: float
    on_a_line: tuple[float, float]
    """Direct and relayed, when the desktop sends at the speed of a 10 Gbit/s line: far above what
    a stream needs (5 MB/s in full motion), and the fastest that a network will bring."""
    unlimited: tuple[float, float]
    """Direct and relayed, as fast as memory goes. Every byte is copied twice as often on the
    relayed way, and three processes share the cores where two do on the direct one."""

    @property
    def added_p50(self) -> float:
        return self.relayed_p50 - self.direct_p50

    @property
    def added_p95(self) -> float:
        return self.relayed_p95 - self.direct_p95


class Connection:
    """A websocket client without buffers or threads, so that little but the way is measured."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host = f"127.0.0.1:{port}"
        lines = {
            "Host": host,
            "Origin": f"http://{host}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self._socket.recv(1)
        if not answer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(answer.decode())

    def round_trips(self, count: int) -> list[float]:
        """Send a message and wait for its echo, `count` times; seconds each."""
        taken = []
        message = _masked(b"e" * 64)
        for _ in range(count):
            began = time.perf_counter()
            self._socket.sendall(message)
            self._read(66)
            taken.append(time.perf_counter() - began)
        return taken

    def blast(self, total: int, rate: int = 0) -> float:
        """Ask for so many bytes of messages, at `rate` bytes a second; MB/s that came."""
        began = time.perf_counter()
        order = b"b" + total.to_bytes(8, "big") + rate.to_bytes(8, "big")
        self._socket.sendall(_masked(order.ljust(64, b" ")))
        self._read(total)
        return total / 1e6 / (time.perf_counter() - began)

    def close(self) -> None:
        self._socket.close()

    def _read(self, count: int) -> None:
        room = memoryview(bytearray(256 * 1024))
        while count:
            got = self._socket.recv_into(room, min(count, len(room)))
            if not got:
                raise ConnectionError("closed while measuring")
            count -= got


def measure(rounds: int = ROUNDS) -> Measured:
    """Start both servers, measure in turns, and end them."""
    direct: list[list[float]] = []
    relayed: list[list[float]] = []
    line: list[tuple[float, float]] = []
    unlimited: list[tuple[float, float]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soundstage-bench-")))
        echo_port = stack.enter_context(_started("echo", folder))
        gateway_port = stack.enter_context(_started("gateway", folder))
        ways = (
            Connection(echo_port, _PATH, {}),
            Connection(gateway_port, f"/streams/{STREAM}{_PATH}", {"Cookie": _cookie()}),
        )
        for connection in ways:
            stack.callback(connection.close)
            connection.round_trips(ROUND_TRIPS)
            connection.blast(BLAST_BYTES)
        for number in range(rounds):
            order = ways if number % 2 else ways[::-1]
            trips = {way: way.round_trips(ROUND_TRIPS) for way in order}
            paced = {way: way.blast(BLAST_BYTES, LINE) for way in order}
            fastest = {way: way.blast(BLAST_BYTES) for way in order}
            direct.append(trips[ways[0]])
            relayed.append(trips[ways[1]])
            line.append((paced[ways[0]], paced[ways[1]]))
            unlimited.append((fastest[ways[0]], fastest[ways[1]]))
    return Measured(
        direct_p50=_over_rounds(direct, 0.5),
        direct_p95=_over_rounds(direct, 0.95),
        relayed_p50=_over_rounds(relayed, 0.5),
        relayed_p95=_over_rounds(relayed, 0.95),
        on_a_line=_medians(line),
        unlimited=_medians(unlimited),
    )


def show(measured: Measured) -> None:
    """Print the table."""
    table(
        "Gateway beside a direct connection (one websocket, loopback)",
        ["", "direct", "through the gateway", "difference"],
        [
            ["round trip of 64 bytes, p50 ms", measured.direct_p50, measured.relayed_p50,
             f"+{measured.added_p50:.3f}"],
            ["round trip of 64 bytes, p95 ms", measured.direct_p95, measured.relayed_p95,
             f"+{measured.added_p95:.3f}"],
            ["throughput at 10 Gbit/s, MB/s", *measured.on_a_line, _kept(measured.on_a_line)],
            ["throughput without a limit, MB/s", *measured.unlimited, _kept(measured.unlimited)],
        ],
    )  # fmt: skip


def main() -> None:
    """Measure and print."""
    show(measure())


def _over_rounds(rounds: list[list[float]], part: float) -> float:
    return 1000 * median(sorted(taken)[int(part * len(taken))] for taken in rounds)


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return median(a for a, _ in pairs), median(b for _, b in pairs)


def _kept(pair: tuple[float, float]) -> str:
    return ratio(pair[1], pair[0])


def _masked(payload: bytes) -> bytes:
    # A mask of zeros is valid and leaves the payload as it is.
    return bytes((_BINARY, 0x80 | len(payload))) + bytes(4) + payload


def _cookie() -> str:
    ticket = Ticket(stream_id=STREAM, subject="bench", expires=int(time.time()) + 3600)
    return f"{COOKIE}={Tickets(SECRET).sign_cookie(ticket)}"


@contextmanager
def _started(role: str, folder: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.gateway", role, str(folder)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for above
        yield int(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(10)


def _tell_port(port: int) -> None:
    print(json.dumps(port), flush=True)


def _serve_echo(folder: Path) -> None:
    """Be the desktop: on a unix socket for the gateway, on TCP for the direct way."""
    folder.chmod(0o700)
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(folder / "s.sock"))
    unix.listen()
    tcp = socket.create_server(("127.0.0.1", 0))
    _tell_port(tcp.getsockname()[1])
    threading.Thread(target=_accept, args=(unix,), daemon=True).start()
    _accept(tcp)


def _accept(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_speak, args=(connection,), daemon=True).start()


def _speak(connection: socket.socket) -> None:
    if connection.family == socket.AF_INET:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    accept = read_request(head, len(head)).accept
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
    )
    # The size of a frame of video at 1080p in motion.
    video = bytes((_BINARY, 126)) + struct.pack(">H", 32764) + bytes(32764)
    while message := connection.recv(70, socket.MSG_WAITALL):
        payload = message[6:]
        if payload[:1] == b"b":
            total, rate = struct.unpack(">QQ", payload[1:17])
            _blast(connection.sendall, video, total, rate)
        else:
            connection.sendall(bytes((_BINARY, len(payload))) + payload)


def _blast(send: Callable[[bytes], None], video: bytes, total: int, rate: int) -> None:
    began = time.perf_counter()
    for number in range(total // len(video)):
        if rate and (ahead := number * len(video) / rate - (time.perf_counter() - began)) > 0.001:
            time.sleep(ahead)
        send(video)


class _OneUpstream:
    def __init__(self, folder: Path) -> None:
        self._upstream = Upstream(
            stream_id=STREAM,
            place=SocketFolder(directory=str(folder), uid=os.getuid()),
            name="s.sock",
        )

    async def redeem(self, ticket: Ticket, address: str = "") -> Upstream:  # noqa: ARG002 - the interface's signature
        return self._upstream

    async def find(self, stream_id: str) -> Upstream:  # noqa: ARG002 - the interface's signature
        return self._upstream

    async def ended(self, stream_ids: set[str]) -> set[str]:  # noqa: ARG002 - as above
        return set()

    async def report_input(self, stream_ids: set[str]) -> None:
        pass

    async def countdown(self, stream_id: str) -> None:
        pass

    async def shares(self, stream_id: str) -> None:
        pass

    async def share(self, stream_id: str, minutes: int, viewers: int) -> None:
        pass

    async def end_share(self, stream_id: str, share_id: str) -> None:
        pass

    async def report_viewers(self, counts: dict[str, int]) -> None:
        pass

    async def report_transfer(self, transferred: Transferred) -> None:
        pass

    async def report_activity(self, stream_ids: set[str]) -> None:
        pass


def _serve_gateway(folder: Path) -> None:
    import structlog  # noqa: PLC0415 - the measuring side has no log
    import uvicorn  # noqa: PLC0415 - as above
    import uvloop  # noqa: PLC0415 - as above
    from starlette.applications import Starlette  # noqa: PLC0415 - as above

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    listener = socket.create_server(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    settings = GatewaySettings(
        public_url=f"http://127.0.0.1:{port}", stream_environment=folder / "none"
    )
    gateway = Gateway(settings, _OneUpstream(folder), Tickets(SECRET), lambda: datetime.now(UTC))

    async def serve() -> None:
        config = uvicorn.Config(
            Starlette(routes=gateway.routes()),
            log_level="error",
            lifespan="off",
            **gateway.uvicorn_options(),
        )
        watching = asyncio.create_task(gateway.watch())
        _tell_port(port)
        await uvicorn.Server(config).serve(sockets=[listener])
        watching.cancel()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["echo", place]:
            _serve_echo(Path(place))
        case ["gateway", place]:
            _serve_gateway(Path(place))
        case _:
            main()
