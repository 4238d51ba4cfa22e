"""The headers that keep a stream's page to itself."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from soundstage.gateway.refusals import NOT_FOUND, Notice
from soundstage.gateway.upstreams import Became
from soundstage.testing.streams import GatewayWorld
from soundstage.words.texts import Words


def policy_of(world: GatewayWorld, **headers: str) -> dict[str, str]:
    _, answer, _ = world.ask(world.page(), Cookie=world.cookie(), **headers)
    parts = answer["content-security-policy"].split(";")
    return {name: rest for name, _, rest in (part.strip().partition(" ") for part in parts)}


def test_the_clients_policy_is_strict(world: GatewayWorld) -> None:
    policy = policy_of(world)
    assert policy["default-src"] == "'none'"
    assert "unsafe-inline" not in str(policy)
    assert "'unsafe-eval'" not in str(policy)
    assert "data:" not in policy["script-src"]
    assert re.fullmatch(r"'self' 'sha256-[A-Za-z0-9+/=]+'", policy["style-src"])
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"


def test_the_client_may_connect_to_its_own_stream_only(world: GatewayWorld) -> None:
    host = f"127.0.0.1:{world.port}"
    sources = policy_of(world)["connect-src"].split()
    assert sources[:2] == [f"http://{host}{world.page()}", f"ws://{host}{world.page()}"]
    assert sources[2].startswith(f"http://{host}/streams/assets/")
    assert len(sources) == 3


@pytest.mark.parametrize("host", ["x; script-src *", "x,y", "[::1]:8080"])
def test_a_host_that_a_policy_cannot_hold_stays_out(shared_world: GatewayWorld, host: str) -> None:
    assert policy_of(shared_world, Host=host)["connect-src"] == "'self'"


def test_a_secure_studio_is_connected_to_securely(
    open_world: Callable[..., GatewayWorld],
) -> None:
    world = open_world(public_url="https://studio.example.com")
    sources = policy_of(world, Host="studio.example.com", X_Forwarded_Host="evil.example")
    assert sources["connect-src"].split()[:2] == [
        f"https://studio.example.com{world.page()}",
        f"wss://studio.example.com{world.page()}",
    ]


def test_a_notice_runs_nothing_and_loads_nothing(world: GatewayWorld) -> None:
    status, headers, body = world.ask(world.page())
    assert status == 401
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert b"<script" not in body
    assert b'<a class="go" href="/">' in body


def test_a_desktop_that_is_away_is_tried_again(world: GatewayWorld) -> None:
    world.upstreams.places.clear()
    status, headers, body = world.ask(world.page(), Cookie=world.cookie())
    assert (status, headers["retry-after"]) == (503, "5")
    assert b'http-equiv="refresh"' in body


def test_words_are_escaped(world: GatewayWorld) -> None:
    pages = world.gateway._pages
    notice = Notice(status=404, headline="<b>x</b>", happened="&", advice='"')  # type: ignore[arg-type]
    body = pages._notice.render(
        notice=notice, t=Words(), retry=False, to="/", label="notice.home", style=""
    )
    assert "<b>x</b>" not in body
    assert "&lt;b&gt;x&lt;/b&gt;" in body
    assert pages.notice(NOT_FOUND).status_code == 404


@pytest.mark.parametrize(
    ("reason", "leads_on"), [(NOT_FOUND, True), ("share-ended", False), ("share-full", False)]
)
def test_who_only_looks_on_is_led_to_no_sign_in(
    world: GatewayWorld, reason: Any, leads_on: bool
) -> None:
    body = bytes(world.gateway._pages.notice(reason).body)
    assert (b'class="go"' in body) == leads_on


def test_after_a_workstation_has_ended_the_way_leads_to_the_others(world: GatewayWorld) -> None:
    world.upstreams.over.add(world.stream)
    world.upstreams.became = Became(how="removed", by="owner", path="/workstations/s/x")
    _, _, body = world.ask(world.page(), Cookie=world.cookie())
    assert b'<a class="go" href="/">Go to the portal</a>' in body
