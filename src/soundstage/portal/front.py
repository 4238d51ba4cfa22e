"""What needs no sign-in: the front page for strangers, and the answers for watchdogs."""

from http import HTTPStatus

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from soundstage import __version__
from soundstage.portal.forms import BadFormError, read_form
from soundstage.portal.stage import Endpoint, Handler, Stage
from soundstage.words.texts import LANGUAGES


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

    async def speak(request: Request) -> Response:
        if not stage.cookies.is_from_here(request):
            return stage.foreign()
        try:
            form = await read_form(request, stage.settings.strangers_form_bytes)
        except BadFormError:
            form = {}
        language = form.get("language")
        if language not in LANGUAGES:
            return pages.notice("bad_form", HTTPStatus.BAD_REQUEST)
        answer = pages.go(_path_before(request, stage))
        stage.cookies.put_language(answer, language)
        return answer

    return [
        Route("/language", speak, methods=["POST"]),
        Route("/favicon.ico", icon),
        Route("/healthz", is_alive),
        Route("/readyz", is_ready),
    ]


def _path_before(request: Request, stage: Stage) -> str:
    """Say which of our pages somebody came from; the first one where that is not known."""
    before = request.headers.get("referer", "")
    own = f"{stage.settings.address.url}/"
    # Two slashes at its beginning would name another host.
    return f"/{before.removeprefix(own).lstrip('/')}" if before.startswith(own) else "/"


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
