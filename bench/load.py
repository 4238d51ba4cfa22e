"""Sends signed requests as fast as they are answered, and times the answers.

`api` uses it. Requests are signed beforehand and their bytes are sent as they are, which any server
of this protocol accepts for minutes, and it is wrk that sends them: a client that signs, or one in
Python, takes longer than the server does.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; latencies in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float


class _Said(msgspec.Struct, frozen=True):
    requests: int
    microseconds: int
    p50: float
    p99: float
    refused: int
    broken: int


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


def measure(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> Load:
    """Send these requests in turn from so many clients, each waiting for its answer.

    Raises RuntimeError when one is refused or not answered.
    """
    with tempfile.NamedTemporaryFile() as file:
        for request in requests:
            file.write(b"%d\n" % len(request) + request)
        file.flush()
        command = ["wrk", "--threads", "1", "--connections", str(clients), "--timeout", "20s"]
        command += ["--duration", f"{seconds:.0f}s", "--script", str(_SCRIPT)]
        ran = subprocess.run(
            [*command, f"http://127.0.0.1:{port}", "--", file.name],
            check=True,
            capture_output=True,
            text=True,
        )
    said = msgspec.json.decode(ran.stdout.strip().rpartition("\n")[2], type=_Said)
    if said.refused or said.broken or not said.requests:
        raise RuntimeError(f"{said.refused} requests were refused, {said.broken} got no answer")
    return Load(
        requests=said.requests,
        per_second=said.requests * 1e6 / said.microseconds,
        p50=said.p50 / 1000,
        p99=said.p99 / 1000,
    )


_SCRIPT = Path(__file__).with_suffix(".lua")
