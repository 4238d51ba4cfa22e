"""Stands between a gateway and a stream server, passes everything on, and counts the pictures.

`contention` uses it: what leaves a workstation is counted where it leaves, whatever becomes of it
in a browser that has too little of the same cores.
"""

import socket
import threading
from contextlib import suppress
from pathlib import Path

_PIECE = 1 << 18
_BINARY = 2
# A message's first byte: pictures are JPEG or video; bytes 2 and 3 are the number of their frame.
_PICTURES = (0x03, 0x04)
_TOLD_BY = 4


class Tap:
    """Listens on a socket of its own; `frames` counts what has come through so far."""

    def __init__(self, server: Path, own: Path) -> None:
        """Listen at `own` for who wants to reach `server`."""
        self.frames = 0
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(own))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                for ends, counter in (((client, server), None), ((server, client), _Counter(self))):
                    threading.Thread(target=_copy, args=(*ends, counter), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket, counter: "_Counter | None") -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
            if counter is not None:
                counter.take(piece)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class _Counter:
    """Reads a server's side of one connection: an answer to a handshake, then websocket frames."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._kept = b""
        self._is_open = False
        self._skip = 0
        self._last = b""

    def take(self, piece: bytes) -> None:
        """Count what is in a piece; a message may begin and end anywhere."""
        self._kept += piece
        while self._pass_one():
            pass

    def _pass_one(self) -> bool:
        if self._skip:
            passed = min(self._skip, len(self._kept))
            self._kept, self._skip = self._kept[passed:], self._skip - passed
            return not self._skip
        if not self._is_open:
            head, found, rest = self._kept.partition(b"\r\n\r\n")
            if found:
                self._is_open, self._kept = b" 101 " in head.split(b"\r\n")[0], rest
            return bool(found) and self._is_open
        return self._pass_message()

    def _pass_message(self) -> bool:
        if len(self._kept) < 2 + 8 + _TOLD_BY:
            # Whole ones that are so short are no pictures, and their end comes with what follows.
            return False
        size, begin = self._kept[1] & 127, 2
        if size >= 126:
            begin = 4 if size == 126 else 10
            size = int.from_bytes(self._kept[2:begin])
        told = self._kept[begin : begin + _TOLD_BY]
        if self._kept[0] & 15 == _BINARY and told[0] in _PICTURES and told[2:] != self._last:
            self._last = told[2:]
            self._tap.frames += 1
        self._skip = begin + size
        return True
