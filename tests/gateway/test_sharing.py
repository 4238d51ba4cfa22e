"""Links for looking on, by the requests that a stream's page makes."""

import json
from typing import Any

import pytest

from soundstage.gateway.upstreams import Shares
from soundstage.testing.streams import GatewayWorld, ask


def call(
    world: GatewayWorld, method: str, path: str = "", body: bytes | None = None, **headers: str
) -> tuple[int, Any]:
    told = {"Cookie": world.cookie(), "Origin": f"http://127.0.0.1:{world.port}", **headers}
    answer = ask(world.port, f"{world.page()}api/shares{path}", told, method, body)
    return answer[0], json.loads(answer[2])


@pytest.fixture
def allowed(world: GatewayWorld) -> GatewayWorld:
    world.upstreams.shared = Shares(shares=[], max_minutes=60, max_viewers=3)
    return world


def test_a_link_is_made_shown_and_ended(allowed: GatewayWorld) -> None:
    assert call(allowed, "GET") == (200, {"shares": [], "maxMinutes": 60, "maxViewers": 3})
    status, told = call(allowed, "POST", body=b'{"minutes": 15, "viewers": 2}')
    assert status == 200
    (share,) = told["shares"]
    assert (share["maxViewers"], share["secondsLeft"], share["viewers"]) == (2, 900, 0)
    assert call(allowed, "GET") == (200, told)
    status, told = call(allowed, "DELETE", f"/{share['id']}")
    assert (status, told["shares"]) == (200, [])


def test_where_sharing_is_not_allowed_nothing_of_it_is(world: GatewayWorld) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("POST", "", b'{"minutes": 15, "viewers": 2}'),
        ("DELETE", "/x", None),
    ):
        assert call(world, method, path, body)[0] == 403


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"minutes": 0, "viewers": 1}', b'{"minutes": 15, "viewers": 9}',
     b'{"minutes": "x", "viewers": 1}', b'{"minutes": 15, "viewers": 1}' + b" " * 2000],
)  # fmt: skip
def test_what_can_t_be_meant_makes_no_link(allowed: GatewayWorld, body: bytes) -> None:
    status, told = call(allowed, "POST", body=body)
    assert status == 409
    assert told["message"]
    assert call(allowed, "GET")[1]["shares"] == []


def test_what_the_profile_does_not_allow_is_said(allowed: GatewayWorld) -> None:
    told = call(allowed, "POST", body=b'{"minutes": 15, "viewers": 8}')
    assert told == (409, {"message": "too many viewers"})


def test_another_site_makes_and_ends_no_link(allowed: GatewayWorld) -> None:
    for method, path, body in (
        ("POST", "", b'{"minutes": 15, "viewers": 2}'),
        ("DELETE", "/x", None),
    ):
        assert call(allowed, method, path, body, Origin="http://evil.example")[0] == 403
    assert call(allowed, "GET")[1]["shares"] == []


def test_without_a_cookie_there_is_nothing(allowed: GatewayWorld) -> None:
    assert call(allowed, "GET", Cookie="other=1")[0] == 401
