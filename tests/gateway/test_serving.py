"""The server is set as the gateway's promises need it."""

import logging
import socket

import pytest

from soundstage.gateway.frames import close_code
from soundstage.testing.streams import GatewayWorld, serving


def test_nobody_is_believed_and_no_query_is_logged(world: GatewayWorld) -> None:
    options = world.gateway.uvicorn_options()
    assert options["access_log"] is False
    assert options["proxy_headers"] is False
    assert options["server_header"] is False
    assert "server" not in world.ask("/streams/x")[1]


def test_a_server_that_stops_says_so_to_its_pages(world: GatewayWorld) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        with serving(world.gateway, listener):
            own, world.port = world.port, port
            visitor = world.connect(Origin=f"http://127.0.0.1:{port}")
            assert visitor.status == 101
            visitor.read(6)
            world.port = own
        with visitor:
            assert close_code(visitor.read_to_end()) == 1012


def test_no_log_holds_a_ticket_or_a_cookie(
    world: GatewayWorld,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    # As when a service sets logging up after the server was made.
    logging.getLogger("uvicorn.access").propagate = True
    ticket, foreign, cookie = world.ticket(), world.ticket("B" * 22), world.cookie()
    world.ask(f"{world.page()}?ticket={ticket}")
    world.ask(f"{world.page()}?ticket={ticket}")
    world.ask(f"{world.page()}?ticket={foreign}")
    world.ask(f"{world.page()}none?ticket={ticket}", Cookie=cookie)
    world.ask(world.page(), Cookie=cookie)
    for headers in ({}, {"Origin": "http://evil.example"}, {"Cookie": f"{cookie}x"}):
        with world.connect(f"{world.page()}api/websockets?ticket={ticket}", **headers):
            pass
    world.desktop.answer = b"nonsense"
    with world.connect():
        pass
    out, err = capfd.readouterr()
    logged = out + err + caplog.text
    assert "gateway.request" in logged
    assert "gateway.relay_opened" in logged
    for secret in (ticket, foreign, cookie.partition("=")[2]):
        assert secret not in logged
        assert secret.rpartition(".")[2] not in logged
