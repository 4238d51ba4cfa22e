"""Requests that are too long or too slow, or that two parsers might read in two ways."""

import asyncio
import socket
import time
from collections.abc import Callable

import pytest

from soundstage.gateway.intake import OneWrite
from soundstage.testing.streams import SECONDS, GatewayWorld, Visitor, wait_for


def answer(world: GatewayWorld, request: bytes) -> bytes:
    """Send raw bytes and read the whole answer; b"" when the server just hangs up."""
    with Visitor(world.port, request, waits=False) as visitor:
        return visitor.read_to_end()


def test_a_head_without_end_is_refused(world: GatewayWorld) -> None:
    with Visitor(world.port, b"GET / HTTP/1.1\r\nX: ", waits=False) as visitor:
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                sent += visitor.socket.send(bytes(4096).replace(b"\0", b"x"))
        except (ConnectionResetError, BrokenPipeError):
            pass
        assert sent < 16 * 1024 * 1024


def test_a_long_head_is_answered_431(world: GatewayWorld) -> None:
    request = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000
    assert answer(world, request).startswith(b"HTTP/1.1 431")


def test_a_long_upgrade_is_answered_431(world: GatewayWorld) -> None:
    with world.connect(X="y" * 33_000) as visitor:
        assert visitor.status == 431
    assert world.desktop.heads == []


@pytest.mark.parametrize("begun", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_slow_head_is_given_up(open_world: Callable[..., GatewayWorld], begun: bytes) -> None:
    world = open_world(head_seconds=0.3)
    began = time.monotonic()
    assert answer(world, begun) == b""
    assert 0.2 < time.monotonic() - began < 5


def test_dripping_does_not_help(open_world: Callable[..., GatewayWorld]) -> None:
    world = open_world(head_seconds=0.3)
    with socket.create_connection(("127.0.0.1", world.port), timeout=SECONDS) as drip:
        drip.sendall(b"GET / HTTP/1.1\r\nX: ")

        def is_over() -> bool:
            try:
                drip.send(b"y")
            except OSError:
                return True
            return False

        wait_for(is_over, 5)


def test_a_slow_body_is_given_up(open_world: Callable[..., GatewayWorld]) -> None:
    world = open_world(body_seconds=0.3)
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome"
    began = time.monotonic()
    answer(world, request)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: +5",
        b"Content-Length : 5",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: xchunked",
        b"X: a\n b",
        b" folded: yes",
        b"X: a\0b",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(shared_world: GatewayWorld, head: bytes) -> None:
    smuggled = b"GET /streams/assets/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    request = b"POST /streams/x/ HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n0\r\n\r\n" + smuggled
    said = answer(shared_world, request)
    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1 ") == 1


def test_ordinary_requests_pass_on_one_connection(world: GatewayWorld) -> None:
    one = b"GET /streams/x/none HTTP/1.1\r\nHost: x\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert answer(world, one * 3 + last).count(b"HTTP/1.1 404") == 4


class Wire:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


def written(act: Callable[[OneWrite], None]) -> Wire:
    """Let something write within one turn of a loop."""
    wire = Wire()

    async def turn() -> None:
        act(OneWrite(wire, asyncio.get_running_loop()))  # type: ignore[arg-type]
        assert all(len(data) > 4 for data in wire.writes)
        await asyncio.sleep(0)

    asyncio.run(turn())
    return wire


def test_head_and_body_are_one_write() -> None:
    def act(transport: OneWrite) -> None:
        transport.write(b"head")
        transport.write(b"body")

    assert written(act).writes == [b"headbody"]


def test_a_close_comes_after_what_was_written() -> None:
    def act(transport: OneWrite) -> None:
        transport.write(b"head")
        transport.write(b"body")
        transport.close()
        assert transport.is_closing()

    wire = written(act)
    assert (wire.writes, wire.is_closed) == ([b"headbody"], True)


def test_much_is_not_held() -> None:
    large = bytes(20_000)

    def act(transport: OneWrite) -> None:
        transport.write(b"head")
        transport.write(large)
        transport.write(large)

    assert written(act).writes == [b"head" + large, large]


def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    def act(transport: OneWrite) -> None:
        transport.write(b"head")
        transport.inner.close()

    assert written(act).writes == []
