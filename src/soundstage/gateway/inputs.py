"""Sees in what a browser sends whether somebody used a pointer or a key. Nothing is kept of it.

`relay` feeds it every byte that goes to a desktop. An open page sends messages of its own all the
time (acknowledgements, its size, a key that is let go when it loses the focus); only what a hand
does counts, and a pointer message that repeats the last one is none: browsers send such when
something moves under the pointer.
"""

_TEXT = 0x1
_OPCODE = 0x0F
_MASKED = 0x80
_LENGTH_16 = 126
_LOOK = 48
"""Bytes of a message that are looked at: a pointer message is shorter."""
_KEYS = frozenset({b"kd", b"kh", b"co", b"sf"})
_POINTERS = frozenset({b"m", b"m2"})
_POSITION = 5
"""Words of a pointer message that say where and which buttons; its number follows."""


class Inputs:
    """Follows the frames of one browser through chunks cut anywhere."""

    def __init__(self) -> None:
        self._left = 0
        """Bytes of the present frame still to be passed over."""
        self._head = b""
        """The beginning of a frame that was cut before enough of it was there."""
        self._pointer: list[bytes] = []

    def feed(self, data: bytes) -> bool:
        """Look at bytes that were passed on; reports whether a hand was in them."""
        if self._head:
            data, self._head = self._head + data, b""
        at = min(self._left, len(data))
        self._left -= at
        found = False
        while at < len(data):
            frame = _read(data, at)
            if frame is None:
                self._head = data[at:]
                break
            text, end = frame
            found = self._is_input(text) or found
            self._left = max(0, end - len(data))
            at = end
        return found

    def _is_input(self, text: bytes) -> bool:
        word = text.partition(b",")[0]
        if word in _KEYS:
            return True
        if word not in _POINTERS:
            return False
        position = text.split(b",")[:_POSITION]
        before, self._pointer = self._pointer, position
        return position != before


def _read(data: bytes, at: int) -> tuple[bytes, int] | None:
    """Read the first bytes of a text message, and where its frame ends; None when too little is
    there. Other frames have no text.
    """
    if len(data) - at < 2:
        return None
    first, second = data[at], data[at + 1]
    length, wide = second & ~_MASKED, 0
    if length >= _LENGTH_16:
        wide = 2 if length == _LENGTH_16 else 8
        if len(data) - at < 2 + wide:
            return None
        length = int.from_bytes(data[at + 2 : at + 2 + wide], "big")
    mask_at = at + 2 + wide
    start = mask_at + (4 if second & _MASKED else 0)
    look = min(length, _LOOK)
    if len(data) < start + look:
        return None
    text = b""
    if first & _OPCODE == _TEXT:
        mask = data[mask_at:start] or b"\0"
        text = bytes(
            byte ^ mask[i % len(mask)] for i, byte in enumerate(data[start : start + look])
        )
    return text, start + length
