"""What needs no sign-in: the front page for strangers, and the answers for watchdogs."""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from soundstage import __version__
from soundstage.portal.stage import Endpoint, Handler, Stage


def routes(stage: Stage) -> list[BaseRoute]:
    """Make the routes."""
    pages = stage.pages

    async def icon(request: Request) -> Response:
        del request
        return pages.icon

    async def is_alive(request: Request) -> Response:
        del request
        return pages.data(JSONResponse({"status": "ok", "version": __version__}))

    async def is_ready(request: Request) -> Response:
        del request
        found = await to_thread.run_sync(stage.troubles)
        status = "not ready" if found else "ready"
        document = {"status": status, "troubles": found}
        return pages.data(JSONResponse(document, 503 if found else 200))

    return [
        Route("/favicon.ico", icon),
        Route("/healthz", is_alive),
        Route("/readyz", is_ready),
    ]


def entry(stage: Stage, home: Handler) -> Endpoint:
    """Make what answers at `/`: the front page for strangers, and for others their own."""
    own = stage.page(home)

    async def endpoint(request: Request) -> Response:
        if await stage.login(request) is not None:
            return await own(request)
        found = await to_thread.run_sync(stage.troubles)
        address = stage.settings.address.url
        return stage.pages.page("front.html", troubles=found, address=address)

    return endpoint
