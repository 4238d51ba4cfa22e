"""A websocket through the gateway: who may have one, what passes, and how it ends."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest

from soundstage.gateway.frames import close_code, close_frame
from soundstage.gateway.tickets import COOKIE
from soundstage.testing.streams import SECONDS, GatewayWorld, Visitor, upgrade_request, wait_for

OTHER = "BBBBBBBBBBBBBBBBBBBBBB"
GREETING = b"\x81\x04MODE"


def opened(world: GatewayWorld) -> Visitor:
    visitor = world.connect()
    assert visitor.status == 101
    assert visitor.read(6) == GREETING
    return visitor


def test_what_one_side_sends_the_other_gets(world: GatewayWorld) -> None:
    with opened(world) as visitor:
        for number in range(50):
            visitor.say(b"hello %d" % number)
            expected = b"\x81" + bytes([len(b"hello %d" % number)]) + b"hello %d" % number
            assert visitor.read(len(expected)) == expected
        big = b"\x82\x7f" + (3_000_000).to_bytes(8, "big") + bytes(3_000_000)
        world.desktop.send(big)
        assert visitor.read(len(big)) == big
        carried = world.gateway.live.carried
        assert carried.frames_down == 52  # The desktop's first word is one.
        assert carried.bytes_down > 3_000_000 > carried.bytes_up > 0


def test_neither_side_sees_the_others_head(world: GatewayWorld) -> None:
    with world.connect(
        Cookie=f"other=1; {world.cookie()}",
        Authorization="Bearer secret",
        X_Forwarded_For="1.2.3.4",
        Sec_WebSocket_Extensions="permessage-deflate",
    ) as visitor:
        assert visitor.status == 101
        assert b"planted" not in visitor.head
        assert b"Extensions" not in visitor.head
    head = world.desktop.heads[0].lower()
    assert head.startswith(b"get /api/websockets http/1.1\r\n")
    for secret in (
        b"cookie",
        b"authorization",
        b"x-forwarded",
        b"extensions",
        b"aaaaaaaaaaaaaaaaaaaaaa/",
    ):
        assert secret not in head


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("?role=viewer", b"/api/websockets?role=viewer "),
        ("?role=controller", b"/api/websockets "),
        ("?token=x&slot=2", b"/api/websockets "),
        ("?role=viewer&role=controller", b"/api/websockets "),
    ],
)
def test_a_query_can_only_take_rights_away(world: GatewayWorld, query: str, path: bytes) -> None:
    with world.connect(f"{world.page()}api/websockets{query}") as visitor:
        assert visitor.status == 101
    assert world.desktop.heads[0].startswith(b"GET " + path)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://evil.example",
        "http://127.0.0.1.evil.example",
        "http://evil127.0.0.1",
        "http://sub.127.0.0.1:{port}",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@evil.example",
        "HTTP://127.0.0.1:{port}",
        "http://localhost:{port}",
    ],
)
def test_another_origin_is_refused_before_the_upgrade(
    shared_world: GatewayWorld, origin: str | None
) -> None:
    told = origin.format(port=shared_world.port) if origin else origin
    with shared_world.connect(Origin=told) as visitor:
        assert visitor.status == 403
    assert shared_world.desktop.heads == []


def test_the_public_origin_is_ours_whatever_the_host(
    open_world: Callable[..., GatewayWorld],
) -> None:
    world = open_world(public_url="https://studio.example.com")
    ours = {"Origin": "https://studio.example.com", "Host": "studio.example.com"}
    with world.connect(**ours) as visitor:
        assert visitor.status == 101
    sibling = {"Origin": "https://art.studio.example.com", "Host": "studio.example.com"}
    with world.connect(**sibling) as visitor:
        assert visitor.status == 403


def test_a_stranger_cannot_say_that_he_came_by_https(world: GatewayWorld) -> None:
    origin = f"https://127.0.0.1:{world.port}"
    with world.connect(Origin=origin, X_Forwarded_Proto="https") as visitor:
        assert visitor.status == 403


def test_a_configured_proxy_can(open_world: Callable[..., GatewayWorld]) -> None:
    world = open_world(trusted_proxies=("127.0.0.0/8",))
    origin = f"https://127.0.0.1:{world.port}"
    with world.connect(Origin=origin, X_Forwarded_Proto="https") as visitor:
        assert visitor.status == 101


def test_only_its_own_cookie_opens_a_stream(world: GatewayWorld) -> None:
    def status(cookie: str | None) -> int:
        with world.connect(Cookie=cookie) as visitor:
            return visitor.status

    assert status(None) == 401
    assert status(f"{COOKIE}=nonsense") == 403
    assert status(world.cookie(OTHER)) == 403
    assert status(f"{COOKIE}={world.ticket()}") == 403
    assert status(world.cookie(seconds=0)) == 410
    world.upstreams.over.add(world.stream)
    assert status(world.cookie()) == 410
    assert world.desktop.heads == []
    assert len(world.gateway.live) == 0


def with_a_pen(world: GatewayWorld, **headers: str | None) -> Visitor:
    return world.connect(f"{world.page()}api/pen", **headers)


def test_a_pen_goes_to_its_own_door_and_does_not_wait(world: GatewayWorld) -> None:
    with opened(world), with_a_pen(world) as pen:
        assert pen.status == 101
        assert pen.read(6) == GREETING
        pen.say(b"pen,away")
        assert pen.read(10) == b"\x81\x08pen,away"
        wait_for(lambda: {world.stream} in world.upstreams.worked_on)
    assert world.desktop.heads[1].startswith(b"GET /api/pen HTTP/1.1\r\n")
    assert world.desktop.refusals == 0


def test_a_pen_needs_all_that_a_mouse_needs(world: GatewayWorld) -> None:
    def status(**headers: str | None) -> int:
        with with_a_pen(world, **headers) as visitor:
            return visitor.status

    assert status(Cookie=None) == 401
    assert status(Cookie=world.cookie(OTHER)) == 403
    assert status(Cookie=world.cookie(seconds=0)) == 410
    assert status(Origin=None) == 403
    assert status(Origin="http://evil.example") == 403
    world.upstreams.over.add(world.stream)
    assert status() == 410
    assert world.desktop.heads == []
    assert len(world.gateway.live) == 0


def test_who_looks_on_has_no_pen(world: GatewayWorld) -> None:
    with world.connect(f"{world.page()}api/pen?role=viewer") as viewer:
        assert viewer.status == 404
    places = world.upstreams.places
    places[world.stream] = msgspec.structs.replace(places[world.stream], most_viewers=4)
    with with_a_pen(world) as viewer:
        assert viewer.status == 404
    assert world.desktop.heads == []
    assert len(world.gateway.live) == 0


def test_a_pen_is_cut_with_its_stream(world: GatewayWorld) -> None:
    with with_a_pen(world) as pen:
        assert pen.read(6) == GREETING
        world.upstreams.over.add(world.stream)
        assert close_code(pen.read_to_end()) == 4001


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/streams/{}/",
        "/streams/{}/api/ws",
        "/streams/{}/api/webrtc/signaling",
        "/streams/{}/api/websockets/",
        "/streams/{}/api/../api/websockets",
        "/streams/{}/%61pi/websockets",
        "//streams/{}/api/websockets",
        "/streams/../streams/{}/api/websockets",
        "/STREAMS/{}/api/websockets",
    ],
)
def test_no_other_address_is_upgraded(shared_world: GatewayWorld, path: str) -> None:
    with shared_world.connect(path.format(shared_world.stream)) as visitor:
        assert visitor.status == 404
    assert shared_world.desktop.heads == []


def test_a_desktop_that_is_gone_or_is_another_is_refused(world: GatewayWorld) -> None:
    place = world.desktop.folder / world.desktop.name
    hidden = place.rename(place.with_name("hidden.sock"))
    with world.connect() as visitor:
        assert visitor.status == 503
    place.symlink_to(hidden)
    with world.connect() as visitor:
        assert visitor.status == 502
    assert world.desktop.heads == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>",
        b"HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: a=b\r\n\r\n",
        b"nonsense",
    ],
)
def test_what_a_desktop_answers_never_reaches_our_origin(
    world: GatewayWorld, answer: bytes
) -> None:
    world.desktop.answer = answer
    with world.connect() as visitor:
        assert visitor.status == 502
        assert visitor.read_to_end() == b"The desktop did not agree.\n"
        assert b"text/plain" in visitor.head
        assert b"a=b" not in visitor.head


def test_a_desktop_that_never_answers_is_given_up(
    open_world: Callable[..., GatewayWorld],
) -> None:
    world = open_world(handshake_seconds=0.3)
    world.desktop.answer = b"HTTP/1.1 101"
    with world.connect() as visitor:
        assert visitor.status == 503


def test_a_browser_never_hears_that_it_came_too_soon(world: GatewayWorld) -> None:
    with opened(world), opened(world), opened(world):
        assert world.desktop.refusals == 0


def test_a_refusal_for_coming_too_soon_is_tried_again(
    open_world: Callable[..., GatewayWorld],
) -> None:
    world = open_world(connect_spacing_seconds=0.3)
    with opened(world), opened(world):
        assert world.desktop.refusals == 1


def test_a_silent_desktop_is_let_through(world: GatewayWorld) -> None:
    world.desktop.greeting = b""
    with world.connect() as visitor:
        assert visitor.status == 101
        visitor.say(b"hello")
        assert visitor.read(7) == b"\x81\x05hello"


def test_an_ended_stream_is_closed_with_a_reason(world: GatewayWorld) -> None:
    with opened(world) as visitor:
        began = time.monotonic()
        world.upstreams.over.add(world.stream)
        last = visitor.read_to_end()
        assert close_code(last) == 4001
        assert b"stopped" in last
        assert time.monotonic() - began < 5
        wait_for(lambda: len(world.gateway.live) == 0)


def test_a_cut_waits_for_the_frame_that_is_under_way(world: GatewayWorld) -> None:
    world.desktop.echoes = False
    with opened(world) as visitor:
        world.desktop.send(b"\x82\x7d" + b"a" * 100)
        assert visitor.read(102) == b"\x82\x7d" + b"a" * 100
        world.upstreams.over.add(world.stream)
        wait_for(lambda: len(world.gateway.live) == 0)
        world.desktop.send(b"a" * 25 + b"\x81\x05never")
        last = visitor.read_to_end()
        assert last[:25] == b"a" * 25
        assert close_code(last[25:]) == 4001
        assert b"never" not in last


def test_a_frame_that_never_ends_does_not_hold_a_cut_up(world: GatewayWorld) -> None:
    with opened(world) as visitor:
        world.desktop.send(b"\x82\x7f" + (2**62).to_bytes(8, "big"))
        visitor.read(10)
        began = time.monotonic()
        world.upstreams.over.add(world.stream)
        assert visitor.read_to_end() == b""
        assert time.monotonic() - began < 3


def test_a_stream_ends_with_its_cookie(world: GatewayWorld) -> None:
    with opened(world) as visitor:
        world.now += timedelta(seconds=121)
        assert close_code(visitor.read_to_end()) == 4001


def test_a_desktop_that_dies_is_told_of(world: GatewayWorld) -> None:
    with opened(world) as visitor:
        world.desktop.hang_up()
        assert close_code(visitor.read_to_end()) == 1001


def test_a_visitor_who_leaves_is_forgotten(world: GatewayWorld) -> None:
    with opened(world):
        assert len(world.gateway.live) == 1
    wait_for(lambda: len(world.gateway.live) == 0)


def test_connects_that_are_refused_are_counted_by_their_reason(
    open_world: Callable[..., GatewayWorld],
) -> None:
    world = open_world(relays_per_stream=1)

    def refused(path: str | None = None, **headers: str | None) -> dict[str, int]:
        before = dict(world.gateway.refused.by_reason)
        with world.connect(path, **headers) as visitor:
            assert visitor.status != 101
        after = world.gateway.refused.by_reason
        return {reason: n - before[reason] for reason, n in after.items() if n != before[reason]}

    with opened(world):
        assert refused() == {"crowded": 1}
    wait_for(lambda: len(world.gateway.live) == 0)
    assert refused(Cookie=None) == {"missing": 1}
    assert refused(Origin="https://evil.example") == {"cross-site": 1}
    assert refused("/streams/x/other") == {"not-found": 1}
    assert refused(Sec_WebSocket_Version="12") == {"malformed": 1}
    world.desktop.answer = b"nonsense"
    assert refused() == {"unavailable": 1}
    world.upstreams.over.add(world.stream)
    assert refused() == {"ended": 1}


def test_pages_of_one_stream_are_bounded(open_world: Callable[..., GatewayWorld]) -> None:
    world = open_world(relays_per_stream=1)
    with opened(world), world.connect() as second:
        assert second.status == 429
    wait_for(lambda: len(world.gateway.live) == 0)
    with opened(world):
        pass


def send_until_stuck(visitor: Visitor, most: int) -> int:
    """Send until nothing more is taken; says how many bytes were."""
    visitor.socket.settimeout(1.0)
    sent = 0
    with suppress(TimeoutError):
        while sent < most:
            sent += visitor.socket.send(bytes(65536))
    visitor.socket.settimeout(SECONDS)
    return sent


def test_a_desktop_that_does_not_read_stops_the_browser(world: GatewayWorld) -> None:
    with opened(world) as visitor:
        world.desktop.is_reading.clear()
        sent = send_until_stuck(visitor, 64 * 1024 * 1024)
        assert sent < 32 * 1024 * 1024
        world.desktop.is_reading.set()
        wait_for(lambda: world.desktop.received >= sent, seconds=60)


def test_a_browser_that_does_not_read_stops_the_desktop(world: GatewayWorld) -> None:
    frame = b"\x82\x7f" + (48 * 1024 * 1024).to_bytes(8, "big") + bytes(48 * 1024 * 1024)
    with opened(world) as visitor:
        assert world.desktop.send_until_stuck(frame) < len(frame)
        assert visitor.read(len(frame) // 16) == frame[: len(frame) // 16]


def test_nothing_may_be_sent_before_the_answer(world: GatewayWorld) -> None:
    world.desktop.answer = b"HTTP/1.1 101"
    request = upgrade_request(world.port, f"{world.page()}api/websockets", Cookie=world.cookie())
    with Visitor(world.port, request, waits=False) as visitor:
        wait_for(lambda: world.desktop.heads)
        visitor.socket.sendall(b"early")
        assert visitor.read_to_end().startswith(b"HTTP/1.1 400")
    wait_for(lambda: len(world.gateway.live) == 0)


def test_close_frames_of_the_desktop_pass(world: GatewayWorld) -> None:
    with opened(world) as visitor:
        world.desktop.send(close_frame(1000, "Superseded by new client"))
        assert close_code(visitor.read(28)) == 1000
