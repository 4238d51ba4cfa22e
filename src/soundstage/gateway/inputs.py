"""Sees in what a browser sends whether somebody used a pointer or a key. Nothing is kept of it.

`relay` feeds it every byte that goes to a desktop. An open page sends messages of its own all the
time (acknowledgements, its size, a key that is let go when it loses the focus); only what a hand
does counts, and a pointer message that repeats the last one is none: browsers send such when
something moves under the pointer.
"""

from soundstage.gateway.frames import TEXT, Openings

_LOOK = 48
"""Bytes of a message that are looked at: a pointer message is shorter."""
_HANDS = frozenset({b"kd", b"kh", b"co", b"sf", b"pen"})
"""Words of keys and of a pen, which are sent when one moves and at no other time."""
_POINTERS = frozenset({b"m", b"m2"})
_POSITION = 5
"""Words of a pointer message that say where and which buttons; its number follows."""


class Inputs:
    """Follows the frames of one browser through chunks cut anywhere."""

    def __init__(self) -> None:
        self._openings = Openings(_LOOK)
        self._pointer: list[bytes] = []

    def feed(self, data: bytes) -> bool:
        """Look at bytes that were passed on; reports whether a hand was in them."""
        _, _, found = self._openings.feed(data)
        # All of them, since each is what the next one is compared with.
        hands = [self._is_input(each.start) for each in found if each.code == TEXT]
        return any(hands)

    def _is_input(self, text: bytes) -> bool:
        word = text.partition(b",")[0]
        if word in _HANDS:
            return True
        if word not in _POINTERS:
            return False
        position = text.split(b",")[:_POSITION]
        before, self._pointer = self._pointer, position
        return position != before
