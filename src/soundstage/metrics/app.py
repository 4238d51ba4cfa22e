"""`/metrics`: for whoever has the token or, where there is none, for this machine alone."""

import hmac
from collections.abc import Callable
from ipaddress import ip_address

import anyio.to_thread
from prometheus_client import CollectorRegistry, exposition
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from soundstage.metrics.counting import Counts
from soundstage.metrics.state import Found, State

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Metrics:
    """The door; `look` reads the counts since the last time, and finds what is to be found."""

    def __init__(self, counts: Counts, look: Callable[[], State], token: str = "") -> None:
        self._counts = counts
        self._look = look
        self._token = token
        self._limiter: anyio.CapacityLimiter | None = None

    def routes(self) -> list[BaseRoute]:
        """The part of the service's addresses that this serves."""
        return [Route("/metrics", self._send, methods=["GET"])]

    async def _send(self, request: Request) -> Response:
        if not self._may_read(request):
            words = "Metrics are for who has the token, or without one for this machine.\n"
            return PlainTextResponse(words, status_code=403, headers=_HEADERS)
        # One at a time: what is read is counted once.
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(1)
        text = await anyio.to_thread.run_sync(self._write, limiter=self._limiter)
        return Response(text, media_type=exposition.CONTENT_TYPE_LATEST, headers=_HEADERS)

    def _write(self) -> bytes:
        found = CollectorRegistry()
        found.register(Found(self._look()))
        return exposition.generate_latest(self._counts.registry) + exposition.generate_latest(found)

    def _may_read(self, request: Request) -> bool:
        if self._token:
            given = request.headers.get("authorization", "")
            return hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())
        # What a proxy on this machine passes on is not from this machine.
        if any(name in request.headers for name in _FORWARDED):
            return False
        return request.client is not None and _is_loopback(request.client.host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
