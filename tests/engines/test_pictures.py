"""Pictures of desktops: what is taken for one, how often it is asked for, how long it may take."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from soundstage.engines import pictures as module
from soundstage.engines.interface import Address, RetryableError
from soundstage.engines.pictures import FRESH_SECONDS, LARGEST, Pictures
from soundstage.kit.places import SocketFolder

OK = b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"
JPEG = b"\xff\xd8\xff\xe0 and so on"


class Desktop:
    """Answers every request with what a test wants it to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answer = OK + JPEG
        self.asked: list[bytes] = []
        self.is_endless = False
        self.now = 100.0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "s.sock"))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def address(self, ref: str) -> Address | None:
        if ref == "absent":
            return None
        place = SocketFolder(directory=str(self.folder), uid=os.getuid())
        return Address(place=place, name="s.sock")

    def pictures(self) -> Pictures:
        return Pictures(self.address, clock=lambda: self.now)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    self.asked.append(connection.recv(4096))
                    connection.sendall(self.answer)
                    while self.is_endless:
                        connection.sendall(b"x" * 4096)


@pytest.fixture(name="desktop")
def a_desktop(tmp_path: Path) -> Iterator[Desktop]:
    desktop = Desktop(tmp_path)
    yield desktop
    desktop.close()


def test_it_is_what_the_desktop_gave(desktop: Desktop) -> None:
    assert desktop.pictures().of("ref") == JPEG
    assert desktop.asked[0].startswith(b"GET /api/screenshot HTTP/1.0\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.0 503 Service Unavailable\r\n\r\n" + JPEG,
        OK + b"<script>alert(1)</script>",
        OK + b"\x89PNG\r\n\x1a\n",
        OK,
        JPEG,
        OK + JPEG + b"x" * LARGEST,
    ],
    ids=["nothing", "error", "page", "png", "empty", "no head", "too large"],
)
def test_what_is_no_small_jpeg_is_no_picture(desktop: Desktop, answer: bytes) -> None:
    desktop.answer = answer
    with pytest.raises(RetryableError):
        desktop.pictures().of("ref")


def test_one_that_never_ends_is_not_read_to_the_end(desktop: Desktop) -> None:
    desktop.is_endless = True
    with pytest.raises(RetryableError):
        desktop.pictures().of("ref")


def test_one_that_says_nothing_is_not_waited_for_long(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(desktop.folder / "silent.sock"))
        silent.listen()
        place = SocketFolder(directory=str(desktop.folder), uid=os.getuid())
        quiet = Pictures(lambda _: Address(place=place, name="silent.sock"))
        with pytest.raises(RetryableError):
            quiet.of("ref")


def test_many_lookers_make_one_picture_in_a_while(desktop: Desktop) -> None:
    pictures = desktop.pictures()
    assert {pictures.of("ref") for _ in range(20)} == {JPEG}
    assert len(desktop.asked) == 1
    desktop.now += FRESH_SECONDS + 1
    desktop.answer = OK + JPEG + b" another"
    assert pictures.of("ref") == JPEG + b" another"
    assert len(desktop.asked) == 2


def test_a_desktop_that_gives_none_is_left_in_peace_too(desktop: Desktop) -> None:
    desktop.answer = b""
    pictures = desktop.pictures()
    for _ in range(5):
        with pytest.raises(RetryableError):
            pictures.of("ref")
    assert len(desktop.asked) == 1


def test_where_no_desktop_is_there_is_no_picture(desktop: Desktop) -> None:
    with pytest.raises(RetryableError):
        desktop.pictures().of("absent")
    assert desktop.asked == []


def test_only_so_many_are_waited_for_at_once(desktop: Desktop) -> None:
    waiting = threading.Barrier(5)
    done = threading.Event()

    def slow(_ref: str) -> Address | None:
        waiting.wait(10)
        done.wait(10)
        return None

    pictures = Pictures(slow)

    def look(ref: str) -> None:
        with suppress(RetryableError):
            pictures.of(ref)

    lookers = [threading.Thread(target=look, args=(ref,)) for ref in "abcd"]
    for each in lookers:
        each.start()
    waiting.wait(10)
    for ref in ("a", "e"):
        with pytest.raises(RetryableError, match="others are being taken"):
            pictures.of(ref)
    done.set()
    for each in lookers:
        each.join()
    del desktop
