"""Sends one signed request many times over kept connections and times the answers.

`service` uses it. The request is signed once and its bytes are sent again and again, which any
server of this protocol accepts for minutes, so that the client's own work is not what is measured.
"""

import asyncio
import time
from urllib.parse import urlsplit

import msgspec
import uvloop
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float
    kept: bool
    """Whether the server kept the connections, or each request needed a new one."""


def signed(
    method: str,
    url: str,
    *,
    key: tuple[str, str],
    service: str,
    region: str,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> bytes:
    """Make a request's bytes."""
    request = AWSRequest(method, url, headers, body)
    SigV4Auth(Credentials(*key), service, region).add_auth(request)
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


def measure(port: int, request: bytes, *, clients: int, count: int) -> Load:
    """Send `count` requests from so many clients. Raises RuntimeError for an answer but 200."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        # The first ones find caches cold and threads not started.
        runner.run(_run(port, request, clients, count // 10))
        return runner.run(_run(port, request, clients, count))


async def _run(port: int, request: bytes, clients: int, count: int) -> Load:
    taken: list[float] = []
    connects = [0]
    left = iter(range(count))

    async def one_client() -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for _ in left:
            began = time.perf_counter()
            if connection is None:
                connection = await asyncio.open_connection("127.0.0.1", port)
                connects[0] += 1
            connection[1].write(request)
            is_kept = await _answer(connection[0])
            taken.append(time.perf_counter() - began)
            if not is_kept:
                connection[1].close()
                connection = None
        if connection is not None:
            connection[1].close()

    began = time.perf_counter()
    await asyncio.gather(*(one_client() for _ in range(clients)))
    took = time.perf_counter() - began
    taken.sort()
    return Load(
        per_second=count / took,
        p50=1000 * taken[len(taken) // 2],
        p99=1000 * taken[int(0.99 * len(taken))],
        kept=connects[0] <= clients,
    )


async def _answer(reader: asyncio.StreamReader) -> bool:
    """Read one answer; reports whether the connection goes on."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status, _, rest = head.partition(b"\r\n")
    if b" 200" not in status:
        raise RuntimeError(f"{head.decode(errors='replace')} {await reader.read(500)!r}")
    fields = dict(line.split(b":", 1) for line in rest.strip().split(b"\r\n") if b":" in line)
    await reader.readexactly(int(fields[b"content-length"]))
    return fields.get(b"connection", b"").strip() != b"close" and b"http/1.1" in status
