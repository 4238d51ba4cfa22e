"""How to reach one Incus, and what its answers mean: one request, one answer, one kind of error.

`addresses` has one for each. A connection is a unix socket of this host or HTTPS with a
certificate at both ends: ours opens Incus, and Incus's own is pinned, because nobody signed it.
"""

import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from soundstage.engines.interface import PermanentError, RetryableError

_SECONDS = 8.0
_TRANSFER_SECONDS = 120.0
_CONNECT_SECONDS = 3.0
_HTTPS_PORT = 443
# A host that is gone says nothing, so the kernel is to say that it is: what was sent and not
# received for so long, or no sign of life, ends a connection. One that is slow is waited for.
_GONE_AFTER_SECONDS = 4
_SIGNS_OF_LIFE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _GONE_AFTER_SECONDS - 1),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _GONE_AFTER_SECONDS * 1000),
]
_HOST = "http://incus"
Query = Mapping[str, str]
NO_QUERY: Query = {}
# Incus has no code of its own for these.
_BUSY = ("busy", "database is locked", "please try again")
_WITHOUT_OTHERS = ("leader", "no available")
_EXISTS = ("already exists", "already in use", "already defined", "unique constraint failed")


class NotFoundError(PermanentError):
    """There is no such thing at Incus."""


class ExistsError(PermanentError):
    """There is one of that name already."""


class ChangedError(RetryableError):
    """Somebody else changed it since it was read."""


class AwayError(RetryableError):
    """This Incus does not answer, or can't for want of the other members; one of those may."""

    def __init__(self, text: str, *, is_harmless: bool = False) -> None:
        super().__init__(text)
        self.is_harmless = is_harmless
        """Nothing came of it, and little time was lost: another may be asked the same at once."""


class SlowError(RetryableError):
    """No answer came within the time that whoever asked would wait. That says nothing against the
    one that was asked: it may wait for another itself.
    """


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where an Incus listens, and how it knows us."""

    addresses: tuple[str, ...]
    """Each the absolute path of a unix socket, or `https://host:port`; of a cluster several."""
    certificate: Path | None = None
    """Ours, with the key in `key`; both for HTTPS only."""
    key: Path | None = None
    server_certificate: Path | None = None
    """Incus's own: of a cluster the one that all members share."""

    @property
    def is_local(self) -> bool:
        return all(map(is_socket, self.addresses))


def is_socket(address: str) -> bool:
    """Reports whether it is a socket of this host."""
    return address.startswith("/")


