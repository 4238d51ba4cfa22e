"""A pen over a stream's page is a pen in the desktop, and no mouse besides."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page
from tests.browser.stream.conftest import (
    PROGRAMS,
    STREAM_ENVIRONMENT,
    Desktop,
    GatewayProcess,
    a_ticket,
    running,
    shows,
    until,
)

from soundstage.testing.browser import picture_of

BLUE = "#204080", (0x20, 0x40, 0x80)
STYLUS, ERASER = "Soundstage pen stylus", "Soundstage pen eraser"
MOUSE = "Virtual core XTEST pointer"
FULL = 65535


class Watched:
    """What an X client saw of pens and of any other pointer."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def rows(self) -> list[dict[str, Any]]:
        whole = self._log.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def devices(self) -> set[str]:
        return {row["device"] for row in self.rows() if "device" in row}

    def all_of(self, kind: str, device: str = STYLUS) -> list[dict[str, Any]]:
        return [row for row in self.rows() if row["kind"] == kind and row.get("device") == device]


@contextmanager
def watching(desktop: Desktop, log: Path) -> Iterator[Watched]:
    program = str(Path(__file__).with_name("pen_events.py"))
    python = str(STREAM_ENVIRONMENT / "bin" / "python")
    with running(python, program, log=log, env=desktop.env):
        watched = Watched(log)
        until("it listens", lambda: log.exists() and watched.rows())
        yield watched


class Pen:
    """A tablet's pen, as a browser hears of one."""

    def __init__(self, page: Page) -> None:
        self._line: CDPSession = page.context.new_cdp_session(page)

    def tell(self, kind: str, x: int, y: int, force: float = 0.0, **more: Any) -> None:
        self._line.send(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": x, "y": y, "force": force, "pointerType": "pen", **more},
        )

    def hover(self, x: int, y: int) -> None:
        self.tell("mouseMoved", x, y)

    def press(self, x: int, y: int, force: float, button: str = "left", buttons: int = 1) -> None:
        self.tell("mousePressed", x, y, force, button=button, buttons=buttons)

    def draw(self, x: int, y: int, force: float) -> None:
        self.tell("mouseMoved", x, y, force, button="left", buttons=1)

    def release(self, x: int, y: int, button: str = "left") -> None:
        self.tell("mouseReleased", x, y, button=button, buttons=0)


@pytest.fixture
def shown(desktop: Desktop, gateway: GatewayProcess, page: Page) -> Iterator[Page]:
    desktop.paint(BLUE[0])
    with gateway.running():
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, BLUE[1]))
        yield page


def is_at(row: dict[str, Any], x: float, y: float) -> bool:
    """Reports whether an event is at this part of the screen, within a pixel or so."""
    off = abs(float(row["x"]) / FULL - x), abs(float(row["y"]) / FULL - y)
    return max(off) < 0.002


PALM = """
document.getElementById("overlayInput").dispatchEvent(new PointerEvent("pointermove", {
  pointerId: 77, pointerType: "touch", bubbles: true, clientX: 900, clientY: 600, buttons: 1,
}))
"""


def test_a_stroke_has_its_place_and_pressure(shown: Page, desktop: Desktop, tmp_path: Path) -> None:
    with watching(desktop, tmp_path / "events") as seen:
        pen = Pen(shown)
        pen.hover(320, 180)
        until("the pen hovers", lambda: seen.all_of("motion"))
        assert is_at(seen.all_of("motion")[-1], 0.25, 0.25)
        assert seen.all_of("motion")[-1]["pressure"] == 0
        pen.press(320, 180, 0.25)
        shown.evaluate(PALM)
        for step in range(1, 11):
            pen.draw(320 + 32 * step, 180 + 18 * step, 0.25 + 0.05 * step)
        until("it was drawn", lambda: seen.all_of("motion")[-1]["pressure"] == 750)
        assert is_at(seen.all_of("motion")[-1], 0.5, 0.5)
        pen.release(640, 360)
        until("it was lifted", lambda: seen.all_of("release"))
        (pressed,) = seen.all_of("press")
        assert (pressed["button"], pressed["pressure"]) == (1, 250)
        pressures = {row["pressure"] for row in seen.all_of("motion")}
        assert pressures == {0, *range(250, 800, 50)}
        assert seen.devices() == {STYLUS}
        # The mouse is what it was.
        shown.mouse.click(700, 500)
        until("the mouse arrives", lambda: seen.all_of("release", MOUSE))
        assert [row["button"] for row in seen.all_of("press", MOUSE)] == [1]
        assert len(seen.all_of("press")) == 1
        shown.keyboard.press("Control+Alt+Shift+KeyB")
        shown.get_by_role("button", name="Statistics").click()
        shown.get_by_text("With pressure").wait_for()
        picture_of(shown).save(tmp_path / "figures.png")


