"""How to reach Incus, and what its answers mean: one request, one answer, one kind of error.

`client` is built on it. A connection is a unix socket of this host or HTTPS with a certificate at
both ends: ours opens Incus, and Incus's own is pinned, because nobody signed it.
"""

import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from soundstage.engines.interface import PermanentError, RetryableError

_SECONDS = 10.0
_TRANSFER_SECONDS = 120.0
_HOST = "http://incus"
Query = Mapping[str, str]
NO_QUERY: Query = {}
# Incus has no code of its own for these.
_BUSY = ("busy", "database is locked", "leader", "no available", "please try again")
_EXISTS = ("already exists", "already in use", "already defined", "unique constraint failed")


class NotFoundError(PermanentError):
    """There is no such thing at Incus."""


class ExistsError(PermanentError):
    """There is one of that name already."""


class ChangedError(RetryableError):
    """Somebody else changed it since it was read."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where an Incus listens, and how it knows us."""

    address: str
    """The absolute path of a unix socket, or `https://host:port`."""
    certificate: Path | None = None
    """Ours, with the key in `key`; both for HTTPS only."""
    key: Path | None = None
    server_certificate: Path | None = None
    """Incus's own: of a cluster the one that all members share."""

    @property
    def is_local(self) -> bool:
        return self.address.startswith("/")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What Incus said, its wrapping taken off."""

    metadata: Any
    etag: str = ""
    operation: str = ""
    """The id of what goes on in the background; empty where all is done."""


class Connection:
    """Sends requests; may be used by several threads."""

    def __init__(self, target: Target, project: str) -> None:
        self._target = target
        self._project = project
        self._tls = None if target.is_local else _tls(target)
        if self._tls is None:
            transport = httpx.HTTPTransport(uds=target.address)
            base = _HOST
        else:
            transport = httpx.HTTPTransport(verify=self._tls)
            base = target.address
        self._http = httpx.Client(transport=transport, base_url=base, timeout=_SECONDS)

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
    ) -> Answer:
        """Send one request below `/1.0`. Raises RetryableError and PermanentError, or one of the
        errors above.
        """
        if body is not None:
            content = msgspec.json.encode(body)
            headers = {"Content-Type": "application/json", **(headers or {})}
        request = self._http.build_request(
            method,
            f"/1.0{path}",
            params={"project": self._project, **query},
            content=content,
            headers=headers,
            timeout=_SECONDS
            if content is None or isinstance(content, bytes)
            else _TRANSFER_SECONDS,
        )
        try:
            response = self._http.send(request)
        except httpx.HTTPError as error:
            raise _silent(error) from error
        return _read(response)

    def fetch(self, path: str, query: Query = NO_QUERY) -> tuple[bytes, httpx.Headers]:
        """Read something that is no JSON, such as a file, whole."""
        params = {"project": self._project, **query}
        try:
            response = self._http.get(f"/1.0{path}", params=params)
        except httpx.HTTPError as error:
            raise _silent(error) from error
        if response.is_error:
            _read(response)
        return response.content, response.headers

    @contextmanager
    def download(self, path: str, query: Query = NO_QUERY) -> Iterator[Iterator[bytes]]:
        """Read something large, piece by piece."""
        params = {"project": self._project, **query}
        try:
            with self._http.stream(
                "GET", f"/1.0{path}", params=params, timeout=_TRANSFER_SECONDS
            ) as response:
                if response.is_error:
                    response.read()
                    _read(response)
                yield response.iter_bytes()
        except httpx.HTTPError as error:
            raise _silent(error) from error

    def _own_socket(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(self._target.address)
        except OSError:
            made.close()
            raise
        return made

    @contextmanager
    def listen(self, path: str) -> Iterator[ClientConnection]:
        """Open a websocket, closed with the block. Raises RetryableError."""
        try:
            if self._tls is None:
                opened = connect(f"ws://incus/1.0{path}", sock=self._own_socket(), max_size=None)
            else:
                address = self._target.address.replace("https://", "wss://", 1)
                opened = connect(f"{address}/1.0{path}", ssl=self._tls, max_size=None)
            with opened as connection:
                yield connection
        except (OSError, WebSocketException) as error:
            raise _silent(error) from error


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


def _silent(error: Exception) -> RetryableError:
    return RetryableError(f"Incus does not answer: {error or type(error).__name__}")


def _read(response: httpx.Response) -> Answer:
    try:
        said = response.json()
    except ValueError:
        raise RetryableError(f"Incus answered {response.status_code} without words") from None
    if not response.is_error and said.get("type") != "error":
        operation = str(said.get("operation") or "").rpartition("/")[2]
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
    if any(word in lower for word in _BUSY) or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return RetryableError(f"Incus: {text}")
    return PermanentError(f"Incus: {text}")
