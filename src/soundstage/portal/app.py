"""The portal's part of the service's addresses: pages for people, and the answers for watchdogs.

`wiring` makes one `Portal` and mounts its routes. Its handlers are in the modules beside this one;
each gets a `Stage`, which is what they all need.
"""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from soundstage.kit.buckets import Buckets, Rate
from soundstage.kit.openid.flow import SignOn
from soundstage.portal import backups, events, front, sign_on, signing_in, workstations
from soundstage.portal.admin import addresses
from soundstage.portal.door import Door, PortalSettings
from soundstage.portal.events import Changes
from soundstage.portal.pages import Pages
from soundstage.portal.session import Cookies
from soundstage.portal.stage import Stage, Troubles
from soundstage.words.languages import language_of, spoken
from soundstage.words.texts import Words, speaking


class Portal:
    """Everything that people see of this process in a browser, desktops apart."""

    def __init__(
        self,
        settings: PortalSettings,
        door: Door,
        changes: Changes,
        troubles: Troubles,
        provider: SignOn | None = None,
    ) -> None:
        cookies = Cookies(settings)
        self._stage = Stage(
            settings=settings,
            door=door,
            cookies=cookies,
            pages=Pages(settings, cookies, Words()),
            sign_ins=Buckets(
                Rate(settings.sign_ins_per_minute / 60, max(1, settings.sign_ins_per_minute))
            ),
            troubles=troubles,
            changes=changes,
            sign_on=provider,
        )

    async def nowhere(self, request: Request, error: Exception) -> Response:
        """Answer where somebody typed an address that leads nowhere."""
        del error
        login = await self._stage.login(request)
        with speaking(language_of(request.headers.raw)):
            return self._stage.pages.notice("missing", HTTPStatus.NOT_FOUND, login=login)

    async def failed(self, request: Request, error: Exception) -> Response:
        """Answer where a mistake of ours came up; the log has it."""
        del error
        with speaking(language_of(request.headers.raw)):
            return self._stage.pages.notice("broken", HTTPStatus.INTERNAL_SERVER_ERROR)

    def routes(self) -> list[BaseRoute]:
        """Make the routes."""
        stage = self._stage

        async def asset(request: Request) -> Response:
            return stage.pages.asset(**request.path_params)

        routes: list[BaseRoute] = [
            Route("/", front.entry(stage, workstations.Workstations(stage).home)),
            Route("/assets/{digest}/{name}", asset),
            *front.routes(stage),
            *signing_in.routes(stage),
            *sign_on.routes(stage),
            *workstations.routes(stage),
            *backups.routes(stage),
            *addresses.routes(stage),
            *events.routes(stage.login, stage.changes),
        ]
        for route in routes:
            if isinstance(route, Route):
                route.app = spoken(route.app)
        return routes
