"""Whether files may pass a stream, asked anew for each request, and what is told of those that do.

`files` calls it. The program inside the workstation belongs to the artist, so every limit stands
here: the cookie, the page's origin, the session's rules, the size, and how much goes on at once.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated
from urllib.parse import unquote

import msgspec
import structlog
from msgspec import Meta
from starlette.requests import Request

from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.tickets import Entrance
from soundstage.gateway.upstreams import FileRules, Transferred, Upstream, Upstreams
from soundstage.kit.proxies import Proxies
from soundstage.wire.ticket import Ticket, is_expired
from soundstage.words.texts import Words

log = structlog.get_logger(__name__)

_words = Words()

HEADER = "soundstage-file"
"""Carries what the browser knows of a file, as percent-encoded JSON. A page of another site can't
send it without being asked first, which nobody here answers."""
_NUMBER = Annotated[int, Meta(ge=0, le=2**53)]


class RefusedFileError(Exception):
    """A request that is answered with a sentence: one of `desktop.refused` of the words."""

    def __init__(
        self, status: HTTPStatus, key: str, *, offset: int | None = None, **values: object
    ) -> None:
        message = _words(f"desktop.refused.{key}", **values)
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"message": message}
        if offset is not None:
            self.body["offset"] = offset


class GivenFile(msgspec.Struct, frozen=True):
    """What a browser says of the file that it sends."""

    path: Annotated[list[Annotated[str, Meta(max_length=1024)]], Meta(min_length=1, max_length=64)]
    size: _NUMBER
    modified: Annotated[int, Meta(ge=-(2**53), le=2**53)]
    """Milliseconds since 1970: with path and size it tells whether a file is the same."""
    offset: _NUMBER = 0


class Entered(msgspec.Struct, frozen=True):
    """A request that may go on."""

    pass_: Ticket
    upstream: Upstream
    rules: FileRules

    @property
    def stream_id(self) -> str:
        """Which stream."""
        return self.upstream.stream_id


class FileRights:
    """Checks requests, and counts those that are under way in this process."""

    def __init__(
        self, settings: GatewaySettings, upstreams: Upstreams, entrance: Entrance, proxies: Proxies
    ) -> None:
        self._settings = settings
        self._upstreams = upstreams
        self._entrance = entrance
        self._proxies = proxies
        self._under_way: dict[str, int] = {}
        self._used_at: dict[str, float] = {}

    async def enter(self, request: Request) -> Entered:
        """Check what every request needs. Raises Refused, RefusedFileError."""
        stream_id = request.path_params["stream_id"]
        pass_ = self._entrance.read_cookies(request.headers.getlist("cookie"), stream_id)
        if request.method not in {"GET", "HEAD"} and not self._is_our_origin(request):
            log.warning("gateway.foreign_origin", origin=request.headers.get("origin", "")[:200])
            raise RefusedFileError(HTTPStatus.FORBIDDEN, "foreign")
        if request.query_params.get("role") == "viewer":
            raise RefusedFileError(HTTPStatus.FORBIDDEN, "watching")
        upstream = await self._upstreams.find(stream_id)
        if upstream.files is None:
            raise RefusedFileError(HTTPStatus.FORBIDDEN, "no_files")
        return Entered(pass_, upstream, upstream.files)

    async def enter_upload(self, request: Request) -> tuple[Entered, GivenFile]:
        """Check a request that sends a file. Raises Refused, RefusedFileError."""
        entered = await self.enter(request)
        if entered.rules.upload_to is None:
            raise RefusedFileError(HTTPStatus.FORBIDDEN, "no_uploads")
        try:
            text = unquote(request.headers.get(HEADER, ""), errors="strict")
            file = msgspec.json.decode(text, type=GivenFile)
        except ValueError:
            raise RefusedFileError(HTTPStatus.BAD_REQUEST, "which") from None
        most = self._settings.upload_most_bytes
        if file.size > most:
            raise RefusedFileError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", most=_amount(most)
            )
        return entered, file

    async def enter_download(self, request: Request) -> Entered:
        """Check a request that takes files out. Raises Refused, RefusedFileError."""
        entered = await self.enter(request)
        if entered.rules.download_from is None:
            raise RefusedFileError(HTTPStatus.FORBIDDEN, "no_downloads")
        return entered

    def length_of(self, request: Request, file: GivenFile) -> int:
        """Read how long the piece is that comes. Raises RefusedFileError."""
        text = request.headers.get("content-length", "")
        if not text.isascii() or not text.isdigit():
            raise RefusedFileError(HTTPStatus.LENGTH_REQUIRED, "how_long")
        if len(text) > 12 or int(text) > self._settings.piece_bytes:
            raise RefusedFileError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "piece_too_large")
        if file.offset + int(text) > file.size:
            raise RefusedFileError(HTTPStatus.BAD_REQUEST, "piece_outside")
        return int(text)

    @contextmanager
    def turn(self, stream_id: str) -> Iterator[None]:
        """Bound what is under way. Raises RefusedFileError."""
        mine, settings = self._under_way.get(stream_id, 0), self._settings
        in_total = sum(self._under_way.values())
        if mine >= settings.transfers_per_stream or in_total >= settings.transfers_in_total:
            raise RefusedFileError(HTTPStatus.TOO_MANY_REQUESTS, "too_many")
        self._under_way[stream_id] = mine + 1
        try:
            yield
        finally:
            self._under_way[stream_id] -= 1
            if not self._under_way[stream_id]:
                del self._under_way[stream_id]

    async def is_over(self, entered: Entered) -> bool:
        """Reports whether the right that a request began with is gone by now."""
        if is_expired(entered.pass_, self._entrance.now()):
            return True
        return bool(await self._upstreams.ended({entered.stream_id}))

    async def note_use(self, stream_id: str) -> None:
        """Whoever moves files is at work: the workstation must not stop for being idle."""
        now, every = time.monotonic(), self._settings.input_seconds
        self._used_at = {key: at for key, at in self._used_at.items() if now - at < every}
        if stream_id in self._used_at:
            return
        self._used_at[stream_id] = now
        try:
            await self._upstreams.report_input({stream_id})
        except Exception as error:  # noqa: BLE001 - it is reported again with a later piece
            log.warning("gateway.input_unreported", error=type(error).__name__)

    async def tell(self, transferred: Transferred) -> None:
        """Have it noted who moved which file."""
        try:
            await self._upstreams.report_transfer(transferred)
        except Exception as error:  # noqa: BLE001 - the file is where it should be all the same
            log.warning("gateway.transfer_unreported", error=type(error).__name__)
        log.info(
            "gateway.transfer",
            stream=transferred.stream_id,
            is_upload=transferred.is_upload,
            size=transferred.size,
        )

    def _is_our_origin(self, request: Request) -> bool:
        peer = request.client.host if request.client else ""
        scheme = self._proxies.scheme(peer, request.url.scheme, request.headers)
        ours = {self._settings.public_origin, f"{scheme}://{request.headers.get('host', '')}"}
        return request.headers.get("origin") in ours


def _amount(size: int) -> str:
    for unit, name in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"