def test_the_barrel_is_the_right_button(shown: Page, desktop: Desktop, tmp_path: Path) -> None:
    with watching(desktop, tmp_path / "events") as seen:
        pen = Pen(shown)
        pen.hover(700, 400)
        pen.press(700, 400, 0.5, button="right", buttons=2)
        pen.release(700, 400, button="right")
        until("it was released", lambda: seen.all_of("release"))
        assert [row["button"] for row in seen.all_of("press")] == [3]
        assert seen.devices() == {STYLUS}


ERASE = """
([kind, buttons, pressure]) => document.getElementById("overlayInput").dispatchEvent(
  new PointerEvent(kind, {
    pointerId: 1, pointerType: "pen", bubbles: true, clientX: 640, clientY: 360, buttons, pressure,
  }))
"""


def test_the_other_end_is_the_eraser_and_is_lifted_with_its_page(
    shown: Page, desktop: Desktop, tmp_path: Path
) -> None:
    with watching(desktop, tmp_path / "events") as seen:
        Pen(shown).hover(640, 360)
        until("the pen hovers", lambda: seen.all_of("motion"))
        # No automation of a browser knows of erasers.
        shown.evaluate("Element.prototype.setPointerCapture = () => {}")
        shown.evaluate(ERASE, ["pointerdown", 32, 0.6])
        until("it erases", lambda: seen.all_of("press", ERASER))
        assert seen.all_of("press", ERASER)[0]["pressure"] == 600
        assert is_at(seen.all_of("motion", ERASER)[-1], 0.5, 0.5)
        assert seen.all_of("press") == []
        assert seen.all_of("release", ERASER) == []
        shown.close()
        until("it is lifted", lambda: seen.all_of("release", ERASER))


def test_a_picture_that_is_fitted_into_its_window_has_the_pen_where_it_is(
    shown: Page, desktop: Desktop, tmp_path: Path
) -> None:
    shown.set_viewport_size({"width": 1000, "height": 800})
    shown.keyboard.press("Control+Alt+Shift+KeyB")
    shown.get_by_role("button", name="Display", exact=True).click()
    size = shown.get_by_label("Size", exact=True)
    size.select_option("1920x1080")
    until("the desktop has that size", lambda: desktop.size() == "1920x1080")
    # 1000 by 562.5 pixels, in the middle.
    until("it is fitted", lambda: shows(shown, BLUE[1], (990, 650)))
    assert not shows(shown, BLUE[1], (990, 750))
    with watching(desktop, tmp_path / "events") as seen:
        Pen(shown).hover(250, 541)
        until("the pen hovers", lambda: seen.all_of("motion"))
        assert is_at(seen.all_of("motion")[-1], 0.25, 0.75)
    size.select_option("As the window")
    until("it follows the window again", lambda: desktop.size() == "1000x800")


def test_a_pen_draws_on_the_second_display_too(
    shown: Page, desktop: Desktop, tmp_path: Path
) -> None:
    shown.keyboard.press("Control+Alt+Shift+KeyB")
    shown.get_by_role("button", name="Display", exact=True).click()
    with shown.expect_popup() as opened:
        shown.get_by_role("button", name="Second display").click()
    second = opened.value
    second.set_viewport_size({"width": 1024, "height": 640})
    until("there are two", lambda: desktop.size() == "2304x720")
    until("it is seen", lambda: shows(second, BLUE[1], (700, 500)))
    with watching(desktop, tmp_path / "events") as seen:
        Pen(second).hover(512, 320)
        until("the pen hovers", lambda: seen.all_of("motion"))
        assert is_at(seen.all_of("motion")[-1], (1280 + 512) / 2304, 320 / 720)
    second.close()
    until("there is one again", lambda: desktop.size() == "1280x720")


WRITE = """
import asyncio, os, signal, sys
sys.path.insert(0, sys.argv[1])
import pen, strokes, tablet

async def write():
    tools = pen.Tools(tablet.inherited(sys.argv[2]))
    await tools.lift()
    await tools.draw("stylus", [strokes.Point(100, 100, int(sys.argv[3]), 1)])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(write())
"""


def test_a_writer_that_dies_leaves_the_pen_to_the_next(desktop: Desktop, tmp_path: Path) -> None:
    """And not one at which the X server turns in circles and hears nobody else."""
    lines = ",".join(map(str, desktop.pens))
    with watching(desktop, tmp_path / "events") as seen:
        for number, pressure in enumerate((300, 600), 1):
            subprocess.run(
                [STREAM_ENVIRONMENT / "bin/python", "-c", WRITE, PROGRAMS, lines, str(pressure)],
                check=False,
                pass_fds=desktop.pens,
                timeout=20,
            )
            until("it presses", lambda: len(seen.all_of("press")) == number)  # noqa: B023 -- now.
        assert [row["pressure"] for row in seen.all_of("press")] == [300, 600]
        mine = [row for row in seen.rows() if row.get("device") == STYLUS]
        tip = [row["kind"] for row in mine if row["button"] == 1]
        assert tip == ["release", "press", "release", "press"]
