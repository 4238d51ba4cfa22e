"""The lines to the X server's pens, against a stand-in for its driver."""

import os
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from soundstage.engines.desktop import tablet

GREETING = struct.pack("<IIHH", 12, 0, 1, 1)


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not below pytest's folder: a socket's path may be 107 bytes long.
    with tempfile.TemporaryDirectory(prefix="soundstage-test-") as made:
        yield Path(made)


@pytest.fixture
def lines() -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(line) for line in tablet.unjoined()]


@pytest.fixture
def driver(folder: Path) -> Iterator[Callable[[bytes], list[bytes]]]:
    """Give a way to stand in for the driver, with this answer; it gives what was heard."""
    with ExitStack() as stack:

        def listen(answer: bytes) -> list[bytes]:
            heard: list[bytes] = []

            def serve(listener: socket.socket) -> None:
                # Nobody may come, and the test may be over.
                with suppress(OSError), listener.accept()[0] as connection:
                    heard.append(connection.recv(64))
                    connection.sendall(answer)
                    connection.recv(1)

            for name in tablet.SOCKETS.values():
                listener = stack.enter_context(socket.socket(socket.AF_UNIX))
                listener.bind(str(folder / name))
                listener.listen()
                stack.callback(listener.shutdown, socket.SHUT_RDWR)
                threading.Thread(target=serve, args=(listener,), daemon=True).start()
            return heard

        yield listen


def test_lines_that_were_handed_down_are_joined_later(
    folder: Path, lines: list[socket.socket], driver: Callable[[bytes], list[bytes]]
) -> None:
    heard = driver(GREETING)
    numbers = ",".join(str(os.dup(line.fileno())) for line in lines)
    inherited = tablet.inherited(numbers)
    tablet.join(lines, str(folder))
    assert heard == [GREETING, GREETING]
    assert list(inherited) == ["stylus", "eraser"]
    for name, line in inherited.items():
        assert line.getpeername() == str(folder / tablet.SOCKETS[name])
        line.close()


@pytest.mark.parametrize("answer", [struct.pack("<IIHH", 12, 0, 2, 0), b"?" * 12])
def test_another_driver_is_not_written_to(
    folder: Path,
    lines: list[socket.socket],
    driver: Callable[[bytes], list[bytes]],
    answer: bytes,
) -> None:
    driver(answer)
    with pytest.raises(ConnectionError):
        tablet.join(lines, str(folder))


def test_where_no_driver_is_the_error_is_one_of_files(
    folder: Path, lines: list[socket.socket]
) -> None:
    with pytest.raises(OSError, match="No such file"):
        tablet.join(lines, str(folder))


def test_events_are_laid_out_as_the_driver_s_structs() -> None:
    axes = {tablet.X: 1, tablet.Y: 2, tablet.PRESSURE: 3}
    moved = tablet.motion(axes)
    assert (len(moved), *struct.unpack_from("<III", moved)) == (1056, 1056, 2, 1)
    assert moved[20:28] == bytes([0b10011, *[0] * 7])
    assert struct.unpack_from("<5d", moved, 32) == (1.0, 2.0, 0.0, 0.0, 3.0)
    came = tablet.proximity({tablet.PRESSURE: 0}, is_in=True)
    assert (len(came), *struct.unpack_from("<III", came)) == (1056, 1056, 3, 1)
    pressed = tablet.button(3, axes, is_down=True)
    assert (len(pressed), *struct.unpack_from("<IIiiI", pressed)) == (1064, 1064, 4, 1, 3, 1)
    assert struct.unpack_from("<5d", pressed, 40) == (1.0, 2.0, 0.0, 0.0, 3.0)
