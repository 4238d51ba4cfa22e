"""Server-sent events: what a browser is told, and when it is told no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import msgspec
import pytest
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
    is_administrator=False,
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
        self.of_all = False

    def look(self, login: Login, *, of_all: bool = False) -> str:
        return f"{login.id}{of_all}"

    @asynccontextmanager
    async def follow(self, login: Login, *, of_all: bool = False) -> AsyncIterator[Follower | None]:
        del login
        self.of_all = of_all
        yield None if self.is_full else self

    async def change(self, seen: str) -> str | None:
        while self.looks:
            look = self.looks.pop(0)
            if look != seen:
                return look
        return None


def ask(changes: Told, login: Login | None = ANNA, of: str = "own") -> httpx.Response:
    async def find(request: Request) -> Login | None:
        del request
        return login

    async def call() -> httpx.Response:
        app = Starlette(routes=routes(find, changes))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://a.test"
        ) as client:
            return await client.get(f"/events?of={of}&seen=a")

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


@pytest.mark.parametrize(
    ("administers", "of", "of_all"),
    [(True, "all", True), (True, "own", False), (False, "all", False), (True, "<x>", False)],
)
def test_only_administrators_follow_everything(administers: bool, of: str, of_all: bool) -> None:
    told = Told()
    ask(told, msgspec.structs.replace(ANNA, is_administrator=administers), of)
    assert told.of_all is of_all
