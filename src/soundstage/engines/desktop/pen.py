"""The door for a pen: a websocket of the stream server's, beside the one of its own page.

`stream.py` adds it; the gateway lets in whoever may use the mouse. A page tells what its pen does
in messages (`strokes.py`), and what it tells is written to the X server (`tablet.py`). When the
connection ends, however it does, the pen is lifted, so that nothing goes on drawing.
"""

import asyncio
import importlib
import logging
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).parent))

from strokes import (  # type: ignore[import-not-found]
    ALL_BUTTONS,
    MOST_POINTS,
    Allowance,
    Area,
    Point,
    UnreadableError,
    read,
)
from tablet import PRESSURE, X, Y, button, motion, proximity  # type: ignore[import-not-found]

PATH = "/api/pen"
READY = "pen"
"""Said first: from here on the page keeps its pen from being taken for a mouse."""
_LONGEST_MESSAGE = 32 + 24 * MOST_POINTS
_BEAT_SECONDS = 5.0
"""A page that is gone without a word is noticed after one and a half of it."""
_UNREADABLE, _TOO_MUCH, _NO_PEN = 1007, 1008, 1011
_X_BUTTONS = {1: 1, 2: 3, 4: 2}
"""The tip, the barrel's first and second button, as the X server counts."""

log = logging.getLogger("soundstage.pen")


class Displays(Protocol):
    """The part of the stream server that knows where on the screen each display is."""

    display_layouts: dict[str, dict[str, int]]


class Tools:
    """Both tools. What a writer before this one left of them is not known, so at first both count
    as lying on the desktop with every button pressed.
    """

    def __init__(self, lines: Mapping[str, socket.socket]) -> None:
        self._lines = lines
        self._near = dict.fromkeys(lines, True)
        self._buttons = dict.fromkeys(lines, ALL_BUTTONS)
        self._turn = asyncio.Lock()
        for line in lines.values():
            line.setblocking(False)

    async def draw(self, tool: str, points: list[Point]) -> None:
        """Move one tool from point to point. Raises OSError when there is no X server."""
        async with self._turn:
            for other in self._lines:
                if other != tool:
                    await self._leave(other)
            for point in points:
                await self._move(tool, point)

    async def lift(self) -> None:
        """Take both tools away from the desktop. Raises OSError when there is no X server."""
        async with self._turn:
            for tool in self._lines:
                await self._leave(tool)

    async def _move(self, tool: str, point: Point) -> None:
        axes = {X: point.x, Y: point.y, PRESSURE: point.pressure}
        if not self._near[tool]:
            await self._send(tool, proximity(axes, is_in=True))
            self._near[tool] = True
        await self._send(tool, motion(axes))
        await self._press(tool, point.buttons, axes)

    async def _leave(self, tool: str) -> None:
        if not self._near[tool]:
            return
        axes = {PRESSURE: 0}
        await self._press(tool, 0, axes)
        await self._send(tool, proximity(axes, is_in=False))
        self._near[tool] = False

    async def _press(self, tool: str, wanted: int, axes: Mapping[int, int]) -> None:
        for bit, number in _X_BUTTONS.items():
            if (self._buttons[tool] ^ wanted) & bit:
                await self._send(tool, button(number, axes, is_down=bool(wanted & bit)))
                self._buttons[tool] ^= bit

    async def _send(self, tool: str, event: bytes) -> None:
        # One at a time: the kernel takes so short a piece whole or not at all, so that whoever
        # ends in between leaves no half event to the next writer.
        await asyncio.get_running_loop().sock_sendall(self._lines[tool], event)


class Door:
    """Serves the connections of all pages; each message says all, so they need no order."""

    def __init__(self, tools: Tools, displays: Displays) -> None:
        self._tools = tools
        self._displays = displays
        self._web: Any = importlib.import_module("aiohttp.web")

    def begin(self) -> None:
        """Lift what a stream server that ended left pressed, though no page may come again."""
        self._beginning = asyncio.get_running_loop().create_task(self._let_go())

    async def enter(self, request: Any) -> Any:
        """Serve one connection to its end."""
        page = self._web.WebSocketResponse(max_msg_size=_LONGEST_MESSAGE, heartbeat=_BEAT_SECONDS)
        await page.prepare(request)
        try:
            await self._tools.lift()
            await page.send_str(READY)
            await self._follow(page)
        except UnreadableError as error:
            await page.close(code=_UNREADABLE, message=str(error).encode())
        except OSError as error:
            log.warning("the pen's line to the X server: %s", error)
            await page.close(code=_NO_PEN, message=b"there is no pen here")
        finally:
            await self._let_go()
        return page

    async def _follow(self, page: Any) -> None:
        allowance = Allowance()
        area, display = Area(), ""
        async for message in page:
            if message.type is not self._web.WSMsgType.TEXT:
                raise UnreadableError("not a message about a pen")
            drawing = read(message.data)
            if not allowance.covers(1 + len(drawing.points), time.monotonic()):
                await page.close(code=_TOO_MUCH, message=b"too many points")
                return
            if not drawing.points:
                display = ""
                await self._tools.lift()
                continue
            if drawing.display != display:
                # Sizes change with the windows; a pen has left the desktop by then.
                display = drawing.display
                area = await asyncio.to_thread(area_of, self._displays.display_layouts, display)
            await self._tools.draw(drawing.tool, [area.place(each) for each in drawing.points])

    async def _let_go(self) -> None:
        try:
            await self._tools.lift()
        except OSError as error:
            log.warning("the pen could not be lifted: %s", error)


def area_of(layouts: dict[str, dict[str, int]], display: str) -> Area:
    """Where a display is on the screen; all of it where that is not known."""
    layout = layouts.get(display)
    if layout is None:
        return Area()
    width, height = screen_size()
    return Area(
        layout["x"] / width, layout["y"] / height, layout["w"] / width, layout["h"] / height
    )


def screen_size() -> tuple[int, int]:
    """Ask the X server, whose screen is at least as large as its displays together."""
    xlib = importlib.import_module("selkies.Xlib.display")
    connection = xlib.Display()
    try:
        size = connection.screen().root.get_geometry()
        return size.width, size.height
    finally:
        connection.close()


def add_to(server: Displays, router: Any, lines: Mapping[str, socket.socket]) -> None:
    """Put the door beside the stream server's own; called where its loop runs."""
    door = Door(Tools(lines), server)
    door.begin()
    router.add_get(PATH, door.enter)
