"""Who may read the metrics: this machine, and nobody by way of a proxy; or who has the token."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from starlette.applications import Starlette

from soundstage.metrics.app import Metrics
from soundstage.metrics.counting import Counts
from soundstage.metrics.state import State


def state() -> State:
    return State(
        sessions={"READY": 2},
        warm={},
        streams_live=0,
        stream_refusals={},
        stream_frames=0,
        stream_bytes={},
        due=0,
        oldest_due_at=None,
        now=datetime(2030, 1, 1, tzinfo=UTC),
        in_hand=0,
        looks=0,
        failures=0,
        deliveries={},
        oldest_delivery_at=None,
        disk_free_bytes=0,
        feeds=0,
    )


def ask(
    peer: str = "127.0.0.1", token: str = "", headers: dict[str, str] | None = None
) -> httpx.Response:
    door = Metrics(Counts(), state, token)
    transport = httpx.ASGITransport(Starlette(routes=door.routes()), client=(peer, 1))

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get("http://studio.example/metrics", headers=headers)

    return asyncio.run(get())


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.9", "::1"])
def test_this_machine_may(peer: str) -> None:
    answer = ask(peer)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'soundstage_sessions{state="READY"} 2.0' in answer.text


@pytest.mark.parametrize("peer", ["192.168.1.7", "203.0.113.9", "fe80::1", "unix"])
def test_no_other_may(peer: str) -> None:
    assert ask(peer).status_code == 403


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_passes_on_is_not_from_here(name: str) -> None:
    assert ask(headers={name: "127.0.0.1"}).status_code == 403


def test_the_token_opens_from_anywhere_and_nothing_else_does() -> None:
    token = "a-long-enough-token"
    bearer = {"Authorization": f"Bearer {token}"}
    assert ask("203.0.113.9", token, bearer).status_code == 200
    for headers in (None, {"Authorization": "Bearer wrong"}, {"Authorization": token}):
        assert ask("127.0.0.1", token, headers).status_code == 403
