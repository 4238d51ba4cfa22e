"""The little of RFC 6455 that a relay needs: where frames end, and how to close between two.

`relay` feeds it what a desktop sends; payloads are never looked at.
"""

import msgspec

TEXT = 0x1
BINARY = 0x2
CONTROL = 0x8
"""Codes from here on are of frames that stand by themselves, also between parts of a message."""
_NOT_READ = {0, BINARY}
"""Of what a browser sends nobody reads these, and they are many."""
_LENGTH_16 = 126
_LENGTH_64 = 127
_MASKED = 0x80
_OPCODE = 0x0F
_CLOSE = 0x8
_FINAL = 0x80
_FINAL_CLOSE = 0x88
_REASON_BYTES = 123
"""A control frame's payload is at most 125 bytes, two of them the code (RFC 6455, 5.5)."""

GOING_AWAY = 1001
POLICY = 1008
RESTART = 1012
OVERLOADED = 1013
ENDED = 4001
"""Private code; Selkies' client takes it as final and does not try again."""
TOO_SOON = 4029
"""Selkies' own code for "connected less than 500 ms after the last one"."""


class Borders:
    """Follows frames through chunks of bytes cut anywhere."""

    def __init__(self) -> None:
        self._left = 0
        """Payload bytes of the present frame still to come."""
        self._head = b""
        """The beginning of a frame head that was cut."""

    @property
    def is_between(self) -> bool:
        """Reports whether all bytes so far are whole frames."""
        return not self._left and not self._head

    def feed(self, data: bytes) -> int:
        """Note that these bytes were passed on; says how many frames began in them."""
        if len(data) < self._left:
            self._left -= len(data)
            return 0
        begun = 0
        at = self._left
        self._left = 0
        if self._head:
            data, at = self._head + data[at:], 0
            self._head = b""
        size = len(data)
        while at < size:
            end = frame_end(data, at)
            if end is None:
                self._head = data[at:]
                return begun
            begun += 1
            at = end
        self._left = at - size
        return begun

    def rest_of_frame(self, data: bytes) -> bytes:
        """Give the part of `data` that completes the present frame, and note it as passed on."""
        if self._head:
            end = frame_end(self._head + data, 0)
            part = data if end is None else data[: end - len(self._head)]
        else:
            part = data[: self._left]
        self.feed(part)
        return part


class Opening(msgspec.Struct, frozen=True):
    """How a frame begins, and where it ends, past what is there too."""

    code: int
    is_final: bool
    start: bytes
    """The first bytes of what is in it, unmasked where it is a text or stands by itself."""
    length: int
    at: int
    end: int


class Openings:
    """Finds the frames in chunks of bytes cut anywhere, and looks at the beginning of each."""

    def __init__(self, look: int) -> None:
        self._look = look
        self._left = 0
        """Bytes of the present frame still to come."""
        self._head = b""
        """The beginning of a frame that was cut before enough of it was there."""

    def feed(self, data: bytes) -> tuple[bytes, int, list[Opening]]:
        """Give what can be judged by now, how much of it belongs to the frame before, and the
        frames that begin in it.
        """
        data, self._head = self._head + data, b""
        rest = at = min(self._left, len(data))
        self._left -= rest
        found = []
        while at < len(data):
            opening = _opening(data, at, self._look)
            if opening is None:
                self._head = data[at:]
                break
            found.append(opening)
            self._left = max(0, opening.end - len(data))
            at = opening.end
        return data[: len(data) - len(self._head)], rest, found


def _opening(data: bytes, at: int, look: int) -> Opening | None:
    """Read how a frame begins; None when too little of it is there."""
    end = frame_end(data, at)
    if end is None:
        return None
    first, second = data[at], data[at + 1]
    short = second & ~_MASKED
    wide = 0 if short < _LENGTH_16 else 2 if short == _LENGTH_16 else 8
    length = short if not wide else int.from_bytes(data[at + 2 : at + 2 + wide], "big")
    begin = end - length
    start = data[begin : begin + min(look, length)]
    if len(start) < min(look, length):
        return None
    code = first & _OPCODE
    if second & _MASKED and code not in _NOT_READ:
        mask = data[begin - 4 : begin]
        start = bytes(byte ^ mask[number % 4] for number, byte in enumerate(start))
    return Opening(code, bool(first & _FINAL), start, length, at, end)


def frame_end(data: bytes, at: int) -> int | None:
    """Find where the frame that begins at `at` ends, past `data` too; None when its head is cut."""
    if len(data) - at < 2:
        return None
    second = data[at + 1]
    mask = 4 if second & _MASKED else 0
    length = second & ~_MASKED
    if length < _LENGTH_16:
        return at + 2 + mask + length
    wide = 2 if length == _LENGTH_16 else 8
    if len(data) - at < 2 + wide + mask:
        return None
    return at + 2 + wide + mask + int.from_bytes(data[at + 2 : at + 2 + wide], "big")


def close_frame(code: int, reason: str) -> bytes:
    """Make a server's close frame; a long reason is shortened at a letter's border."""
    text = reason.encode()[:_REASON_BYTES].decode(errors="ignore").encode()
    return bytes((_FINAL_CLOSE, 2 + len(text))) + code.to_bytes(2, "big") + text


def close_code(data: bytes) -> int | None:
    """Read the code when `data` begins with a server's close frame; None for any other frame."""
    if len(data) < 4 or data[0] & _OPCODE != _CLOSE or data[1] < 2 or data[1] & _MASKED:
        return None
    return int.from_bytes(data[2:4], "big")
