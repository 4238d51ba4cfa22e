"""What passes between a desktop and a browser that only looks on, by the byte and by a socket."""

import os

import msgspec
import pytest

from soundstage.gateway.looking import Looking
from soundstage.testing.streams import GatewayWorld, Visitor, wait_for

INPUT = [
    b"kd,65", b"ku,65", b"kh,65", b"kr", b"m,10,10,1,0", b"m2,1,1,0,0", b"co,end,text", b"sf",
    b"js,b,0,1,1", b"cws,10", b"cwd,aGVsbG8=", b"cw,aGVsbG8=", b"cb,text/plain,aGVsbG8=", b"cr",
    b"REQUEST_CLIPBOARD", b"r,1024x768", b"s,144", b"cmd,xterm", b"_arg_fps,60", b"STOP_AUDIO",
    b"START_VIDEO;kd,65", b"SET", b"_gz,1", b"AUTH,x", b"", b"START_VIDEO\n",
]  # fmt: skip
KINDS = {"text": 0x81, "binary": 0x82, "part": 0x01, "rest": 0x80, "ping": 0x89, "odd": 0x83}


def masked(payload: bytes, first: int = 0x81, mask: bytes = b"\1\2\3\4") -> bytes:
    length = len(payload)
    head = bytes([length | 0x80]) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
    body = bytes(byte ^ mask[number % 4] for number, byte in enumerate(payload))
    return bytes([first]) + head + mask + body


def plain(payload: bytes, first: int = 0x81) -> bytes:
    length = len(payload)
    head = bytes([length]) if length < 126 else b"\x7e" + length.to_bytes(2, "big")
    return bytes([first]) + head + payload


def ours(payload: bytes, first: int = 0x81) -> bytes:
    return masked(payload, first, bytes(4))


@pytest.mark.parametrize("payload", INPUT)
def test_nothing_that_does_anything_reaches_the_desktop(payload: bytes) -> None:
    assert Looking().to_desktop(masked(payload)) == b""


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "text"])
def test_a_frame_of_another_kind_carries_nothing_either(kind: str) -> None:
    looking = Looking()
    for payload in (*INPUT, b"START_VIDEO", b"SETTINGS,{}"):
        assert looking.to_desktop(masked(payload, KINDS[kind])) == b""


def test_what_a_page_needs_passes_in_our_words_alone() -> None:
    looking = Looking()
    wishes = b'SETTINGS,{"displayId":"display2","scaling_dpi":300,"x":"' + b"y" * 300 + b'"}'
    sent = masked(wishes) + masked(b"START_VIDEO") + masked(b"kd,65") + masked(b"pong!", 0x8A)
    expected = ours(b"SETTINGS,{}") + ours(b"START_VIDEO") + ours(b"pong!", 0x8A)
    assert looking.to_desktop(sent) == expected
    # However it is cut on its way.
    for size in (1, 2, 3, 7):
        looking = Looking()
        pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
        assert b"".join(map(looking.to_desktop, pieces)) == expected


def test_what_looks_like_a_frame_inside_of_one_is_none() -> None:
    trick = masked(b"x" * 200 + ours(b"kd,65") + ours(b"START_VIDEO"))
    assert Looking().to_desktop(trick) == b""


def test_the_picture_comes_and_the_clipboard_does_not() -> None:
    looking = Looking()
    picture, sound = plain(b"\x04" + os.urandom(20_000), 0x82), plain(b"\x01abc", 0x82)
    told = [plain(b"MODE websockets"), plain(b'{"type":"server_settings"}'), plain(b"ping", 0x89)]
    kept = [
        plain(b"clipboard,c2VjcmV0"), plain(b"clipboard_start,text/plain,9"),
        plain(b"clipboard_data,c2VjcmV0"), plain(b"clipboard_binary,image/png,AAAA"),
        plain(b"clipboard_secret"), plain(b"\x05packed", 0x82), plain(b"system,{}"),
        plain(b"clipboard,", 0x01) + plain(b"between", 0x8A) + plain(b"c2VjcmV0", 0x80),
    ]  # fmt: skip
    sent = b"".join([*told, *kept[:4], picture, *kept[4:], sound])
    expected = b"".join([*told, picture, plain(b"between", 0x8A), sound])
    assert looking.to_browser(sent) == expected
    for size in (1, 5, 1000, 30_000):
        looking = Looking()
        pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
        assert b"".join(map(looking.to_browser, pieces)) == expected


def share(world: GatewayWorld, most: int) -> None:
    places = world.upstreams.places
    places[world.stream] = msgspec.structs.replace(places[world.stream], most_viewers=most)


def opened(world: GatewayWorld) -> Visitor:
    visitor = world.connect()
    assert visitor.status == 101
    assert visitor.read(6) == b"\x81\x04MODE"
    return visitor


def test_whoever_speaks_websocket_by_hand_can_not_type_either(world: GatewayWorld) -> None:
    share(world, 3)
    with opened(world) as visitor:
        for payload in INPUT:
            visitor.say(payload)
        visitor.say(b"START_VIDEO")
        wait_for(lambda: world.desktop.received)
        assert world.desktop.received == len(ours(b"START_VIDEO"))
    assert world.desktop.heads[0].startswith(b"GET /api/websockets?role=viewer ")
    assert world.upstreams.worked_on == []


def test_the_control_the_owner_s_keys_do_arrive(world: GatewayWorld) -> None:
    with opened(world) as visitor:
        visitor.say(b"kd,65")
        assert visitor.read(7) == b"\x81\x05kd,65"


def test_no_more_look_on_than_may(world: GatewayWorld) -> None:
    share(world, 2)
    with opened(world), opened(world):
        wait_for(lambda: {world.stream: 2} in world.upstreams.looking)
        with world.connect() as third:
            assert third.status == 503
        page = world.ask(world.page(), Cookie=world.cookie())
        assert page[0] == 503
        assert b"All places are taken" in page[2]
    wait_for(lambda: world.upstreams.looking[-1] == {world.stream: 0})
    with opened(world):
        pass


def test_an_ended_link_cuts_who_looks_on_within_seconds(world: GatewayWorld) -> None:
    share(world, 2)
    with opened(world) as visitor:
        world.upstreams.over.add(world.stream)
        assert b"\x0f\xa1" in visitor.read_to_end()


def test_the_page_of_a_viewer_offers_nothing_to_do(world: GatewayWorld) -> None:
    own = world.ask(world.page(), Cookie=world.cookie())[2]
    share(world, 2)
    viewers = world.ask(world.page(), Cookie=world.cookie())[2]
    for script in (b"bar.js", b"files.js", b"share.js", b"countdown.js"):
        assert script in own
        assert script not in viewers
    assert b"viewer.js" in viewers
    assert world.ask(f"{world.page()}api/transfers", Cookie=world.cookie())[0] == 403
    assert world.ask(f"{world.page()}api/shares", Cookie=world.cookie())[0] == 403
