"""The lines to the X server's pen and eraser, and what is written on them.

`starter.py` opens both as soon as the X server answers, holds them for as long as it lives, and
hands them down to each stream server that it begins; there `pen.py` writes. The X server's
inputtest driver takes one writer and does not let go of one that hung up: the X server then turns
in circles at full load and hears nobody else. So nobody hangs up: a stream server that dies leaves
the lines to the next one. Standard library only.
"""

import socket
import struct
from collections.abc import Mapping

SOCKETS = {"stylus": "pen.sock", "eraser": "eraser.sock"}
"""The tools, and the names of their sockets in `xorg.conf`."""
X, Y, PRESSURE = 0, 1, 4
"""The driver's axes; the first two go to 65535 over the whole screen, pressure to 1000."""
_JOIN_SECONDS = 2.0
_VERSION = 1, 1
_GREET, _MOTION, _PROXIMITY, _BUTTON = 0, 2, 3, 4
_AXES = 64
# Structs of C, with the room that it leaves between their members.
_GREETING = struct.Struct("<IIHH")
_PLAIN = struct.Struct(f"<III4xI8s4x{_AXES}d{_AXES}d")
_PRESS = struct.Struct(f"<IIiiI4xI8s4x{_AXES}d{_AXES}d")
_ABSOLUTE = 1


def unjoined() -> list[socket.socket]:
    """Make the lines before there is an X server, so that they can be handed down in time."""
    return [socket.socket(socket.AF_UNIX) for _ in SOCKETS]


def join(lines: list[socket.socket], folder: str) -> None:
    """Connect the lines to the X server's sockets. Raises OSError, also when it does not answer as
    the driver does.
    """
    for line, name in zip(lines, SOCKETS.values(), strict=True):
        line.settimeout(_JOIN_SECONDS)
        line.connect(f"{folder}/{name}")
        line.sendall(_GREETING.pack(_GREETING.size, _GREET, *_VERSION))
        answer = line.recv(_GREETING.size, socket.MSG_WAITALL)
        if answer != _GREETING.pack(_GREETING.size, _GREET, *_VERSION):
            raise ConnectionError(f"{name} speaks another version")


def inherited(descriptors: str) -> dict[str, socket.socket]:
    """Take over the lines that `starter.py` handed down, told as numbers with commas."""
    numbers = [int(each) for each in descriptors.split(",")]
    lines = [socket.socket(fileno=number) for number in numbers]
    return dict(zip(SOCKETS, lines, strict=True))


def motion(axes: Mapping[int, int]) -> bytes:
    """The event of a move."""
    return _PLAIN.pack(_PLAIN.size, _MOTION, _ABSOLUTE, *_valuators(axes))


def proximity(axes: Mapping[int, int], *, is_in: bool) -> bytes:
    """The event of a tool that comes near or goes."""
    return _PLAIN.pack(_PLAIN.size, _PROXIMITY, is_in, *_valuators(axes))


def button(number: int, axes: Mapping[int, int], *, is_down: bool) -> bytes:
    """The event of a button."""
    return _PRESS.pack(_PRESS.size, _BUTTON, _ABSOLUTE, number, is_down, *_valuators(axes))


def _valuators(axes: Mapping[int, int]) -> tuple[int | bytes | float, ...]:
    values = [0.0] * _AXES
    for axis, value in axes.items():
        values[axis] = float(value)
    mask = sum(1 << axis for axis in axes).to_bytes(_AXES // 8, "little")
    # The driver's second set of numbers is for mice that are made faster; a pen has none.
    return (0, mask, *values, *([0.0] * _AXES))
