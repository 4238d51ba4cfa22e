"""The door for a pen: what is written to the X server, and that nothing is left lying there."""

import asyncio
import json
import socket
import struct
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from soundstage.engines.desktop import pen
from soundstage.engines.desktop.strokes import Point

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-stream" / "bin" / "python3"
DESKTOP = ROOT / "src" / "soundstage" / "engines" / "desktop"
KINDS = {2: "moves", 3: "is near", 4: "button"}


class Driver:
    """The other ends of the lines."""

    def __init__(self, ends: dict[str, socket.socket]) -> None:
        self.ends = ends

    def heard(self, tool: str = "stylus") -> list[tuple[object, ...]]:
        """What was said since the last time, in short."""
        data = b""
        self.ends[tool].setblocking(False)
        while True:
            try:
                data += self.ends[tool].recv(65536)
            except BlockingIOError:
                return list(_events(data))


def _events(data: bytes) -> Iterator[tuple[object, ...]]:
    while data:
        length, kind, first, second, third = struct.unpack_from("<IIIiI", data)
        what = (second, bool(third)) if KINDS[kind] == "button" else (bool(first),)
        at = length - 128 * 8
        x, y, _, _, pressure = struct.unpack_from("<5d", data, at)
        yield (KINDS[kind], *what, x, y, pressure)
        data = data[length:]


@pytest.fixture
def driver() -> Iterator[tuple[Driver, dict[str, socket.socket]]]:
    with ExitStack() as stack:
        pairs = {tool: socket.socketpair() for tool in ("stylus", "eraser")}
        for pair in pairs.values():
            for end in pair:
                stack.enter_context(end)
        yield (
            Driver({tool: there for tool, (_, there) in pairs.items()}),
            {tool: here for tool, (here, _) in pairs.items()},
        )


def with_tools(
    lines: dict[str, socket.socket], work: Callable[[pen.Tools], Awaitable[None]]
) -> None:
    async def run() -> None:
        await work(pen.Tools(lines))

    asyncio.run(run())


def test_what_a_writer_before_left_lying_is_lifted(
    driver: tuple[Driver, dict[str, socket.socket]],
) -> None:
    async def lift_twice(tools: pen.Tools) -> None:
        await tools.lift()
        await tools.lift()

    x, lines = driver
    with_tools(lines, lift_twice)
    for tool in lines:
        assert x.heard(tool) == [
            ("button", 1, False, 0, 0, 0),
            ("button", 3, False, 0, 0, 0),
            ("button", 2, False, 0, 0, 0),
            ("is near", False, 0, 0, 0),
        ]


def test_a_stroke_comes_near_presses_moves_and_leaves(
    driver: tuple[Driver, dict[str, socket.socket]],
) -> None:
    x, lines = driver

    async def draw(tools: pen.Tools) -> None:
        await tools.lift()
        x.heard()
        await tools.draw("stylus", [Point(1, 2, 0, 0), Point(3, 4, 500, 1)])
        await tools.draw("stylus", [Point(5, 6, 700, 3), Point(7, 8, 0, 0)])
        await tools.lift()

    with_tools(lines, draw)
    assert x.heard() == [
        ("is near", True, 1, 2, 0),
        ("moves", True, 1, 2, 0),
        ("moves", True, 3, 4, 500),
        ("button", 1, True, 3, 4, 500),
        ("moves", True, 5, 6, 700),
        ("button", 3, True, 5, 6, 700),
        ("moves", True, 7, 8, 0),
        ("button", 1, False, 7, 8, 0),
        ("button", 3, False, 7, 8, 0),
        ("is near", False, 0, 0, 0),
    ]


def test_one_tool_leaves_before_the_other_comes(
    driver: tuple[Driver, dict[str, socket.socket]],
) -> None:
    x, lines = driver

    async def turn_around(tools: pen.Tools) -> None:
        await tools.lift()
        await tools.draw("stylus", [Point(1, 2, 500, 1)])
        x.heard()
        x.heard("eraser")
        await tools.draw("eraser", [Point(1, 2, 500, 1)])

    with_tools(lines, turn_around)
    assert x.heard() == [("button", 1, False, 0, 0, 0), ("is near", False, 0, 0, 0)]
    assert [row[0] for row in x.heard("eraser")] == ["is near", "moves", "button"]


