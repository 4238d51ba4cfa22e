"""Safe connects to sockets in other people's directories, with the attacks on them."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.kit.unixsocket import (
    SocketUnavailableError,
    UntrustedSocketError,
    open_socket,
    peer_of,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "stream"
    made.mkdir()
    return made


@pytest.fixture
def listener(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "s.sock"))
        made.listen()
        yield made


def test_connects_to_the_expected_listener(folder: Path, listener: socket.socket) -> None:
    with open_socket(str(folder), "s.sock", os.getuid()) as connection:
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(b"here")
            assert connection.recv(4) == b"here"
            assert peer_of(connection)[:2] == (os.getpid(), os.getuid())


def test_leaves_no_descriptor_behind(folder: Path, listener: socket.socket) -> None:
    assert listener.fileno() >= 0
    before = len(list(Path("/proc/self/fd").iterdir()))
    open_socket(str(folder), "s.sock", os.getuid()).close()
    with pytest.raises(UntrustedSocketError):
        open_socket(str(folder), "s.sock", os.getuid() + 1)
    with pytest.raises(SocketUnavailableError):
        open_socket(str(folder), "other.sock", os.getuid())
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    descriptor = os.open(deep, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{descriptor}/s.sock")
        made.listen()
        open_socket(str(deep), "s.sock", os.getuid()).close()
    os.close(descriptor)


@pytest.mark.usefixtures("listener")
def test_refuses_a_link_to_another_socket(folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "s.sock").symlink_to(folder / "s.sock")
    with socket.socket(socket.AF_UNIX) as naive:
        naive.connect(str(mine / "s.sock"))  # The attack works on a plain connect.
    with pytest.raises(UntrustedSocketError, match="a link or another file"):
        open_socket(str(mine), "s.sock", os.getuid())


@pytest.mark.usefixtures("listener")
def test_refuses_a_linked_directory(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(UntrustedSocketError, match="not a directory"):
        open_socket(str(tmp_path / "link"), "s.sock", os.getuid())


@pytest.mark.usefixtures("listener")
def test_refuses_another_users_folder(folder: Path) -> None:
    with pytest.raises(UntrustedSocketError, match="belongs to uid"):
        open_socket(str(folder), "s.sock", os.getuid() + 1)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a socket change its owner")
def test_refuses_a_listener_of_another_user(folder: Path, listener: socket.socket) -> None:
    assert listener.fileno() >= 0
    os.chown(folder, 4711, 4711)
    os.chown(folder / "s.sock", 4711, 4711)
    with pytest.raises(UntrustedSocketError, match="listener runs as uid"):
        open_socket(str(folder), "s.sock", 4711)


@pytest.mark.parametrize("name", ["", ".", "..", "../s.sock", "/run/s.sock", "a/b"])
def test_refuses_a_name_that_is_a_path(folder: Path, name: str) -> None:
    with pytest.raises(UntrustedSocketError):
        open_socket(str(folder), name, os.getuid())


def test_says_when_nothing_is_there(folder: Path) -> None:
    with pytest.raises(SocketUnavailableError, match="not there"):
        open_socket(str(folder), "s.sock", os.getuid())
    with pytest.raises(SocketUnavailableError, match="not there"):
        open_socket(str(folder / "none"), "s.sock", os.getuid())


def test_says_when_nobody_listens(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "s.sock"))
    with pytest.raises(SocketUnavailableError, match="nothing answers"):
        open_socket(str(folder), "s.sock", os.getuid())


def test_refuses_a_plain_file(folder: Path) -> None:
    (folder / "s.sock").write_text("not a socket")
    with pytest.raises(UntrustedSocketError, match="another file"):
        open_socket(str(folder), "s.sock", os.getuid())
