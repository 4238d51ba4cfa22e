"""One line a request, with what is needed and nothing that is secret."""

import asyncio
from typing import Any

import pytest
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soundstage.gateway.accesslog import AccessLog
from soundstage.kit.proxies import Proxies


async def teapot(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def well(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def lines(
    trusted: tuple[str, ...], app: ASGIApp = teapot, path: str = "/streams/x/" + "y" * 300
) -> list[Any]:
    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        pass

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"ticket=secret",
        "client": ("10.0.0.1", 5),
        "headers": [(b"x-forwarded-for", b"203.0.113.9"), (b"cookie", b"secret")],
    }
    with structlog.testing.capture_logs() as logs:
        asyncio.run(AccessLog(app, Proxies(trusted))(scope, receive, send))
    return list(logs)


@pytest.mark.parametrize(
    ("trusted", "client"), [((), "10.0.0.1"), (("10.0.0.0/8",), "203.0.113.9")]
)
def test_a_request_is_one_line_without_its_query(trusted: tuple[str, ...], client: str) -> None:
    (line,) = lines(trusted)
    assert (line["method"], line["status"], line["client"]) == ("GET", 418, client)
    assert line["path"].startswith("/streams/x/")
    assert len(line["path"]) == 200
    assert line["milliseconds"] >= 0
    assert "secret" not in str(line)


def test_that_an_open_page_is_answered_is_no_news_and_that_it_is_not_is_one() -> None:
    often = "/streams/x/api/status"
    assert lines((), well, often) == []
    assert [line["status"] for line in lines((), teapot, often)] == [418]
    assert [line["status"] for line in lines((), well, "/streams/x/")] == [200]
