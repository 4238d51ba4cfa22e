"""A headless Chromium that measures what arrives in it; `start` and `stream` use it."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

SAMPLER = (Path(__file__).parent / "sampler.js").read_text(encoding="utf-8")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
_LOOK_SECONDS = 0.02


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium, or Playwright's own where the system has none."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium-headless-shell"), args=_ARGUMENTS
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def measured_page(browser: Browser, width: int = 1280, height: int = 720) -> Iterator[Page]:
    """Open a page of this size with the sampler in it, in a browser profile of its own."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_init_script(SAMPLER)
    try:
        yield context.new_page()
    finally:
        context.close()


def first_frame(page: Page) -> float:
    """Wait until the desktop's picture is on the page; when that was, as `time.time()` tells it."""
    until("a first frame", lambda: page.evaluate("window.bench && window.bench.firstFrame"))
    return float(page.evaluate("window.bench.firstFrame")) / 1000


def until(what: str, holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is so. Raises TimeoutError naming `what`."""
    # Not by Playwright's own waiting, which a page's Content-Security-Policy forbids.
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:.0f} s there is not {what}")
        time.sleep(_LOOK_SECONDS)
