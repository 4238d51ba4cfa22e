"""The two ends of a websocket handshake, read by a real HTTP parser and written anew.

`relay` calls it. Nothing of a head is passed through: the request that a desktop gets is made of
an allow-list, so it never sees our cookie, Authorization or X-Forwarded-*; the answer that a
browser gets is our own, so a desktop never sets a header on our origin. Extensions are not offered
to desktops: Selkies compresses nothing, and a relay without them need not look into frames.
"""

import base64
import binascii
import hashlib
import re
from http import HTTPStatus

import httptools
import msgspec

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}\Z")
_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")
_MAX_ANSWER = 16 * 1024
_ONCE = frozenset(
    {"host", "origin", "upgrade", "sec-websocket-key", "sec-websocket-version", "content-length"}
)


class BadHandshakeError(Exception):
    """One side's head is not what it must be; `status` is for the browser."""

    def __init__(self, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status


class UpgradeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A browser's request for a websocket."""

    path: str
    query: str
    headers: dict[str, str]
    """Names in lower case; a header that came more than once is joined with commas."""
    cookies: tuple[str, ...]
    """Every Cookie header as it came."""
    host: str
    origin: str
    """Empty when there was none."""
    key: str
    protocols: tuple[str, ...]

    @property
    def accept(self) -> str:
        """The proof that the other side understood, RFC 6455, 4.2.2."""
        digest = hashlib.sha1(self.key.encode() + _GUID, usedforsecurity=False).digest()
        return base64.b64encode(digest).decode()


def is_host(text: str) -> bool:
    """Reports whether this is a host, with or without a port, and nothing besides."""
    return _HOST.match(text) is not None


def read_request(raw: bytes, most: int) -> UpgradeRequest:
    """Read a whole request head of at most `most` bytes. Raises BadHandshakeError."""
    if len(raw) > most:
        raise BadHandshakeError("too long", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    head = _Head()
    parser = httptools.HttpRequestParser(head)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade as upgrade:
        if upgrade.args[0] != len(raw):
            raise BadHandshakeError("something follows the handshake") from None
    except httptools.HttpParserError:
        raise BadHandshakeError("not HTTP") from None
    else:
        raise BadHandshakeError("not a whole upgrade request")
    if parser.get_method() != b"GET" or parser.get_http_version() != "1.1":
        raise BadHandshakeError("a websocket begins with GET and HTTP/1.1")
    headers = head.joined()
    try:
        url = httptools.parse_url(bytes(head.url))
    except httptools.HttpParserInvalidURLError:
        raise BadHandshakeError("no such address") from None
    if url.schema or not url.path:
        raise BadHandshakeError("the address must be a path")
    request = UpgradeRequest(
        path=url.path.decode("latin-1"),
        query=(url.query or b"").decode("latin-1"),
        headers=headers,
        cookies=tuple(value for name, value in head.headers if name == "cookie"),
        host=headers.get("host", ""),
        origin=headers.get("origin", ""),
        key=headers.get("sec-websocket-key", ""),
        protocols=tuple(
            part
            for text in headers.get("sec-websocket-protocol", "").split(",")
            if (part := text.strip())
        ),
    )
    _check(request)
    return request


def write_request(request: UpgradeRequest, path: str) -> bytes:
    """Write the request that a desktop gets, for `path`."""
    lines = [
        f"GET {path} HTTP/1.1",
        # Selkies compares Origin with Host, so both go through as they are.
        f"Host: {request.host}",
        f"Origin: {request.origin}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {request.key}",
        "Sec-WebSocket-Version: 13",
    ]
    if request.protocols:
        lines.append(f"Sec-WebSocket-Protocol: {', '.join(request.protocols)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Answer:
    """Reads a desktop's answer, which may come in pieces."""

    def __init__(self, request: UpgradeRequest) -> None:
        self._request = request
        self._head = _Head()
        self._parser = httptools.HttpResponseParser(self._head)
        self._bytes = 0

    def feed(self, data: bytes) -> bytes | None:
        """Take a piece; gives the first bytes of frames once the head is whole, None before.

        Raises BadHandshakeError, with status 502, when the desktop does not agree.
        """
        self._bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._check()
            return data[upgrade.args[0] :]
        except httptools.HttpParserError:
            raise BadHandshakeError("not a handshake", HTTPStatus.BAD_GATEWAY) from None
        if self._head.is_complete or self._bytes > _MAX_ANSWER:
            raise BadHandshakeError("no upgrade", HTTPStatus.BAD_GATEWAY)
        return None

    def write(self) -> bytes:
        """Write the answer that the browser gets."""
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {self._request.accept}",
        ]
        chosen = self._head.joined().get("sec-websocket-protocol")
        if chosen:
            lines.append(f"Sec-WebSocket-Protocol: {chosen}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _check(self) -> None:
        headers = self._head.joined()
        chosen = headers.get("sec-websocket-protocol")
        if (
            self._parser.get_status_code() != HTTPStatus.SWITCHING_PROTOCOLS
            or headers.get("upgrade", "").lower() != "websocket"
            or headers.get("sec-websocket-accept") != self._request.accept
            or headers.get("sec-websocket-extensions")
            or (chosen is not None and chosen not in self._request.protocols)
        ):
            raise BadHandshakeError("a handshake of another kind", HTTPStatus.BAD_GATEWAY)


def _check(request: UpgradeRequest) -> None:
    headers = request.headers
    if any("," in headers.get(name, "") for name in _ONCE):
        raise BadHandshakeError("a header came twice")
    if headers.get("upgrade", "").lower() != "websocket" or not is_host(request.host):
        raise BadHandshakeError("not a websocket request")
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise BadHandshakeError("a handshake has no body")
    if headers.get("sec-websocket-version") != "13":
        raise BadHandshakeError("websocket version 13 is spoken here", HTTPStatus.UPGRADE_REQUIRED)
    try:
        key = base64.b64decode(request.key, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 16 or not all(_TOKEN.match(text) for text in request.protocols):
        raise BadHandshakeError("not a websocket request")


class _Head:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.url = bytearray()
        self.headers: list[tuple[str, str]] = []
        self.is_complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip()))

    def on_headers_complete(self) -> None:
        self.is_complete = True

    def joined(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self.headers:
            found[name] = f"{found[name]}, {value}" if name in found else value
        return found
