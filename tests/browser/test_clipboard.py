"""The clipboard of a real desktop: both ways where the profile allows it, else neither way.

The stream server inside is what allows or refuses, so it is tried by a page and by a bare client
that sends the messages which no page would send.
"""

import base64
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from soundstage.gateway.upstreams import Upstream
from soundstage.testing.browser import chromium_browser
from soundstage.testing.clipboard import InnerClipboard, StreamClient
from soundstage.testing.streams import GatewayWorld, gateway_world
from soundstage.testing.whole import until
from soundstage.testing.workbench import Workbench

STREAM_ENVIRONMENT = Path(__file__).parents[2] / ".venv-stream"
OUT = "grüße ☂ aus dem Desktop"
IN = "für ☃ den Desktop 🎬"
LONG = "größer ☂ " * 90_000
assert len(LONG.encode()) > 1024 * 1024


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(tmp_path_factory.mktemp("home"), STREAM_ENVIRONMENT)
    yield made
    assert made.close() == []


@pytest.fixture(scope="module")
def enabled(bench: Workbench) -> str:
    return bench.start_with_shell(clipboard=True)


@pytest.fixture(scope="module")
def disabled(bench: Workbench) -> str:
    return bench.start_with_shell(clipboard=False)


@pytest.fixture(scope="module")
def browser(chromium: Path | None) -> Iterator[Browser]:
    with chromium_browser(chromium) as started:
        yield started


@contextmanager
def page_of(bench: Workbench, ref: str, browser: Browser) -> Iterator[Page]:
    """Open the desktop in a page that may use this computer's clipboard."""
    address = bench.engine.observe(ref).address
    assert address is not None
    stream = GatewayWorld.stream
    place = Upstream(stream_id=stream, place=address.place, name=address.name)
    with (
        tempfile.TemporaryDirectory(prefix="soundstage-test-") as home,
        gateway_world(Path(home), STREAM_ENVIRONMENT) as world,
    ):
        world.upstreams.places[stream] = place
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{world.port}{world.page()}?ticket={world.ticket()}")
        page.evaluate("navigator.clipboard.writeText('of this computer')")
        until("the desktop is seen", lambda: page.locator("canvas, video").count() > 0)
        # What is copied inside before the server knows the page is not sent to it later.
        until("the page is connected", lambda: b"controller" in bench.asked(ref, "/api/sessions"))
        yield page
        context.close()


def here(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def comes_true(holds: Callable[[], bool]) -> bool:
    """Reports whether a condition comes within five seconds."""
    with suppress(AssertionError):
        until("it is so", holds, seconds=5)
    return holds()


def paste(page: Page, text: str) -> None:
    """Copy on this computer, go to the desktop, and press the key for pasting."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.mouse.click(640, 360)
    page.keyboard.press("Control+v")


def test_allowed_it_goes_both_ways_through_a_page(
    bench: Workbench, enabled: str, browser: Browser
) -> None:
    inner = InnerClipboard(bench, enabled)
    with page_of(bench, enabled, browser) as page:
        page.mouse.click(640, 360)
        # The page is still setting itself up: what is copied meanwhile is not sent to it later, and
        # a person would copy again.
        for number in range(12):
            inner.copy(f"{OUT} {number}")
            if comes_true(lambda: here(page).startswith(OUT)):
                break
        assert here(page).startswith(OUT)
        for _ in range(12):
            paste(page, IN)
            if comes_true(lambda: inner.holds(IN)):
                break
        assert inner.holds(IN)


def test_allowed_it_takes_long_texts_and_refuses_endless_ones(
    bench: Workbench, enabled: str
) -> None:
    inner = InnerClipboard(bench, enabled)
    with StreamClient(bench, enabled) as client:
        until("the server speaks", lambda: client.heard)
        client.paste(LONG)
        until("all of it is inside", lambda: inner.holds(LONG))
        client.say("cr")
        until("all of it came out again", lambda: client.copied() == LONG)
        # 64 MiB is the stream server's limit: more is not even begun.
        client.say(f"cws,2,{64 * 1024 * 1024 + 1}")
        client.say("cwd,2," + base64.b64encode(b"too much").decode())
        client.say("cwe,2")
        client.say("cw," + base64.b64encode(IN.encode()).decode())
        until("the next is taken", lambda: inner.holds(IN))


def test_disabled_nothing_goes_through_a_page(
    bench: Workbench, disabled: str, browser: Browser
) -> None:
    inner = InnerClipboard(bench, disabled)
    with page_of(bench, disabled, browser) as page:
        page.mouse.click(640, 360)
        inner.copy(OUT)
        until("it is copied inside", lambda: inner.holds(OUT))
        page.keyboard.press("Control+c")
        paste(page, IN)
        # Whatever the page does of itself it does within moments; the picture shows that it lives.
        page.wait_for_timeout(1500)
        assert here(page) == IN
        assert inner.holds(OUT)


def test_disabled_a_client_without_manners_gets_and_puts_nothing(
    bench: Workbench, disabled: str
) -> None:
    inner = InnerClipboard(bench, disabled)
    text, picture = base64.b64encode(IN.encode()).decode(), base64.b64encode(b"\x89PNG").decode()
    flavours = base64.b64encode(json.dumps({"text/plain": text}).encode()).decode()
    with StreamClient(bench, disabled) as client:
        until("the server speaks", lambda: client.heard)
        client.say('SETTINGS,{"enable_clipboard": "true", "enable_binary_clipboard": true}')
        inner.copy(OUT)
        until("it is copied inside", lambda: inner.holds(OUT))
        for message in (
            "cr",
            "REQUEST_CLIPBOARD",
            f"cw,{text}",
            f"cb,text/plain,{text}",
            f"cb,image/png,{picture}",
            f"cb,application/x-selkies-clipboard-flavours,{flavours}",
            "cbs,3,application/x-selkies-clipboard-flavours,10",
            f"cbd,3,{text}",
            "cbe,3",
        ):
            client.say(message)
        client.paste(IN)
        # Messages are taken in order: the answer to the last one says that all were.
        before = len(client.heard)
        client.say("START_VIDEO")
        until("it answers", lambda: len(client.heard) > before)
        inner.copy(OUT + "!")
        until("another is copied inside", lambda: inner.holds(OUT + "!"))
        assert client.heard_of_clipboard() == []
