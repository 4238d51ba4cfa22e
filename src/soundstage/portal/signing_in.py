"""Signing in by a link, signing out, and where one is signed in.

Opening a link changes nothing: it shows whom it would sign in and a button. So programs that look
at links ahead of people, in mails and chats, use none up, and no link signs anybody in unasked.
"""

from datetime import timedelta
from http import HTTPStatus

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from soundstage.portal.browsers import told_by
from soundstage.portal.door import Login
from soundstage.portal.forms import own_path
from soundstage.portal.session import new_bits
from soundstage.portal.stage import Asked, Stage


def routes(stage: Stage) -> list[BaseRoute]:
    """Make the routes."""
    desk = SignIn(stage)
    return [
        Route("/sign-in", stage.limited(desk.offer), methods=["GET"]),
        Route("/sign-in", stage.limited(stage.strangers_action(desk.accept)), methods=["POST"]),
        Route("/sign-out", stage.action(desk.leave), methods=["POST"]),
        Route("/logins", stage.page(desk.logins), methods=["GET"]),
        Route("/logins/end", stage.action(desk.end), methods=["POST"]),
        Route("/logins/end-others", stage.action(desk.end_others), methods=["POST"]),
    ]


class SignIn:
    """The handlers."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def offer(self, request: Request) -> Response:
        """Show whom a link would sign in; without a link, how to get one."""
        stage = self._stage
        link = request.query_params.get("link", "")
        on = own_path(request.query_params.get("next", ""), "/")
        login = await stage.login(request)
        if not link and login is not None:
            return stage.pages.go(on)
        if not link or not stage.settings.offers_links:
            return self._ask(request, on, bad=bool(link))
        name = await anyio.to_thread.run_sync(stage.door.whose_link, link)
        if name is None:
            return self._ask(request, on, bad=True)
        return self._ask(request, on, name=name, link=link, signed_in=login.name if login else None)

    async def accept(self, request: Request, form: dict[str, str]) -> Response:
        """Sign the browser in with a link that its person confirmed."""
        stage = self._stage
        on = own_path(form.get("next", ""), "/")
        visit = stage.cookies.visit(request)
        before = await stage.login(request)
        link = form.get("link", "")
        secret = await anyio.to_thread.run_sync(stage.door.sign_in, link, visit)
        if secret is None:
            return self._ask(request, on, bad=True)
        return await enter(stage, before, secret, on)

    def leave(self, asked: Asked) -> Response:
        """Sign this browser out, and say how to sign out of the provider as well."""
        stage = self._stage
        stage.door.end(asked.login, asked.login.id)
        answer = stage.pages.go("/")
        if asked.login.issuer is not None and stage.sign_on is not None:
            end = stage.sign_on.end_address(f"{stage.settings.address.url}/")
            if end is not None and asked.login.issuer == stage.sign_on.provider.settings.issuer:
                answer = stage.pages.page("signed_out.html", end=end)
        self._stage.cookies.remove_login(answer)
        return answer

    def logins(self, asked: Asked) -> Response:
        """Show where this person is signed in, and to the operator where anybody is."""
        own = asked.login.principal_id
        whose = asked.query.get("of", "") if asked.login.is_operator else own
        rows = [
            (login, told_by(login.browser), login.id == asked.login.id)
            for login in self._stage.door.logins(asked.login, whose)
        ]
        return self._stage.pages.page("logins.html", login=asked.login, rows=rows, whose=whose)

    def end(self, asked: Asked) -> Response:
        """Sign another browser out."""
        if not self._stage.door.end(asked.login, asked.form.get("login", "")):
            return self._stage.pages.notice("no_login", HTTPStatus.NOT_FOUND, login=asked.login)
        return self._stage.pages.go("/logins")

    def end_others(self, asked: Asked) -> Response:
        """Sign somebody out everywhere but here."""
        if not self._stage.door.end_others(asked.login, asked.form.get("of", "")):
            return self._stage.pages.notice("no_login", HTTPStatus.NOT_FOUND, login=asked.login)
        return self._stage.pages.go("/logins")

    def _ask(
        self,
        request: Request,
        on: str,
        *,
        bad: bool = False,
        name: str | None = None,
        link: str = "",
        signed_in: str | None = None,
    ) -> Response:
        """Show the ways in: a good link, the provider, or how to get a link."""
        stage = self._stage
        bits = stage.cookies.stranger(request) or new_bits()
        answer = stage.pages.page(
            "sign_in.html",
            status=HTTPStatus.GONE if bad else HTTPStatus.OK,
            name=name,
            link=link,
            on=on,
            bad=bad,
            signed_in=signed_in,
            form_token=stage.cookies.token(bits),
            idle=stage.pages.words.length(timedelta(hours=stage.settings.idle_hours)),
        )
        stage.cookies.put_stranger(answer, bits)
        return answer


async def enter(stage: Stage, before: Login | None, secret: str, on: str) -> Response:
    """Sign a browser in with a login that was just made, in place of the one before."""
    if before is not None:
        await anyio.to_thread.run_sync(stage.door.end, before, before.id)
    answer = stage.pages.go(on)
    # Always a new secret: one that somebody planted before is worth nothing after.
    stage.cookies.put_login(answer, secret)
    return answer
