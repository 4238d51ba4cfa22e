"""Live pages: a stream of server-sent events that says when to look again, and no more.

What is sent is a short text that is another one after every change; the page's script then reads
the page anew. Nobody asks the database for each browser: `wiring` watches once for all of them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from soundstage.portal.door import Login

_HEARTBEAT_SECONDS = 15.0
_LONGEST_LOOK = 64


class GoneError(Exception):
    """The service ends, and the browser is to ask again."""


class Follower(Protocol):
    """One page that is kept up to date."""

    async def change(self, seen: str) -> str | None:
        """Wait until what the person sees is another than `seen`; None when their login ended.

        Raises GoneError.
        """
        ...


class Changes(Protocol):
    """Tells when what a person sees has changed."""

    def look(self, login: Login, *, of_all: bool = False) -> str:
        """Give a short text that stands for all that the person sees now. May block.

        `of_all` where that is not only their own: pages for administrators.
        """
        ...

    def follow(
        self, login: Login, *, of_all: bool = False
    ) -> AbstractAsyncContextManager[Follower | None]:
        """Keep a page up to date while the block lasts; None for one too many."""
        ...


def routes(find: Callable[[Request], Awaitable[Login | None]], changes: Changes) -> list[BaseRoute]:
    """Make the route; `find` says who is signed in."""

    async def events(request: Request) -> Response:
        login = await find(request)
        if login is None:
            # Anything but 200 tells the browser not to ask again.
            return Response(status_code=HTTPStatus.NO_CONTENT)
        seen = request.query_params.get("seen", "")[:_LONGEST_LOOK]
        of_all = login.is_administrator and request.query_params.get("of") == "all"
        return StreamingResponse(
            _events(changes.follow(login, of_all=of_all), seen),
            media_type="text/event-stream",
            # Proxies that gather an answer before they pass it on are asked not to.
            headers={"X-Accel-Buffering": "no"},
        )

    return [Route("/events", events, methods=["GET"])]


async def _events(
    following: AbstractAsyncContextManager[Follower | None], seen: str
) -> AsyncIterator[str]:
    async with following as follower:
        if follower is None:
            yield _event("full", "")
            return
        yield "retry: 3000\n\n"
        while True:
            try:
                async with asyncio.timeout(_HEARTBEAT_SECONDS):
                    now = await follower.change(seen)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            except GoneError:
                return
            if now is None:
                yield _event("ended", "")
                return
            seen = now
            yield _event("changed", now)


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"
