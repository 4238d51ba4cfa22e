"""The pages that need no sign-in: the front page and the answers for watchdogs.

`wiring` mounts them and says how the service is; they know nothing of resources.
"""

from collections.abc import Callable

import jinja2
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from soundstage import __version__

Troubles = Callable[[], list[str]]
"""Lists in words why the service is not ready; may block."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_NOW = {**_HEADERS, "Cache-Control": "no-store"}
_FOR_AN_HOUR = {**_HEADERS, "Cache-Control": "public, max-age=3600"}
_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("soundstage.portal"),
    autoescape=True,
    trim_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def routes(troubles: Troubles, *, address: str) -> list[BaseRoute]:
    """Make the portal's part of the service's addresses; `address` is how clients reach it."""

    async def front(request: Request) -> Response:
        del request
        found = await to_thread.run_sync(troubles)
        page = _templates.get_template("front.html").render(
            version=__version__, troubles=found, address=address
        )
        return HTMLResponse(page, headers=_NOW)

    async def style(request: Request) -> Response:
        del request
        text = _templates.get_template("front.css").render()
        return Response(text, media_type="text/css", headers=_FOR_AN_HOUR)

    async def icon(request: Request) -> Response:
        del request
        text = _templates.get_template("icon.svg").render()
        return Response(text, media_type="image/svg+xml", headers=_FOR_AN_HOUR)

    async def is_alive(request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok", "version": __version__}, headers=_NOW)

    async def is_ready(request: Request) -> Response:
        del request
        found = await to_thread.run_sync(troubles)
        status = "not ready" if found else "ready"
        return JSONResponse(
            {"status": status, "troubles": found}, 503 if found else 200, headers=_NOW
        )

    return [
        Route("/", front),
        Route("/style.css", style),
        Route("/icon.svg", icon),
        Route("/healthz", is_alive),
        Route("/readyz", is_ready),
    ]
