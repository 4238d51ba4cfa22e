"""The main job, whole: a stock SDK launches a real desktop, a real browser works in it, and a
backup brings back what was lost.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page, sync_playwright

from soundstage.testing.clients import StockClient
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import Studio, until

ARTEFACTS = Path(__file__).parents[2] / "artefacts"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
GREEN, RED = (0, 200, 0), (200, 0, 0)


@pytest.fixture
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield started
        started.close()


class Desktop:
    """A desktop in the browser, worked with by mouse and keyboard alone."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(url)
        until("the desktop's panel is seen", self._has_panel)

    def open_terminal(self) -> None:
        before = self.picture()
        self.page.mouse.click(900, 300)
        self.page.keyboard.press("Control+Alt+t")
        until("a window opened", lambda: self._changed(before) > 50_000)

    def type(self, line: str) -> None:
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

    def picture(self) -> Image.Image:
        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")

    def _has_panel(self) -> bool:
        picture = self.picture()
        edge = picture.crop((0, picture.height - 20, picture.width, picture.height))
        return len(edge.getcolors(maxcolors=100_000) or []) > 20

    def _changed(self, before: Image.Image) -> int:
        difference = ImageChops.difference(before, self.picture()).convert("L")
        return sum(difference.histogram()[10:])

    def _shows(self, colour: tuple[int, int, int]) -> bool:
        """Reports whether a window's worth of this colour is seen, as video keeps colours."""
        colours = self.picture().resize((128, 72)).getcolors(128 * 72) or []
        near = [
            count
            for count, pixel in colours
            if all(abs(a - b) < 40 for a, b in zip(pixel, colour, strict=True))
        ]
        return sum(near) > 600


@pytest.mark.timeout(240)
def test_work_is_kept_by_a_backup_and_brought_back(
    service: ServiceProcess, sdk: StockClient, browser: Browser
) -> None:
    studio = Studio(sdk)
    workstation = studio.launch()
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    desktop = Desktop(page, workstation.new_url())
    desktop.open_terminal()

    before = desktop.picture()
    page.keyboard.type("echo typed in the browser")
    until("the typed text is seen", lambda: desktop._changed(before) > 300)
    page.keyboard.press("Enter")
    desktop.type("echo the first version > scene.txt")
    assert desktop.ask("grep -q first scene.txt")
    assert not desktop.ask("grep -q second scene.txt")
    desktop.type("clear; ls -la; uname -sr; cat scene.txt; pcmanfm 2> /dev/null &")
    until("the file manager is seen", lambda: desktop._changed(before) > 50_000)
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "desktop.png")

    workstation.stop()
    until("the page says what happened", lambda: "stopped" in page.inner_text("body"), 10)
    (first,) = studio.backups()
    assert first["state"] == "READY"
    assert first["sessionId"] == workstation.id

    workstation.start()
    desktop = Desktop(
        browser.new_page(viewport={"width": 1280, "height": 720}), workstation.new_url()
    )
    desktop.open_terminal()
    assert desktop.ask("grep -q first scene.txt"), "a plain start keeps the disk"
    desktop.type("echo the second version > scene.txt")
    assert desktop.ask("grep -q second scene.txt")

    workstation.stop()
    assert [backup["state"] for backup in studio.backups()] == ["READY", "READY"]
    workstation.start(backupId=first["backupId"])
    assert workstation.see()["startedFromBackupId"] == first["backupId"]
    desktop = Desktop(
        browser.new_page(viewport={"width": 1280, "height": 720}), workstation.new_url()
    )
    desktop.open_terminal()
    assert desktop.ask("grep -q first scene.txt"), "the first content is back"

    workstation.delete()
    until("every process of the workstation ended", lambda: not service.workstation_processes())
    volumes = service.home / "volumes"
    assert not [found for found in volumes.iterdir() if workstation.id in found.name]
    log = service.log.read_text()
    assert "ticket=" not in log
