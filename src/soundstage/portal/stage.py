"""What every handler of the portal works with, and the guards that stand before them.

`app` makes one. A handler for who is signed in is a plain function that may block: it is given the
visit, who it is, and their client, and gives an answer. The guards see to sign-in, to the form's
token and Origin, and to what the API refuses.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from soundstage.client.calls import CallError, Client
from soundstage.kit.buckets import Buckets, network_of
from soundstage.kit.openid.flow import SignOn
from soundstage.portal.door import Door, Login, PortalSettings
from soundstage.portal.events import Changes
from soundstage.portal.forms import BadFormError, read_form
from soundstage.portal.pages import Pages
from soundstage.portal.session import Cookies
from soundstage.words import refusals

Troubles = Callable[[], list[str]]
"""Lists in words why the service is not ready; may block."""
Endpoint = Callable[[Request], Awaitable[Response]]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request of somebody who is signed in."""

    login: Login
    client: Client
    path: dict[str, str]
    query: dict[str, str]
    form: dict[str, str]
    """Empty unless it is a form of ours that was sent."""

    @property
    def studio(self) -> dict[str, str]:
        """The studio that the path names, as a call's member."""
        return {"studioId": self.path["studio"]}


Handler = Callable[[Asked], Response]


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """All that is shared."""

    settings: PortalSettings
    door: Door
    cookies: Cookies
    pages: Pages
    sign_ins: Buckets
    troubles: Troubles
    changes: Changes
    sign_on: SignOn | None = None
    """The provider that people may sign in by."""

    async def login(self, request: Request) -> Login | None:
        """Say who is signed in."""
        secret = self.cookies.secret(request)
        if secret is None:
            return None
        visit = self.cookies.visit(request)
        return await anyio.to_thread.run_sync(self.door.find, secret, visit)

    def page(self, handler: Handler) -> Endpoint:
        """Show something to who is signed in; anybody else is led to the sign-in."""

        async def endpoint(request: Request) -> Response:
            login = await self.login(request)
            if login is None:
                return self._to_sign_in(request)
            return await anyio.to_thread.run_sync(self._run, handler, request, login, {})

        return endpoint

    def action(self, handler: Handler) -> Endpoint:
        """Do something for who is signed in and sent a form of ours."""

        async def endpoint(request: Request) -> Response:
            if not self.cookies.is_from_here(request):
                return self.foreign()
            login = await self.login(request)
            if login is None:
                return self.pages.go("/sign-in")
            try:
                form = await read_form(request, self.settings.form_bytes)
            except BadFormError:
                return self.pages.notice("bad_form", HTTPStatus.BAD_REQUEST, login=login)
            if not self.cookies.is_token(form.get("token", ""), login.id):
                return self.pages.notice("stale_form", HTTPStatus.FORBIDDEN, login=login)
            return await anyio.to_thread.run_sync(self._run, handler, request, login, form)

        return endpoint

    def strangers_action(
        self, handler: Callable[[Request, dict[str, str]], Awaitable[Response]]
    ) -> Endpoint:
        """Do something for who need not be signed in and sent a form of ours."""

        async def endpoint(request: Request) -> Response:
            if not self.cookies.is_from_here(request):
                return self.foreign()
            try:
                form = await read_form(request, self.settings.strangers_form_bytes)
            except BadFormError:
                return self.pages.notice("bad_form", HTTPStatus.BAD_REQUEST)
            bits = self.cookies.stranger(request)
            if bits is None or not self.cookies.is_token(form.get("token", ""), bits):
                return self.pages.notice("stale_form", HTTPStatus.FORBIDDEN)
            return await handler(request, form)

        return endpoint

    def limited(self, handler: Endpoint) -> Endpoint:
        """Answer what anybody may ask, but not as often as they like."""

        async def endpoint(request: Request) -> Response:
            whose = network_of(self.cookies.visit(request).address)
            wait = self.sign_ins.take(whose, self.door.now().timestamp())
            if wait:
                answer = self.pages.notice("too_often", HTTPStatus.TOO_MANY_REQUESTS)
                answer.headers["Retry-After"] = str(max(1, round(wait + 0.5)))
                return answer
            return await handler(request)

        return endpoint

    def refusal(self, error: CallError, login: Login | None) -> Response:
        """Say what the API refused, and what to do about it; its own words stand behind ours."""
        words, told = self.pages.words, error.complaints[0]
        said = refusals.said(words, told.code or error.name, told.context)
        key = f"refused.{error.name}"
        advice = words(key if key in words else "refused.other")
        status = HTTPStatus(error.status) if error.status in _STATUSES else HTTPStatus.BAD_GATEWAY
        return self.pages.page(
            "notice.html",
            login=login,
            status=status,
            title=words("refused.title"),
            text=said or advice,
            advice=advice if said else "",
            original=str(error),
        )

    def _run(
        self, handler: Handler, request: Request, login: Login, form: dict[str, str]
    ) -> Response:
        client = self.door.client(login)
        asked = Asked(
            login=login,
            client=client,
            path=request.path_params,
            query=dict(request.query_params),
            form=form,
        )
        try:
            answer = handler(asked)
        except CallError as error:
            answer = self.refusal(error, login)
        except BaseException:
            client.close()
            raise
        # What is written piece by piece still asks, and closes it at its end.
        if not isinstance(answer, StreamingResponse):
            client.close()
        return answer

    def _to_sign_in(self, request: Request) -> Response:
        path, query = request.url.path, request.url.query
        wanted = quote(f"{path}?{query}" if query else path, safe="")
        return self.pages.go("/sign-in" if path == "/" else f"/sign-in?next={wanted}")

    def foreign(self) -> Response:
        where = self.settings.address.url
        return self.pages.notice("foreign", HTTPStatus.FORBIDDEN, address=where)


_STATUSES = {400, 402, 403, 404, 409, 429}


def page_number(asked: Asked, key: str = "page") -> int:
    """Read which page of a long list is asked for; the first where that makes no sense."""
    text = asked.query.get(key, "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def form_of(asked: Asked, *names: str) -> dict[str, Any]:
    """Take members for a call out of a form, without those that were left empty."""
    return {name: asked.form[name] for name in names if asked.form.get(name)}
