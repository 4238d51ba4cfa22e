"""Links for looking on, made and ended from a stream's page by the one whose workstation it is.

`app` mounts the routes beside the stream's other addresses. Who may share what the control plane
decides (`Upstreams`); here stands what a browser must bring along, and how much it may say.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated

import msgspec
import structlog
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from soundstage.gateway.origin import Origin
from soundstage.gateway.pages import Pages
from soundstage.gateway.refusals import notice_of
from soundstage.gateway.tickets import Entrance
from soundstage.gateway.upstreams import Refused, ShareRefusedError, Shares, Upstreams
from soundstage.words.texts import Words

log = structlog.get_logger(__name__)

_MOST_BYTES = 1024
_words = Words()


class _Wish(msgspec.Struct, frozen=True):
    """What the page asks for."""

    minutes: Annotated[int, Meta(ge=1, le=1440)]
    viewers: Annotated[int, Meta(ge=1, le=8)]


class Sharing:
    """Everything of a stream that is about letting others look on."""

    def __init__(
        self, upstreams: Upstreams, entrance: Entrance, origin: Origin, pages: Pages
    ) -> None:
        self._upstreams = upstreams
        self._entrance = entrance
        self._origin = origin
        self._pages = pages

    def routes(self) -> list[Route]:
        """The addresses below a stream's own."""
        one = "/{stream_id}/api/shares/{share_id}"
        return [
            Route("/{stream_id}/api/shares", self._answered(self._list), methods=["GET"]),
            Route("/{stream_id}/api/shares", self._answered(self._make), methods=["POST"]),
            Route(one, self._answered(self._end), methods=["DELETE"]),
        ]

    async def _list(self, request: Request) -> Shares | None:
        return await self._upstreams.shares(request.path_params["stream_id"])

    async def _make(self, request: Request) -> Shares | None:
        try:
            wish = msgspec.json.decode(await _small_body(request), type=_Wish)
        except msgspec.DecodeError:
            raise ShareRefusedError(_words("desktop.refused.share_meant")) from None
        stream_id = request.path_params["stream_id"]
        return await self._upstreams.share(stream_id, wish.minutes, wish.viewers)

    async def _end(self, request: Request) -> Shares | None:
        names = request.path_params
        return await self._upstreams.end_share(names["stream_id"], names["share_id"])

    def _answered(
        self, handle: Callable[[Request], Awaitable[Shares | None]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Let in whose stream it is, from a page of ours, and answer with what there is now."""

        async def answer(request: Request) -> Response:
            try:
                stream_id = request.path_params["stream_id"]
                self._entrance.read_cookies(request.headers.getlist("cookie"), stream_id)
                if request.method not in {"GET", "HEAD"} and not self._origin.is_ours(request):
                    log.warning(
                        "gateway.foreign_origin", origin=request.headers.get("origin", "")[:200]
                    )
                    return self._refuse(
                        HTTPStatus.FORBIDDEN, _words("desktop.refused.share_foreign")
                    )
                upstream = await self._upstreams.find(stream_id)
                if upstream.most_viewers is not None:
                    return self._refuse(
                        HTTPStatus.FORBIDDEN, _words("desktop.refused.share_watching")
                    )
                shares = await handle(request)
            except Refused as error:
                notice = notice_of(error.reason)
                return self._refuse(notice.status, notice.headline)
            except ShareRefusedError as error:
                return self._refuse(HTTPStatus.CONFLICT, str(error))
            if shares is None:
                return self._refuse(HTTPStatus.FORBIDDEN, _words("desktop.refused.no_share"))
            return self._pages.data(msgspec.json.encode(shares))

        return answer

    def _refuse(self, status: HTTPStatus, message: str) -> Response:
        answer = self._pages.data(msgspec.json.encode({"message": message}))
        answer.status_code = status
        return answer


async def _small_body(request: Request) -> bytes:
    """Read the few bytes that may come. Raises ShareRefusedError."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise ShareRefusedError("That is too long.")
    return body
