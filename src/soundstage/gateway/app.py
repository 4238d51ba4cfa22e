"""The gateway's pages: a link becomes a cookie, a cookie becomes Selkies' client.

`wiring` makes one `Gateway`, mounts `routes`, starts uvicorn with `uvicorn_options` and keeps
`watch` running. Nothing of a session's own HTTP ever reaches a browser: files come from the
installed package, the one question the client has about the server is answered here, and what is
relayed is the websocket alone (`relay`).
"""

from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from soundstage.gateway.accesslog import AccessLog
from soundstage.gateway.connect import Connector
from soundstage.gateway.ends import in_words
from soundstage.gateway.filerights import FileRights
from soundstage.gateway.files import Files
from soundstage.gateway.live import LiveRelays
from soundstage.gateway.origin import Origin
from soundstage.gateway.pages import NO_STORE, PLAIN_HEADERS, Pages
from soundstage.gateway.refusals import (
    NOT_ASKED,
    NOT_FOUND,
    NOT_INSTALLED,
    NOT_SECURE,
    SHARE_FULL,
    Tally,
)
from soundstage.gateway.relay import Surroundings
from soundstage.gateway.serving import uvicorn_options
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.sharing import Sharing
from soundstage.gateway.tickets import Entrance
from soundstage.gateway.upstreams import Refused, Upstream, Upstreams
from soundstage.gateway.webclient import Asset, NotInstalledError, WebClient
from soundstage.kit.clock import Clock
from soundstage.kit.proxies import Proxies
from soundstage.wire.ticket import Tickets
from soundstage.words.languages import spoken

log = structlog.get_logger(__name__)

TITLE = "Workstation · Soundstage"

_MODE = b'{"current_mode":"websockets","available_modes":["websockets"],"enable_dual_mode":false}'
"""What Selkies answers to `GET /api/status` as the sandbox starts it."""
_FOR_EVER = "public, max-age=31536000, immutable"
_SHARED = "assets"
"""Stands where a stream's id would; ids are 22 letters, so none is ever this word."""


