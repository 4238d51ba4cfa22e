"""Files into and out of a workstation, from its stream's page.

`app` mounts the routes beside the stream's other addresses. Whether files may pass is decided by
`filerights`; the program inside the workstation (`fileline`) only writes and reads. A file comes
in pieces, each a request of its own that says where in the file it belongs, so that a break costs
a part of a piece.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from http import HTTPStatus
from urllib.parse import quote

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from soundstage.gateway import ranges
from soundstage.gateway.connect import Connector
from soundstage.gateway.fileline import Answer, BrokenLineError, FileLine, line_to
from soundstage.gateway.filerights import Entered, FileRights, RefusedFileError
from soundstage.gateway.pages import NO_STORE, PLAIN_HEADERS, Pages
from soundstage.gateway.refusals import notice_of
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import Refused, Transferred

log = structlog.get_logger(__name__)

_PIECE = 256 * 1024
_LOOK_EVERY_SECONDS = 1.0

_REFUSALS = {
    "NAME": HTTPStatus.BAD_REQUEST,
    "LONG_NAME": HTTPStatus.BAD_REQUEST,
    "FULL": HTTPStatus.INSUFFICIENT_STORAGE,
    "FOLDER": HTTPStatus.CONFLICT,
    "BUSY": HTTPStatus.LOCKED,
    "OFFSET": HTTPStatus.CONFLICT,
    "GONE": HTTPStatus.NOT_FOUND,
    "NOT_ALLOWED": HTTPStatus.FORBIDDEN,
}
"""What the program may refuse, by its words."""


class Files:
    """Everything of a stream that is about files."""

    def __init__(
        self, settings: GatewaySettings, rights: FileRights, pages: Pages, connector: Connector
    ) -> None:
        self._settings = settings
        self._rights = rights
        self._pages = pages
        self._connector = connector

    def routes(self) -> list[Route]:
        """The addresses below a stream's own."""
        return [
            Route("/{stream_id}/api/transfers", self._answered(self._rules)),
            Route("/{stream_id}/api/uploads", self._answered(self._begin), methods=["POST"]),
            Route("/{stream_id}/api/uploads", self._answered(self._put), methods=["PUT"]),
            Route("/{stream_id}/api/uploads", self._answered(self._drop), methods=["DELETE"]),
            Route("/{stream_id}/api/downloads", self._answered(self._list)),
            Route("/{stream_id}/api/downloads/{path:path}", self._answered(self._give)),
        ]

    async def _rules(self, request: Request) -> Response:
        """Say what the page may show."""
        rules = (await self._rights.enter(request)).rules
        return self._say(
            {
                "uploadTo": rules.upload_to,
                "downloadFrom": rules.download_from,
                "mostBytes": self._settings.upload_most_bytes,
                "pieceBytes": self._settings.piece_bytes,
            }
        )

    async def _begin(self, request: Request) -> Response:
        """Say how much of a file is here already."""
        entered, file = await self._rights.enter_upload(request)
        async with self._line(entered) as line:
            answer = _expect(await line.ask("begin", **msgspec.to_builtins(file)))
        return self._say({"offset": min(answer.offset, file.size)})

    async def _drop(self, request: Request) -> Response:
        """Forget what is here of a file that was not sent to its end."""
        entered, file = await self._rights.enter_upload(request)
        async with self._line(entered) as line:
            answer = await line.ask("drop", **msgspec.to_builtins(file))
        if answer.refused != "GONE":
            _expect(answer)
        return self._say({"offset": 0})

    async def _put(self, request: Request) -> Response:
        """Take a piece of a file."""
        entered, file = await self._rights.enter_upload(request)
        length = self._rights.length_of(request, file)
        await self._rights.note_use(entered.stream_id)
        facts = msgspec.to_builtins(file)
        with self._rights.turn(entered.stream_id):
            async with self._line(entered) as line:
                _expect(await line.ask("put", **facts, length=length), file.size)
                async for chunk in request.stream():
                    await line.send(chunk)
                answer = _expect(await line.answer())
        if answer.copy is None:
            return self._say({"offset": min(answer.offset, file.size)})
        name = "/".join(file.path) + ("" if answer.copy == 1 else f" ({answer.copy})")
        await self._rights.tell(
            Transferred(stream_id=entered.stream_id, is_upload=True, name=name, size=file.size)
        )
        return self._say({"offset": file.size, "copy": answer.copy})

    async def _list(self, request: Request) -> Response:
        """Say which files may be taken out."""
        entered = await self._rights.enter_download(request)
        async with self._line(entered, is_list=True) as line:
            answer = _expect(await line.ask("list"))
        return self._say({"files": msgspec.to_builtins(answer.files), "more": answer.more})

    async def _give(self, request: Request) -> Response:
        """Hand out a file or a part of it."""
        entered = await self._rights.enter_download(request)
        path = request.path_params["path"].split("/")
        async with self._line(entered) as line:
            about = _expect(await line.ask("get", path=path, offset=0, length=0))
        headers = _headers_of(path[-1], about)
        wanted = request.headers.get("range")
        if request.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
            wanted = None
        try:
            part = ranges.part_of(wanted, about.size)
        except ranges.UnsatisfiableError:
            headers["Content-Range"] = f"bytes */{about.size}"
            return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
        status = HTTPStatus.OK
        if part.is_partial:
            status = HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = f"bytes {part.first}-{part.end - 1}/{about.size}"
        headers["Content-Length"] = str(part.end - part.first)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        async with AsyncExitStack() as stack:
            pieces = await self._open(stack, entered, path, part, about)
            return _Passing(pieces, status, headers, stack.pop_all())

    async def _open(
        self,
        stack: AsyncExitStack,
        entered: Entered,
        path: list[str],
        part: ranges.Part,
        about: Answer,
    ) -> AsyncIterator[bytes]:
        """Begin to read; what is opened is closed by the stack."""
        length = part.end - part.first
        stack.enter_context(self._rights.turn(entered.stream_id))
        line = await stack.enter_async_context(self._line(entered))
        answer = _expect(await line.ask("get", path=path, offset=part.first, length=length))
        expected = (about.size, about.modified, length)
        if (answer.size, answer.modified, answer.length) != expected:
            raise RefusedFileError(HTTPStatus.SERVICE_UNAVAILABLE, "being_written")
        if part.first == 0:
            await self._rights.tell(
                Transferred(
                    stream_id=entered.stream_id,
                    is_upload=False,
                    name="/".join(path),
                    size=about.size,
                )
            )
        return self._pieces(entered, line, length)

    async def _pieces(self, entered: Entered, line: FileLine, length: int) -> AsyncIterator[bytes]:
        """Raises BrokenLineError when not everything came, or may come any more."""
        looked_at = time.monotonic()
        while length > 0:
            piece = await line.read(min(length, _PIECE))
            if not piece:
                raise BrokenLineError("cut short")
            length -= len(piece)
            yield piece
            if time.monotonic() - looked_at > _LOOK_EVERY_SECONDS:
                looked_at = time.monotonic()
                if await self._rights.is_over(entered):
                    raise BrokenLineError("the stream has ended")
                await self._rights.note_use(entered.stream_id)

    def _line(
        self, entered: Entered, *, is_list: bool = False
    ) -> AbstractAsyncContextManager[FileLine]:
        seconds = self._settings.transfer_seconds
        return line_to(
            self._connector, entered.upstream, entered.rules.name, seconds=seconds, is_list=is_list
        )

    def _say(self, told: dict[str, object], status: HTTPStatus = HTTPStatus.OK) -> Response:
        answer = self._pages.data(msgspec.json.encode(told))
        answer.status_code = status
        return answer

    def _answered(
        self, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Turn what an endpoint raises into its answer."""

        async def answered(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Refused as error:
                notice = notice_of(error.reason)
                return self._say({"message": f"{notice.headline}."}, notice.status)
            except RefusedFileError as error:
                return self._say(error.body, error.status)
            except BrokenLineError as error:
                log.info("gateway.transfer_broke_off", detail=str(error))
                broken = RefusedFileError(HTTPStatus.SERVICE_UNAVAILABLE, "broken")
                return self._say(broken.body, broken.status)
            except ClientDisconnect:
                return Response(status_code=HTTPStatus.BAD_REQUEST)

        return answered


class _Passing(StreamingResponse):
    """Passes a file on and lets go of it, however it ends."""

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        status: HTTPStatus,
        headers: dict[str, str],
        opened: AsyncExitStack,
    ) -> None:
        super().__init__(pieces, status_code=status, headers=headers)
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._opened:
            try:
                await super().__call__(scope, receive, send)
            except BrokenLineError as error:
                # The head is out: only a connection that ends too soon can say it, which is what
                # the server does with an answer that is not whole.
                log.info("gateway.transfer_broke_off", detail=str(error))


def _headers_of(name: str, about: Answer) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "Content-Type": "application/octet-stream",
        "ETag": f'"{about.size:x}.{about.modified & (2**64 - 1):x}"',
        **NO_STORE,
        **PLAIN_HEADERS,
    }


def _expect(answer: Answer, size: int = 0) -> Answer:
    """Hand an answer on unless it is a refusal."""
    if answer.refused is None:
        return answer
    if answer.refused not in _REFUSALS:
        raise BrokenLineError("an unknown refusal")
    offset = min(answer.offset, size) if answer.refused == "OFFSET" else None
    raise RefusedFileError(_REFUSALS[answer.refused], answer.refused, offset=offset)
