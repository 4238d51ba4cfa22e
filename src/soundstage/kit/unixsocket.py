"""Connects to a unix socket that lies in somebody else's directory, without being led astray.

A workstation's user owns the directory of its stream socket and may replace anything in it, for
instance by a link to another workstation's socket. Called by the gateway before each relayed
connection and by engines that ask whether a desktop answers.
"""

import os
import socket
import stat
import struct
from collections.abc import Callable

_PEER = struct.Struct("3i")


class UntrustedSocketError(PermissionError):
    """Something other than the expected user's socket is at that place."""


class SocketUnavailableError(ConnectionError):
    """Nothing listens there (yet), or it does not accept in time."""


def open_socket(directory: str, name: str, uid: int, *, timeout: float = 2.0) -> socket.socket:
    """Connect to the socket `name` in `directory`; both and the listener must belong to `uid`.

    The returned socket is blocking with `timeout` in seconds. Raises UntrustedSocketError when
    what is there is not what it should be, SocketUnavailableError when nothing answers.

    Both steps of the path are opened without following links, and the connection goes through
    the open descriptor, so that nothing can be swapped between the check and the use.
    """
    if name in {"", ".", ".."} or "/" in name:
        raise UntrustedSocketError(f"{name!r} is not the name of a socket")
    folder = _open(directory, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY, None)
    try:
        _expect(folder, f"the directory {directory}", stat.S_ISDIR, uid)
        node = _open(name, os.O_PATH | os.O_NOFOLLOW, folder)
        try:
            _expect(node, f"{name} in {directory}", stat.S_ISSOCK, uid)
            return _connect(node, uid, timeout)
        finally:
            os.close(node)
    finally:
        os.close(folder)


def peer_of(connection: socket.socket) -> tuple[int, int, int]:
    """Pid, uid and gid of the process at the other end, as it was when it began to listen."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    pid, uid, gid = _PEER.unpack(raw)
    return pid, uid, gid


def _open(path: str, flags: int, folder: int | None) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError as error:
        raise SocketUnavailableError(f"{path} is not there") from error
    except NotADirectoryError as error:
        # With O_DIRECTORY a link is reported this way as well.
        raise UntrustedSocketError(f"{path} is not a directory of its own") from error


def _expect(descriptor: int, what: str, is_kind: Callable[[int], bool], uid: int) -> None:
    facts = os.fstat(descriptor)
    if not is_kind(facts.st_mode):
        raise UntrustedSocketError(f"{what} is not what it should be (a link or another file)")
    if facts.st_uid != uid:
        raise UntrustedSocketError(f"{what} belongs to uid {facts.st_uid}, not {uid}")


def _connect(node: int, uid: int, timeout: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(f"/proc/self/fd/{node}")
        _, peer, _ = peer_of(connection)
    except OSError as error:
        connection.close()
        raise SocketUnavailableError(f"nothing answers: {error}") from error
    if peer != uid:
        connection.close()
        raise UntrustedSocketError(f"the listener runs as uid {peer}, not {uid}")
    return connection