class Gateway:
    """Everything that opens streams in this process."""

    def __init__(
        self, settings: GatewaySettings, upstreams: Upstreams, tickets: Tickets, clock: Clock
    ) -> None:
        self.settings = settings
        self._upstreams = upstreams
        self._entrance = Entrance(settings, tickets, clock)
        self._proxies = Proxies(settings.trusted_proxies)
        self._pages = Pages(settings)
        self._client = _read_client(settings)
        self.live = LiveRelays(settings, upstreams, clock)
        self.refused = Tally()
        self._connector = Connector(settings)
        origin = Origin(settings, self._proxies)
        rights = FileRights(settings, upstreams, self._entrance, origin)
        self._sharing = Sharing(upstreams, self._entrance, origin, self._pages)
        self._files = Files(settings, rights, self._pages, self._connector)

    def routes(self) -> list[BaseRoute]:
        """The gateway's part of the service's addresses: everything below `/streams`."""
        return [
            Mount(
                "/streams",
                routes=[
                    Route(f"/{_SHARED}/{{digest}}/{{name:path}}", self._shared_file),
                    Route("/{stream_id}", self._nothing),
                    Route("/{stream_id}/", self._page),
                    Route("/{stream_id}/not-secure", self._not_secure),
                    Route("/{stream_id}/api/status", self._status),
                    Route("/{stream_id}/api/countdown", self._countdown),
                    Route("/{stream_id}/api/websockets", self._probe),
                    *self._files.routes(),
                    *self._sharing.routes(),
                    Route("/{stream_id}/{name:path}", self._file),
                    Route("/{rest:path}", self._nothing),
                ],
                middleware=[Middleware(AccessLog, proxies=self._proxies), Middleware(spoken)],
            )
        ]

    def uvicorn_options(self) -> dict[str, Any]:
        """Keyword arguments that the process's `uvicorn.Config` must be made with."""
        return uvicorn_options(
            Surroundings(
                self.settings,
                self._upstreams,
                self._entrance,
                self._proxies,
                self._connector,
                self.live,
                self.refused,
            )
        )

    async def watch(self) -> None:
        """Cut ended streams and report use, until cancelled."""
        try:
            await self.live.watch()
        finally:
            self._connector.close()

    async def _page(self, request: Request) -> Response:
        stream_id = request.path_params["stream_id"]
        try:
            if "ticket" in request.query_params:
                return await self._enter(request, stream_id)
            self._entrance.read_cookies(request.headers.getlist("cookie"), stream_id)
            upstream = await self._upstreams.find(stream_id)
            self._expect_room(upstream)
        except Refused as error:
            if "ticket" in request.query_params and self._is_inside(request, stream_id):
                return self._to_clean_address(stream_id)
            self.refused.add(error.reason)
            return self._pages.refusal(error)
        if self._client is None:
            return self._not_opened(NOT_INSTALLED)
        assets = f"{self.settings.public_path}/streams/{_SHARED}/{self._client.digest}/"
        looks_on = upstream.most_viewers is not None
        return self._pages.client(request, stream_id, assets, self._client, looks_on=looks_on)

    def _expect_room(self, upstream: Upstream) -> None:
        """Raise Refused where as many look on by a share as may."""
        most = upstream.most_viewers
        if most is not None and self.live.count(upstream.stream_id) >= most:
            raise Refused(SHARE_FULL)

    async def _enter(self, request: Request, stream_id: str) -> Response:
        """Swap a ticket for a cookie, when a person opened the link."""
        ticket = self._entrance.read_ticket(request.query_params["ticket"], stream_id)
        if request.method != "GET":
            # Programs that show a preview of a link ask so; the ticket stays good.
            return Response(headers={**NO_STORE, **PLAIN_HEADERS})
        if not _was_asked_for(request):
            return self._not_opened(NOT_ASKED)
        peer = request.client.host if request.client else ""
        address = self._proxies.client(peer, request.headers)
        await self._upstreams.redeem(ticket, address)
        log.info("gateway.stream_opened", stream=stream_id, subject=ticket.subject)
        answer = self._to_clean_address(stream_id)
        answer.headers["Set-Cookie"] = self._entrance.make_cookie(ticket)
        return answer

    def _is_inside(self, request: Request, stream_id: str) -> bool:
        """Reports whether this browser may come in anyway: whoever opens a link again, from the
        history or a mail, only wants back to the desktop.
        """
        try:
            self._entrance.read_cookies(request.headers.getlist("cookie"), stream_id)
        except Refused:
            return False
        return True

    def _to_clean_address(self, stream_id: str) -> Response:
        return Response(
            status_code=HTTPStatus.SEE_OTHER,
            headers={
                "Location": self.settings.stream_path(stream_id),
                **NO_STORE,
                **PLAIN_HEADERS,
            },
        )

    async def _status(self, request: Request) -> Response:
        try:
            self._entrance.read_cookies(
                request.headers.getlist("cookie"), request.path_params["stream_id"]
            )
        except Refused as error:
            return self._pages.notice(error.reason)
        return self._pages.data(_MODE)

    async def _countdown(self, request: Request) -> Response:
        """Tell our own script what will happen next by itself, and when."""
        stream_id = request.path_params["stream_id"]
        try:
            self._entrance.read_cookies(request.headers.getlist("cookie"), stream_id)
        except Refused as error:
            return self._pages.notice(error.reason)
        coming = await self._upstreams.countdown(stream_id)
        told = b"{}" if coming is None else msgspec.json.encode(in_words(coming))
        return self._pages.data(told)

    async def _probe(self, request: Request) -> Response:
        """Answer the client's question, between two tries, whether connecting makes sense."""
        stream_id = request.path_params["stream_id"]
        try:
            self._entrance.read_cookies(request.headers.getlist("cookie"), stream_id)
            await self._upstreams.find(stream_id)
        except Refused as error:
            return self._pages.notice(error.reason)
        answer = self._pages.data(b"{}")
        answer.status_code = HTTPStatus.UPGRADE_REQUIRED
        answer.headers["Upgrade"] = "websocket"
        return answer

    async def _file(self, request: Request) -> Response:
        return self._send(request, request.path_params["name"], "public, max-age=3600")

    async def _shared_file(self, request: Request) -> Response:
        is_current = self._client and request.path_params["digest"] == self._client.digest
        name = request.path_params["name"] if is_current else ""
        return self._send(request, name, _FOR_EVER)

    async def _not_secure(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint's signature
        """Say to a browser, which alone knows, that it won't show a desktop at this address."""
        return self._not_opened(NOT_SECURE)

    def _not_opened(self, reason: str) -> Response:
        self.refused.add(reason)
        return self._pages.notice(reason)

    async def _nothing(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint's signature
        return self._pages.notice(NOT_FOUND)

    def _send(self, request: Request, name: str, caching: str) -> Response:
        found = self._client.find(name) if self._client else None
        if found is None or self._client is None:
            return self._pages.notice(NOT_FOUND)
        etag = f'"{self._client.digest}"'
        headers = {
            "Cache-Control": caching,
            "ETag": etag,
            "Vary": "Accept-Encoding",
            # Opened by themselves, an SVG or a script's text may do nothing.
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            **PLAIN_HEADERS,
        }
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return _file_response(request, found, headers)


def _was_asked_for(request: Request) -> bool:
    """Reports whether a person opens this as a page, as far as the browser tells.

    Browsers send Sec-Fetch-* on secure addresses and on loopback; where they don't, only the
    purpose can be judged.
    """
    purpose = request.headers.get("sec-purpose", request.headers.get("purpose", ""))
    mode = request.headers.get("sec-fetch-mode", "navigate")
    target = request.headers.get("sec-fetch-dest", "document")
    return "prefetch" not in purpose and mode == "navigate" and target == "document"


def _file_response(request: Request, asset: Asset, headers: dict[str, str]) -> Response:
    body = asset.body
    if asset.compressed and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = asset.compressed
    # Not media_type: Starlette would write a charset into types that have none.
    return Response(body, headers={"Content-Type": asset.content_type, **headers})


def _read_client(settings: GatewaySettings) -> WebClient | None:
    try:
        client = WebClient(settings.stream_environment, title=TITLE)
        client.page("/")
    except NotInstalledError as error:
        log.warning("gateway.client_missing", detail=str(error))
        return None
    return client
