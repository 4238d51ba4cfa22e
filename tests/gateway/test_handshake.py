"""Both ends of a handshake: what is let in, what is written anew, what is refused."""

import pytest

from soundstage.gateway.handshake import (
    Answer,
    BadHandshakeError,
    UpgradeRequest,
    is_host,
    read_request,
    write_request,
)
from soundstage.testing.streams import upgrade_request

MOST = 32 * 1024
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The sample pair of RFC 6455, 1.3."""


def a_request(**headers: str | None) -> UpgradeRequest:
    head: dict[str, str | None] = {"Sec-WebSocket-Key": KEY, **headers}
    return read_request(upgrade_request(80, "/a/b?role=viewer", **head), MOST)


def an_answer(**headers: str | None) -> bytes:
    lines: dict[str, str | None] = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": ACCEPT,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"HTTP/1.1 101 Switching Protocols\r\n{head}\r\n".encode()


def test_a_browsers_request_is_read() -> None:
    request = a_request(Cookie="a=1", Sec_WebSocket_Protocol="one, two")
    assert (request.path, request.query) == ("/a/b", "role=viewer")
    assert request.host == "127.0.0.1:80"
    assert request.origin == "http://127.0.0.1:80"
    assert request.cookies == ("a=1",)
    assert request.protocols == ("one", "two")
    assert request.accept == ACCEPT


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "a, b"},
        {"Host": "evil\tinside"},
        {"Host": "user@host"},
        {"Host": "host/path"},
        {"Host": None},
        {"Upgrade": "h2c"},
        {"Upgrade": "websocket, h2c"},
        {"Origin": "http://a, http://b"},
        {"Content-Length": "5"},
        {"Transfer-Encoding": "chunked"},
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": "####"},
        {"Sec-WebSocket-Protocol": "a b"},
    ],
)
def test_other_requests_are_refused(headers: dict[str, str | None]) -> None:
    with pytest.raises(BadHandshakeError):
        a_request(**headers)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense\r\n\r\n",
        upgrade_request(80, "/").replace(b"GET", b"POST"),
        upgrade_request(80, "/").replace(b"HTTP/1.1", b"HTTP/1.0"),
        upgrade_request(80, "http://elsewhere/"),
        upgrade_request(80, "/") + b"more",
        upgrade_request(80, "/")[:-2],
        upgrade_request(80, "/").replace(b"Host:", b"Host: again\r\nHost:"),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_whole_request_is_refused(raw: bytes) -> None:
    with pytest.raises(BadHandshakeError):
        read_request(raw, MOST)


def test_a_long_head_is_refused_unread() -> None:
    with pytest.raises(BadHandshakeError) as refused:
        read_request(upgrade_request(80, "/", X="y" * MOST), MOST)
    assert refused.value.status == 431


def test_a_desktop_gets_an_allow_list_and_no_secrets() -> None:
    request = a_request(
        Cookie="soundstage_stream=secret",
        Authorization="Bearer secret",
        X_Forwarded_For="1.2.3.4",
        Keep_Alive="5",
        Sec_WebSocket_Extensions="permessage-deflate",
        Sec_WebSocket_Protocol="one",
    )
    lines = write_request(request, "/api/websockets").decode().split("\r\n")
    assert lines == [
        "GET /api/websockets HTTP/1.1",
        "Host: 127.0.0.1:80",
        "Origin: http://127.0.0.1:80",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: one",
        "",
        "",
    ]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_answer_is_read_in_pieces_and_written_anew(size: int) -> None:
    answer = Answer(a_request(Sec_WebSocket_Protocol="one, two"))
    raw = an_answer(Sec_WebSocket_Protocol="two", Set_Cookie="planted=1", Link="<x>") + b"\x81\x00"
    first = b""
    for at in range(0, len(raw), size):
        got = answer.feed(raw[at : at + size])
        if got is not None:
            first = got + raw[at + size :]
            break
    assert first == b"\x81\x00"
    assert answer.write().decode().split("\r\n") == [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {ACCEPT}",
        "Sec-WebSocket-Protocol: two",
        "",
        "",
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\n<",
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        an_answer().replace(ACCEPT.encode(), b"x" * 28),
        an_answer(Upgrade="h2c"),
        an_answer(Sec_WebSocket_Protocol="never-offered"),
        an_answer(Sec_WebSocket_Extensions="permessage-deflate"),
        b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 20_000,
    ],
)
def test_a_desktop_that_does_not_agree_is_refused(raw: bytes) -> None:
    with pytest.raises(BadHandshakeError) as refused:
        Answer(a_request()).feed(raw)
    assert refused.value.status == 502


@pytest.mark.parametrize("host", ["localhost", "a.b-c.de:8080", "127.0.0.1:1", "[::1]:8080"])
def test_hosts_are_hosts(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a;b", "a@b", "a:b", "a\n", "[::1", "'x'"])
def test_other_texts_are_not(host: str) -> None:
    assert not is_host(host)
