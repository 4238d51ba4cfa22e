"""One log line for each request to the gateway, without the query: tickets travel there.

A page that is open asks every few seconds whether the gateway answers (`static/connection.js`);
that it does is no news, and gets no line.

`app` wraps its routes in it; uvicorn's own access log, which prints queries, stays off.
"""

import time
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soundstage.kit.proxies import Proxies

log = structlog.get_logger(__name__)

_ASKED_OFTEN = "/api/status"


class AccessLog:
    """ASGI middleware that tells method, path, status, time and caller."""

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on and log it when its answer's head is sent."""
        began = time.perf_counter()

        async def logged(message: Message) -> None:
            if message["type"] == "http.response.start" and not _is_no_news(scope, message):
                peer = scope["client"][0] if scope.get("client") else ""
                headers = {
                    name.decode("latin-1"): value.decode("latin-1")
                    for name, value in scope["headers"]
                    if name == b"x-forwarded-for"
                }
                log.info(
                    "gateway.request",
                    method=scope["method"],
                    path=scope["path"][:200],
                    status=int(message["status"]),
                    milliseconds=round((time.perf_counter() - began) * 1000, 1),
                    client=self._proxies.client(peer, headers),
                )
            await send(message)

        await self._app(scope, receive, logged)


def _is_no_news(scope: Scope, message: Message) -> bool:
    path: str = scope["path"]
    return path.endswith(_ASKED_OFTEN) and int(message["status"]) == HTTPStatus.OK
