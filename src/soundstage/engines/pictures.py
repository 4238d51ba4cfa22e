"""Asks desktops for small pictures of themselves, not more often than is worth it.

Every engine with real desktops has one `Pictures`. The program that answers belongs to the artist
and is believed nothing: of what it says only so many bytes are read, within a few seconds, and
what does not begin as a JPEG does is no picture.
"""

import socket
import threading
import time
from collections.abc import Callable

import msgspec

from soundstage.engines.interface import Address, RetryableError
from soundstage.kit.places import Identity, open_place

FRESH_SECONDS = 8.0
"""How long a picture, or that there was none, is answered without asking the desktop again."""
LARGEST = 64 * 1024
"""Bytes of one picture; those that our own program makes have some 15 KiB."""
_SECONDS = 3.0
_AT_ONCE = 4
"""Desktops that are waited for at the same time, so that slow ones hold up nothing else."""
_HEAD = 8 * 1024
_REQUEST = b"GET /api/screenshot HTTP/1.0\r\nHost: localhost\r\n\r\n"
_JPEG = b"\xff\xd8\xff"


class _Taken(msgspec.Struct, frozen=True):
    at: float
    picture: bytes | None


class Pictures:
    """The last picture of each desktop that somebody looked at lately."""

    def __init__(
        self,
        address_of: Callable[[str], Address | None],
        identity: Identity | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address_of = address_of
        self._identity = identity
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[str, _Taken] = {}
        self._under_way: set[str] = set()

    def of(self, ref: str) -> bytes:
        """Give a picture of a workstation's desktop. Raises RetryableError when there is none."""
        now = self._clock()
        with self._lock:
            self._taken = {
                key: each for key, each in self._taken.items() if now - each.at < FRESH_SECONDS
            }
            known = self._taken.get(ref)
            if known is not None:
                return _expect(known.picture)
            if ref in self._under_way or len(self._under_way) >= _AT_ONCE:
                raise RetryableError("others are being taken")
            self._under_way.add(ref)
        picture = None
        try:
            picture = self._take(ref)
        finally:
            with self._lock:
                self._under_way.remove(ref)
                self._taken[ref] = _Taken(self._clock(), picture)
        return _expect(picture)

    def _take(self, ref: str) -> bytes | None:
        address = self._address_of(ref)
        if address is None:
            return None
        try:
            with open_place(address.place, address.name, self._identity) as connection:
                return _read(connection)
        except OSError:
            return None


def _expect(picture: bytes | None) -> bytes:
    if picture is None:
        raise RetryableError("the desktop gave none")
    return picture


def _read(connection: socket.socket) -> bytes | None:
    """Ask, and read to the end or to the limit of bytes or time."""
    deadline = time.monotonic() + _SECONDS
    connection.settimeout(_SECONDS)
    connection.sendall(_REQUEST)
    answer = bytearray()
    while len(answer) <= _HEAD + LARGEST:
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        connection.settimeout(left)
        piece = connection.recv(65536)
        if not piece:
            break
        answer += piece
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    is_well = head.split(b" ", 2)[1:2] == [b"200"] and body.startswith(_JPEG)
    return body if is_well and len(body) <= LARGEST else None
