"""A desktop in a real browser, worked with by mouse and keyboard alone.

The whole stories use it. What is asserted is what the page's pixels show.
"""

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import structlog
from PIL import Image, ImageChops
from playwright.sync_api import Browser, CDPSession, Error, Page, sync_playwright

from soundstage.testing.whole import until

log = structlog.get_logger(__name__)

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
GREEN, RED = (0, 200, 0), (200, 0, 0)


@contextmanager
def chromium_browser(program: Path | None) -> Iterator[Browser]:
    """Start a headless browser, Playwright's own without a `program`, and end it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


_SESSIONS: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()
"""How each page is asked: to begin to takes a third as long as a picture."""


_UNTIL_DRAWN = (50, 100, 200, 400, 800)
"""Milliseconds between questions to a page that was never drawn yet: there is no picture of it."""


def picture_of(page: Page) -> Image.Image:
    """Take a page's pixels, as they are.

    Playwright's own screenshot packs them tightly, which took half of its time and as much of
    unpacking, and whoever waits for something to be seen takes many.
    """
    if page not in _SESSIONS:
        _SESSIONS[page] = page.context.new_cdp_session(page)
    for pause in (*_UNTIL_DRAWN, None):
        try:
            taken = _SESSIONS[page].send("Page.captureScreenshot", {"optimizeForSpeed": True})
            break
        except Error as error:
            if pause is None or "Unable to capture screenshot" not in error.message:
                raise
            page.wait_for_timeout(pause)
    return Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB")


_OF_COLOURS = ["color-contrast", "link-in-text-block"]


def barriers(page: Page, axe: str) -> list[str]:
    """Name what axe finds that is serious or worse, with where."""
    page.evaluate(axe)
    return _barriers(page, {})


def barriers_by_day_and_night(page: Page, axe: str) -> list[str]:
    """Name the same of a page in light colours, and in dark ones what colours can be a barrier by;
    leaves it light.
    """
    page.emulate_media(color_scheme="light")
    found = barriers(page, axe)
    page.emulate_media(color_scheme="dark")
    found += _barriers(page, {"runOnly": _OF_COLOURS})
    page.emulate_media(color_scheme="light")
    return found


def _barriers(page: Page, how: dict[str, Any]) -> list[str]:
    run = "how => axe.run(how).then((found) => JSON.stringify(found.violations))"
    found = json.loads(page.evaluate(run, how))
    return [
        f"{page.url} {each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


class Desktop:
    """One page with a desktop."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 720})
        # Shown beside a failure, this is all that a page in trouble leaves behind.
        self.page.on("console", lambda said: log.info("page.said", text=said.text[:300]))
        self.page.on("framenavigated", lambda frame: log.info("page.went", to=_path_of(frame.url)))
        self.page.goto(url)
        until("the desktop's panel is seen", self._has_panel)

    def open_terminal(self) -> None:
        """Open one by its shortcut, in the middle of the screen."""
        # A desktop that only just started still paints, and may not know its shortcuts yet.
        self.settle()
        before = self.picture()

        def opens() -> bool:
            self.page.mouse.click(900, 300)
            self.page.keyboard.press("Control+Alt+t")
            return self._comes(lambda: self.changed(before) >= 50_000)

        until("a window opened", opens)
        # Its shell shows a prompt a moment later; what is typed before that can be lost.
        self.settle()

    def come_back(self) -> None:
        """Wait, before the terminal of a page whose connection broke, until its shell is heard."""

        def is_heard() -> bool:
            before = self.picture()
            self.page.keyboard.type("....", delay=8)
            is_heard = self._comes(lambda: self.changed(before) > 50)
            # Four characters that it may have, or not: the line is wiped in any case.
            self.page.keyboard.press("Control+u")
            return is_heard and self._comes(lambda: self.changed(before) <= 50)

        until("the page is back", is_heard)

    def _comes(self, seen: Callable[[], bool], seconds: float = 5.0) -> bool:
        deadline = time.monotonic() + seconds
        while not seen():
            if time.monotonic() > deadline:
                return False
            self.page.wait_for_timeout(50)
        return True

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        self.page.keyboard.type(line, delay=8)
        self.page.keyboard.press("Enter")

    def ask(self, test: str) -> bool:
        """Let the shell answer a question in colour; no other way leads out of a workstation."""
        paint = "printf '\\e[48;2;{};{};{}m\\e[2J'"
        green, red = paint.format(*GREEN), paint.format(*RED)
        self.type(f"{test} && {green} || {red}")
        until("an answer is seen", lambda: self._shows(GREEN) or self._shows(RED))
        answer = self._shows(GREEN)
        self.type("printf '\\e[0m\\e[2J\\e[H'")
        until("the answer is wiped", lambda: not (self._shows(GREEN) or self._shows(RED)))
        return answer

    def settle(self) -> None:
        """Wait until nothing moves any more."""

        def is_still() -> bool:
            before = self.picture()
            self.page.wait_for_timeout(300)
            return self.changed(before) < 50

        until("the picture is still", is_still)

    def picture(self) -> Image.Image:
        """Take the page's pixels."""
        return picture_of(self.page)

    def _has_panel(self) -> bool:
        picture = self.picture()
        edge = picture.crop((0, picture.height - 20, picture.width, picture.height))
        return len(edge.getcolors(maxcolors=100_000) or []) > 20

    def changed(self, before: Image.Image) -> int:
        """Count the pixels that look otherwise than before."""
        difference = ImageChops.difference(before, self.picture()).convert("L")
        return sum(difference.histogram()[10:])

    def _shows(self, colour: tuple[int, int, int]) -> bool:
        """Reports whether a window's worth of this colour is seen, as video keeps colours."""
        colours = self.picture().resize((128, 72)).getcolors(128 * 72) or []
        near = [
            count
            for count, pixel in colours
            if isinstance(pixel, tuple)
            and all(abs(a - b) < 40 for a, b in zip(pixel, colour, strict=True))
        ]
        return sum(near) > 600


def _path_of(url: str) -> str:
    """An address without what its query may tell."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