def test_an_x_server_that_reads_nothing_for_a_while_loses_nothing(
    driver: tuple[Driver, dict[str, socket.socket]],
) -> None:
    x, lines = driver
    points = [Point(number, 0, 500, 0) for number in range(1000)]

    async def draw_much(tools: pen.Tools) -> None:
        await tools.lift()
        heard = x.heard()
        drawing = asyncio.ensure_future(tools.draw("stylus", points))
        while not drawing.done():
            await asyncio.sleep(0)
            heard += x.heard()
        await drawing
        heard += x.heard()
        assert [row[2] for row in heard if row[0] == "moves"] == list(range(1000))

    with_tools(lines, draw_much)


def test_a_line_that_was_never_joined_is_an_error_of_the_system() -> None:
    async def draw(tools: pen.Tools) -> None:
        with pytest.raises(OSError, match="not connected"):
            await tools.lift()

    with socket.socket(socket.AF_UNIX) as line:
        with_tools({"stylus": line}, draw)


# The door in the stream's environment, with both ends of the lines at hand.
DOOR = """
import asyncio, json, socket, sys
sys.path.insert(0, DESKTOP)
import aiohttp, pen
from aiohttp import web

class Displays:
    display_layouts = {"display2": {"x": 100, "y": 0, "w": 100, "h": 50}}

pen.screen_size = lambda: (200, 100)

def heard(end):
    end.setblocking(False)
    try:
        return len(end.recv(1 << 20))
    except BlockingIOError:
        return 0

async def main(scenario):
    pairs = {tool: socket.socketpair() for tool in ("stylus", "eraser")}
    lines = {tool: pair[0] for tool, pair in pairs.items()}
    app = web.Application()
    pen.add_to(Displays(), app.router, lines)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"http://127.0.0.1:{port}/api/pen") as page:
            first = (await page.receive()).data
            told = await scenario(page, pairs["stylus"][1])
    await runner.cleanup()
    print(json.dumps([first, told]))

async def closed(page):
    message = await page.receive()
    assert message.type is aiohttp.WSMsgType.CLOSE, message
    return [message.data, message.extra]

async def until(end, size):
    got = 0
    while got < size:
        got += heard(end)
        await asyncio.sleep(0)
    return got
"""


def told(scenario: str) -> object:
    """What the door said first, and what came of a scenario."""
    script = f"DESKTOP = {str(DESKTOP)!r}\n{DOOR}\n{scenario}\nasyncio.run(main(scenario))"
    done = subprocess.run(
        [PYTHON, "-c", script], check=True, capture_output=True, cwd="/", timeout=60
    )
    first, came = json.loads(done.stdout)
    assert first == "pen"
    return came


def test_a_pen_whose_page_is_gone_is_lifted() -> None:
    scenario = """
async def scenario(page, end):
    await until(end, 3 * 1064 + 1056)
    await page.send_str("pen,display2,stylus,1 1 500 1")
    await until(end, 2 * 1056 + 1064)
    page._response.close()
    return await until(end, 1064 + 1056)
"""
    assert told(scenario) == 1064 + 1056


def test_what_is_not_about_a_pen_ends_the_connection_with_a_reason() -> None:
    scenario = """
async def scenario(page, end):
    await page.send_str("m,1,1,0,0")
    return await closed(page)
"""
    assert told(scenario) == [1007, "not a message about a pen"]


def test_bytes_end_it_too() -> None:
    scenario = """
async def scenario(page, end):
    await page.send_bytes(b"pen,away")
    return await closed(page)
"""
    assert told(scenario) == [1007, "not a message about a pen"]


def test_what_is_too_long_ends_it() -> None:
    scenario = """
async def scenario(page, end):
    await page.send_str("pen," * 1000)
    return (await closed(page))[0]
"""
    assert told(scenario) == 1009


def test_what_comes_too_fast_ends_it() -> None:
    scenario = """
async def scenario(page, end):
    for _ in range(40):
        await page.send_str("pen,primary,stylus" + ",1 1 500 0" * 64)
        heard(end)
    reader = asyncio.ensure_future(closed(page))
    while not reader.done():
        heard(end)
        await asyncio.sleep(0)
    return await reader
"""
    assert told(scenario) == [1008, "too many points"]


def test_where_the_x_server_is_gone_it_is_said() -> None:
    scenario = """
async def scenario(page, end):
    end.close()
    await page.send_str("pen,primary,stylus,1 1 500 1")
    return await closed(page)
"""
    assert told(scenario) == [1011, "there is no pen here"]
