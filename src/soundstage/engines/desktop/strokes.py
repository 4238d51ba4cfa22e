"""What a page may say of its pen: messages of text, small and bounded.

`pen.py` reads them. Each point says all there is to know, so that nothing depends on a message that
was lost or that another page sent.
"""

import re
from typing import NamedTuple

MOST_POINTS = 64
"""In one message; a page sends one a frame, and pens tell of 200 to 400 points a second."""
POINTS_A_SECOND = 1000.0
ALL_BUTTONS = 7


class Point(NamedTuple):
    """Where a pen is: 0..65535 over the whole screen, and how hard it is pressed: 0..1000."""

    x: int
    y: int
    pressure: int
    buttons: int
    """1: the tip, 2 and 4: on the barrel; added up."""


class Drawing(NamedTuple):
    """One message of a page: what one tool did, one point after the other."""

    display: str
    tool: str
    points: list[Point]
    """0..65535 over the display. None: the pen has left."""


class UnreadableError(ValueError):
    """A message that no page of ours sends."""


_AWAY = "pen,away"
_SAID = re.compile(
    r"pen,(primary|display2),(stylus|eraser)((?:,[0-9]{1,5} [0-9]{1,5} [0-9]{1,4} [0-7])+)"
)
_LARGEST = 65535, 65535, 1000, ALL_BUTTONS


def read(text: str) -> Drawing:
    """Read a message: `pen,away`, or `pen,DISPLAY,TOOL` and points, each `,X Y PRESSURE BUTTONS`.

    Raises UnreadableError.
    """
    if text == _AWAY:
        return Drawing("primary", "stylus", [])
    found = _SAID.fullmatch(text)
    if found is None:
        raise UnreadableError("not a message about a pen")
    display, tool, told = found.groups()
    points = [Point(*map(int, each.split(" "))) for each in told[1:].split(",")]
    if len(points) > MOST_POINTS:
        raise UnreadableError("too many points at once")
    if any(number > most for each in points for number, most in zip(each, _LARGEST, strict=True)):
        raise UnreadableError("a point outside")
    return Drawing(display, tool, points)


class Area(NamedTuple):
    """A display's part of the screen, each number a share of the whole."""

    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0

    def place(self, point: Point) -> Point:
        """Turn a point on the display into one on the screen."""
        x = self.left * _LARGEST[0] + point.x * self.width
        y = self.top * _LARGEST[1] + point.y * self.height
        return point._replace(x=min(round(x), _LARGEST[0]), y=min(round(y), _LARGEST[1]))


class Allowance:
    """How many points may come: so many a second, and those of one second at once."""

    def __init__(self) -> None:
        self._left = POINTS_A_SECOND
        self._at: float | None = None

    def covers(self, count: int, now: float) -> bool:
        """Take so many; reports whether there were as many. `now` only ever grows."""
        passed = 0.0 if self._at is None else now - self._at
        self._at = now
        self._left = min(POINTS_A_SECOND, self._left + passed * POINTS_A_SECOND) - count
        return self._left >= 0
