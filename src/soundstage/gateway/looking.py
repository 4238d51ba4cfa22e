"""Lets a browser look on and do nothing else: what of its frames reaches a desktop, and what back.

`relay` has one for each connection by a share's link. The page of such a link sends little by
itself, but anybody can send anything, so what passes is a short list, and of that only what the
list says: a desktop gets words of ours, never a stranger's. Back go the picture, the sound and
what a page must know to show them. The clipboard is in neither direction's list.
"""

from soundstage.gateway.frames import BINARY, CONTROL, TEXT, Opening, Openings

_LOOK = 125
"""The most that a control frame holds (RFC 6455, 5.5); longer than every word below."""
_PONG, _CLOSE = 0xA, 0x8
_FINAL, _MASKED = 0x80, 0x80
_NO_MASK = bytes(4)
_WORDS = (b"START_VIDEO", b"STOP_VIDEO", b"REQUEST_KEYFRAME")
_SETTINGS = b"SETTINGS,"
_NO_SETTINGS = b"SETTINGS,{}"
"""By this word a page joins; what it would like to have set is its own affair."""
_TOLD = (
    b"MODE",
    b"{",
    b"cursor,",
    b"PIPELINE_RESETTING ",
    b"DISPLAY_CONFIG_UPDATE,",
    b"VIDEO_",
    b"AUDIO_",
    b"KILL ",
)
_PACKED = b"\x05"
"""A text that was made shorter; which one can't be seen, and this page did not ask for any."""


class Looking:
    """One connection of somebody who looks on."""

    def __init__(self) -> None:
        self._up = Openings(_LOOK)
        self._down = Openings(_LOOK)
        self._passes = True
        """Whether the message that the desktop is sending is passed on, frame by frame."""
        self._rest_passes = True
        """Whether the frame that was cut by the end of the last chunk is."""

    def to_desktop(self, data: bytes) -> bytes:
        """Give what a desktop gets of what a browser sent: frames of our own making."""
        _, _, found = self._up.feed(data)
        return b"".join(_frame_up(each) for each in found)

    def to_browser(self, data: bytes) -> bytes:
        """Give what a browser gets of what a desktop sent: its own frames, but not all."""
        data, rest, found = self._down.feed(data)
        passed = [data[:rest]] if self._rest_passes else []
        for each in found:
            if each.code >= CONTROL:
                passes = True
            else:
                # A part that goes on with a message shares its fate.
                passes = self._passes = _is_told(each) if each.code else self._passes
            if passes:
                passed.append(data[each.at : each.end])
            self._rest_passes = passes
        return b"".join(passed)


def _frame_up(opening: Opening) -> bytes:
    if not opening.is_final:
        return b""
    if opening.code in {_PONG, _CLOSE} and opening.length <= _LOOK:
        return _frame(opening.code, opening.start)
    if opening.code != TEXT:
        return b""
    if opening.start.startswith(_SETTINGS):
        return _frame(TEXT, _NO_SETTINGS)
    is_whole = opening.length == len(opening.start)
    return _frame(TEXT, opening.start) if is_whole and opening.start in _WORDS else b""


def _frame(code: int, content: bytes) -> bytes:
    return bytes((_FINAL | code, _MASKED | len(content))) + _NO_MASK + content


def _is_told(opening: Opening) -> bool:
    if opening.code == TEXT:
        return opening.start.startswith(_TOLD)
    return opening.code == BINARY and not opening.start.startswith(_PACKED)
