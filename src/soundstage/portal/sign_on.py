"""Signing in by an OpenID Connect provider: the way there, and the way back.

A form of ours leads there, so that no link signs anybody in unasked. What belongs to one sign-in is
in the browser's cookie, sealed, for ten minutes. Whatever goes wrong, a page says what and what to
do, and the log says more.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from shlex import quote
from typing import TypeVar

import anyio
import anyio.to_thread
import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from soundstage.kit.crypto import Seal, SealError
from soundstage.kit.openid.claims import Claims
from soundstage.kit.openid.flow import Attempt, SignOn
from soundstage.kit.openid.provider import AwayError, OpenIDError, RefusedError
from soundstage.portal.door import Arrival
from soundstage.portal.forms import own_path
from soundstage.portal.signing_in import enter
from soundstage.portal.stage import Stage

_ATTEMPT_LASTS = timedelta(minutes=10)
_AT_ONCE = 4
"""Sign-ins that wait for the provider at the same time: if it hangs, nobody else does."""
_LONGEST_PARAMETER = 4096

_CALLED_OFF = "access_denied"
"""What a provider says both of whoever changes their mind and of whom it does not let in."""
_REFUSALS = {
    "unknown": "sign_on_unknown",
    "name_taken": "sign_on_name_taken",
    "shut_out": "sign_on_shut_out",
}
"""What is said to whom the provider knows, and who does not come in."""

T = TypeVar("T")

_log = structlog.get_logger("soundstage.openid")


def routes(stage: Stage) -> list[BaseRoute]:
    """Make the routes; none without a provider."""
    if stage.sign_on is None:
        return []
    desk = Desk(stage, stage.sign_on)
    return [
        Route(
            "/sign-in/openid", stage.limited(stage.strangers_action(desk.leave)), methods=["POST"]
        ),
        Route("/sign-in/openid", stage.limited(desk.come_back), methods=["GET"]),
    ]


class Desk:
    """The handlers."""

    def __init__(self, stage: Stage, sign_on: SignOn) -> None:
        self._stage = stage
        self._sign_on = sign_on
        self._return_to = f"{stage.settings.address.url}/sign-in/openid"
        key = hmac.new(stage.settings.form_key, b"sign-on", hashlib.sha256).digest()
        self._seal = Seal(key)
        self._limiter: anyio.CapacityLimiter | None = None

    async def leave(self, _request: Request, form: dict[str, str]) -> Response:
        """Send the browser to the provider."""
        stage = self._stage
        attempt = self._sign_on.attempt(own_path(form.get("next", ""), "/"))
        try:
            address = await self._asked(self._sign_on.begin, attempt, self._return_to)
        except OpenIDError as error:
            return self._failed(error)
        # No redirect: browsers hold a form's to the page's own origin, and what comes after it.
        answer = stage.pages.page("sign_on.html", address=address)
        sealed = self._seal.close(msgspec.json.encode(attempt).decode())
        stage.cookies.put_attempt(answer, sealed, int(_ATTEMPT_LASTS.total_seconds()))
        return answer

    async def come_back(self, request: Request) -> Response:
        """Sign in whom the provider means."""
        stage = self._stage
        attempt = self._attempt_of(request)
        given = dict(request.query_params)
        if attempt is None or any(len(each) > _LONGEST_PARAMETER for each in given.values()):
            return self._said("sign_on_stale", HTTPStatus.FORBIDDEN)
        before = await stage.login(request)
        try:
            claims = await self._asked(self._sign_on.finish, attempt, given, self._return_to)
        except OpenIDError as error:
            return self._failed(error)
        visit = stage.cookies.visit(request)
        arrival: Arrival = await anyio.to_thread.run_sync(stage.door.arrive, claims, visit)
        if arrival.refusal:
            return self._refused(claims, arrival.refusal)
        answer = await enter(stage, before, arrival.secret, attempt.on)
        stage.cookies.put_attempt(answer, "", 0)
        return answer

    def _attempt_of(self, request: Request) -> Attempt | None:
        """Read what this browser began, and not too long ago."""
        sealed = self._stage.cookies.sealed_attempt(request)
        if sealed is None:
            return None
        try:
            attempt = msgspec.json.decode(self._seal.open(sealed), type=Attempt)
        except (SealError, msgspec.DecodeError):
            return None
        age = self._stage.door.now() - attempt.begun_at
        return attempt if timedelta(0) <= age < _ATTEMPT_LASTS else None

    async def _asked(self, question: Callable[..., T], *given: object) -> T:
        """Ask the provider in a thread, of which there are few."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_AT_ONCE)
        return await anyio.to_thread.run_sync(question, *given, limiter=self._limiter)

    def _failed(self, error: OpenIDError) -> Response:
        _log.warning("openid.failed", error=type(error).__name__, reason=str(error))
        if isinstance(error, AwayError):
            return self._said("sign_on_away", HTTPStatus.BAD_GATEWAY)
        if isinstance(error, RefusedError):
            key = "sign_on_called_off" if error.code == _CALLED_OFF else "sign_on_refused"
            return self._said(key, HTTPStatus.FORBIDDEN, code=error.code)
        return self._said("sign_on_doubtful", HTTPStatus.FORBIDDEN)

    def _refused(self, claims: Claims, refusal: str) -> Response:
        _log.warning("openid.refused", reason=refusal, subject=claims.subject)
        command = None
        if refusal != "shut_out":
            command = f".venv/bin/soundstage user identity link NAME {quote(claims.subject)}"
        return self._said(_REFUSALS[refusal], HTTPStatus.FORBIDDEN, command=command)

    def _said(
        self, key: str, status: HTTPStatus, *, command: str | None = None, code: str = ""
    ) -> Response:
        """Say in a page what happened, and what to do; the sign-in is over in any case."""
        stage = self._stage
        provider = stage.settings.provider_name
        answer = stage.pages.page(
            "sign_on_failed.html",
            status=status,
            title=stage.pages.words(f"{key}.title", provider=provider),
            text=stage.pages.words(f"{key}.text", provider=provider, code=code),
            command=command,
        )
        stage.cookies.put_attempt(answer, "", 0)
        return answer