def takes_connections(address: str) -> bool:
    """Reports whether a host lives, by an `https://host:port` of it, whoever may listen there."""
    there = urlsplit(address)
    try:
        with socket.create_connection(
            (there.hostname or "", there.port or _HTTPS_PORT), timeout=_CONNECT_SECONDS
        ):
            return True
    except ConnectionRefusedError:
        return True
    except OSError:
        return False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What Incus said, its wrapping taken off."""

    metadata: Any
    etag: str = ""
    operation: str = ""
    """The id of what goes on in the background; empty where all is done."""


class Connection:
    """Sends requests to one address; may be used by several threads."""

    def __init__(self, address: str, target: Target, project: str) -> None:
        self.address = address
        self._project = project
        self._tls = None if is_socket(address) else _tls(target)
        if self._tls is None:
            transport = httpx.HTTPTransport(uds=address)
            base = _HOST
        else:
            transport = httpx.HTTPTransport(verify=self._tls, socket_options=_SIGNS_OF_LIFE)
            base = address
        self._http = httpx.Client(transport=transport, base_url=base, timeout=_within(_SECONDS))

    def close(self) -> None:
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Query = NO_QUERY,
        within: float | None = None,
    ) -> Answer:
        """Send one request below `/1.0`. `within` gives its answer so many seconds, after which
        SlowError is raised. Raises RetryableError and PermanentError, or one of the errors above.
        """
        if body is not None:
            content = msgspec.json.encode(body)
            headers = {"Content-Type": "application/json", **(headers or {})}
        is_large = not (content is None or isinstance(content, bytes))
        seconds = within or (_TRANSFER_SECONDS if is_large else _SECONDS)
        request = self._http.build_request(
            method,
            f"/1.0{path}",
            params={"project": self._project, **query},
            content=content,
            headers=headers,
            timeout=_within(seconds),
        )
        try:
            response = self._http.send(request)
        except httpx.HTTPError as error:
            if within is not None and isinstance(error, httpx.ReadTimeout):
                raise SlowError(f"Incus does not answer within {within:g} s") from error
            raise _silent(error, is_read=method == "GET") from error
        return _read(response)

    def fetch(self, path: str, query: Query = NO_QUERY) -> tuple[bytes, httpx.Headers]:
        """Read something that is no JSON, such as a file, whole."""
        params = {"project": self._project, **query}
        try:
            response = self._http.get(f"/1.0{path}", params=params)
        except httpx.HTTPError as error:
            raise _silent(error, is_read=True) from error
        if response.is_error:
            _read(response)
        return response.content, response.headers

    @contextmanager
    def download(self, path: str, query: Query = NO_QUERY) -> Iterator[Iterator[bytes]]:
        """Read something large, piece by piece."""
        params = {"project": self._project, **query}
        try:
            with self._http.stream(
                "GET", f"/1.0{path}", params=params, timeout=_within(_TRANSFER_SECONDS)
            ) as response:
                if response.is_error:
                    response.read()
                    _read(response)
                yield response.iter_bytes()
        except httpx.HTTPError as error:
            raise _silent(error) from error

    def _own_socket(self) -> socket.socket:
        if self._tls is not None:
            host = urlsplit(self.address)
            there = (host.hostname or "", host.port or _HTTPS_PORT)
            made = socket.create_connection(there, timeout=_CONNECT_SECONDS)
            for option in _SIGNS_OF_LIFE:
                made.setsockopt(*option)
            made.settimeout(None)
            return made
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(self.address)
        except OSError:
            made.close()
            raise
        return made

    @contextmanager
    def listen(self, path: str) -> Iterator[ClientConnection]:
        """Open a websocket, closed with the block. Raises AwayError."""
        scheme = "ws://incus" if self._tls is None else f"wss://{urlsplit(self.address).netloc}"
        try:
            with connect(
                f"{scheme}/1.0{path}", sock=self._own_socket(), ssl=self._tls, max_size=None
            ) as connection:
                yield connection
        except (OSError, WebSocketException) as error:
            raise _silent(error) from error


def _within(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=_CONNECT_SECONDS)


def _tls(target: Target) -> ssl.SSLContext:
    if target.certificate is None or target.server_certificate is None:
        raise PermanentError(
            "an Incus that is reached by HTTPS needs our certificate and its own; see the settings"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The one certificate that is trusted is the server's own: what it says of names adds nothing.
    context.check_hostname = False
    try:
        context.load_verify_locations(target.server_certificate)
        context.load_cert_chain(target.certificate, target.key)
    except (OSError, ssl.SSLError) as error:
        raise PermanentError(f"the certificates for Incus can't be read: {error}") from error
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _silent(error: Exception, *, is_read: bool = False) -> AwayError:
    was_not_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    is_quick = not isinstance(error, httpx.TimeoutException)
    text = f"Incus does not answer: {str(error) or type(error).__name__}"
    return AwayError(text, is_harmless=was_not_sent or (is_read and is_quick))


def _read(response: httpx.Response) -> Answer:
    try:
        said = response.json()
    except ValueError:
        raise RetryableError(f"Incus answered {response.status_code} without words") from None
    if not response.is_error and said.get("type") != "error":
        # What another member of a cluster does comes with the project behind it.
        path = str(said.get("operation") or "").partition("?")[0]
        operation = path.rpartition("/")[2]
        etag = response.headers.get("ETag", "")
        return Answer(metadata=said.get("metadata"), etag=etag, operation=operation)
    text = str(said.get("error") or "no reason given")
    raise error_of(int(said.get("error_code") or response.status_code), text)


def error_of(status: int, text: str) -> PermanentError | RetryableError:
    """What an answer or the end of an operation means, by its code and its words."""
    lower = text.lower()
    if status == httpx.codes.NOT_FOUND:
        return NotFoundError(text)
    if status == httpx.codes.PRECONDITION_FAILED:
        return ChangedError(text, after_seconds=0.1)
    if status == httpx.codes.CONFLICT or any(word in lower for word in _EXISTS):
        return ExistsError(text)
    if any(word in lower for word in _WITHOUT_OTHERS):
        return AwayError(f"Incus: {text}")
    if any(word in lower for word in _BUSY) or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return RetryableError(f"Incus: {text}")
    return PermanentError(f"Incus: {text}")
