"""Server-sent events: what a browser is told, and when it is told no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
from starlette.applications import Starlette
from starlette.requests import Request

from soundstage.portal.door import Login
from soundstage.portal.events import Follower, routes

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ANNA = Login(
    id="l",
    principal_id="p",
    name="anna",
    is_operator=False,
    browser="",
    address="",
    created_at=NOW,
    used_at=NOW,
)


class Told:
    """Changes that are known beforehand, and then the end of the login."""

    def __init__(self, *looks: str, is_full: bool = False) -> None:
        self.looks = list(looks)
        self.is_full = is_full

    def look(self, login: Login) -> str:
        return login.id

    @asynccontextmanager
    async def follow(self, login: Login) -> AsyncIterator[Follower | None]:
        del login
        yield None if self.is_full else self

    async def change(self, seen: str) -> str | None:
        while self.looks:
            look = self.looks.pop(0)
            if look != seen:
                return look
        return None


def ask(changes: Told, login: Login | None = ANNA) -> httpx.Response:
    async def find(request: Request) -> Login | None:
        del request
        return login

    async def call() -> httpx.Response:
        app = Starlette(routes=routes(find, changes))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://a.test"
        ) as client:
            return await client.get("/events?seen=a")

    return asyncio.run(call())


def test_each_change_is_one_event_and_the_end_is_told() -> None:
    answer = ask(Told("a", "b", "c"))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.text == (
        "retry: 3000\n\n"
        "event: changed\ndata: b\n\nevent: changed\ndata: c\n\nevent: ended\ndata: \n\n"
    )


def test_strangers_and_one_too_many_are_told_to_stop_asking() -> None:
    assert ask(Told("b"), login=None).status_code == 204
    assert ask(Told("b", is_full=True)).text == "event: full\ndata: \n\n"
