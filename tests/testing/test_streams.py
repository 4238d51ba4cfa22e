"""The stand-ins do what they stand in for."""

import socket
from pathlib import Path

from soundstage.gateway.frames import TOO_SOON, close_code
from soundstage.testing.streams import StandInDesktop, read_head, upgrade_request


def connect(desktop: StandInDesktop) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(str(desktop.folder / desktop.name))
    connection.sendall(upgrade_request(80, "/api/websockets"))
    assert read_head(connection).startswith(b"HTTP/1.1 101")
    return connection


def test_a_desktop_greets_echoes_and_refuses_who_comes_too_soon(home: Path) -> None:
    desktop = StandInDesktop(home)
    try:
        with connect(desktop) as first, connect(desktop) as second:
            assert first.recv(6) == desktop.greeting
            assert close_code(second.recv(100)) == TOO_SOON
            first.sendall(b"\x81\x82" + bytes(4) + b"hi")
            assert first.recv(100) == b"\x81\x02hi"
            assert desktop.refusals == 1
    finally:
        desktop.close()
