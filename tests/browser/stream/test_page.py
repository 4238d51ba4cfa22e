"""A stream's page: a desktop that one can work in, and what is seen of a hand at work."""

import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route
from tests.browser.stream.conftest import (
    CHROMIUM,
    STREAM,
    Desktop,
    GatewayProcess,
    Line,
    a_ticket,
    heard,
    running,
    shows,
    until,
)

from soundstage.testing.browser import picture_of

BUSY = 7000
"""Milliseconds that a page stands still by itself: longer than it waits for an answer."""
STAND_STILL = "(length) => { for (const end = Date.now() + length; Date.now() < end;); }"
WATCH_NOTE = """
window.told = [];
const note = document.querySelector(".soundstage-connection-note");
new MutationObserver(() => { if (!note.hidden) { window.told.push(note.textContent); } })
  .observe(note, { attributes: true });
"""

WATCH_QUESTIONS = """
window.asked = false;
Object.defineProperty(window, "selkiesTransport", {
  get: () => window.watchedTransport ?? null,
  set: (transport) => {
    window.watchedTransport = transport;
    const send = transport.send;
    transport.send = (what) => {
      window.asked ||= what === "REQUEST_KEYFRAME";
      send.call(transport, what);
    };
  },
});
"""
RESET_HEARD = """
window.asked = false;
window.selkiesTransport._worker.onmessage(
  { data: { type: "message", data: "PIPELINE_RESETTING primary" } })
"""
# As Selkies' client does 1.5 s after a break if it has no picture by then, though it is connected.
GIVE_UP = """
window.started = [];
window.addEventListener("message", ({ data }) => {
  if (data.type === "pipelineStatusUpdate") { window.started.push([data.video, data.audio]); }
});
window.postMessage(
  { type: "pipelineStatusUpdate", video: false, audio: false }, window.location.origin)
"""
IS_FIRST_TRANSPORT = "window.selkiesTransport === window.firstTransport"
CLOSING = 2


def test_a_link_opens_a_desktop_that_one_can_work_in(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    errors: list[str] = []
    asked: list[Request] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    def note(request: Request) -> None:
        asked.append(request)

    page.on("console", hear)
    page.on("request", note)
    ticket = a_ticket()
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(ticket))
        assert page.url == f"http://127.0.0.1:{gateway.port}/streams/{STREAM}/"
        until("the desktop's ground is seen", lambda: shows(page, (0x20, 0x40, 0x80)))

        page.mouse.click(300, 200)
        page.keyboard.type("xsetroot -solid '#803020'")
        page.keyboard.press("Enter")
        until("what was typed has run", lambda: shows(page, (0x80, 0x30, 0x20)))
        picture_of(page).save(tmp_path / "desktop.png")

        page.set_viewport_size({"width": 1104, "height": 640})
        until("the desktop follows the window", lambda: desktop.size() == "1104x640")

        with running(
            "pacat", "--raw", "--rate=44100", "/dev/urandom",
            log=tmp_path / "noise.log", env=desktop.env,
        ):  # fmt: skip
            until("sound is heard", lambda: page.evaluate("window.currentAudioLevel > 0"))

        assert page.title() == "Workstation · Soundstage"
        assert page.evaluate("window.violations") == []
        assert [text for text in errors if "Content Security Policy" in text] == []
        cookies = page.context.cookies()
        until("use is reported", (tmp_path / "activity").exists)

    own = f"http://127.0.0.1:{gateway.port}/streams/"
    assert [
        r.url for r in asked if not r.url.removeprefix("blob:").startswith("http://127.0.0.1")
    ] == []
    assert {r.method for r in asked if r.url.startswith(own)} <= {"GET", "HEAD"}
    assert [(c["name"], c["path"], c["httpOnly"], c["sameSite"]) for c in cookies] == [
        ("soundstage_stream", f"/streams/{STREAM}/", True, "Lax")
    ]
    log = gateway.log.read_text()
    assert "gateway.relay_opened" in log
    assert ticket not in log
    assert cookies[0]["value"] not in log
    # Not even the part of either that stays the same when it is signed again.
    assert ticket.rpartition(".")[2] not in log


@pytest.mark.parametrize(
    "part",
    ["soundstage/page.css", "soundstage/own.js", "assets/index-*.js", "assets/selkies-core-*"],
)
def test_a_page_that_lacks_a_part_is_loaded_again(
    desktop: Desktop, gateway: GatewayProcess, page: Page, part: str
) -> None:
    asked: list[str] = []

    def miss_first(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    def is_loaded_again() -> bool:
        page.wait_for_timeout(50)
        return len(asked) == 2

    with gateway.running():
        desktop.paint("#204080")
        page.route(f"**/{part}", miss_first)
        page.goto(gateway.link(a_ticket()), wait_until="commit")
        until("it is loaded again", is_loaded_again)
        page.wait_for_load_state()
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        assert page.evaluate("window.soundstage") is not None
        assert len(asked) == 2


def test_a_page_that_goes_on_lacking_a_part_gives_up(gateway: GatewayProcess, page: Page) -> None:
    missed: list[str] = []

    def miss(route: Route) -> None:
        missed.append(route.request.url)
        route.abort("internetdisconnected")

    with gateway.running():
        page.clock.install(time=0)
        page.clock.pause_at(1000)
        page.route("**/soundstage/own.js", miss)
        page.goto(gateway.link(a_ticket()))
        for pause in (300, 1000, 3000, 10_000):
            with page.expect_event("load"):
                page.clock.run_for(pause)
        page.clock.run_for(20_000)
        assert len(missed) == 5


def test_the_page_comes_back_by_itself_after_the_gateway_was_killed(
    desktop: Desktop, gateway: GatewayProcess, page: Page
) -> None:
    with gateway.running() as process:
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        page.evaluate("window.neverReloaded = true")
        note = page.get_by_role("alert").filter(has_text="The connection is down")
        assert not note.is_visible()
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        desktop.paint("#106020")
        until("it is told", note.is_visible)
        assert page.locator("#status-display").is_hidden()
    with gateway.running():
        until("the new ground is seen", lambda: shows(page, (0x10, 0x60, 0x20)))
        assert page.evaluate("window.neverReloaded") is True
        until("nothing is told any more", lambda: not note.is_visible())


def test_a_line_that_falls_silent_is_told_within_ten_seconds_and_a_busy_page_is_none(
    desktop: Desktop, gateway: GatewayProcess, browser: Browser, chromium: Path | None
) -> None:
    line = Line(gateway.port)
    by_line = [*CHROMIUM, f"--host-resolver-rules=MAP 127.0.0.1 127.0.0.1:{line.port}"]
    with gateway.running(), line.open():
        desktop.paint("#204080")
        other = browser.browser_type.launch(executable_path=chromium, args=by_line)
        page = heard(other.new_page())
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        page.evaluate(WATCH_NOTE)
        page.evaluate("window.firstTransport = window.selkiesTransport")
        line.fall_silent()
        with page.expect_response("**/api/status"):
            with page.expect_request("**/api/status"):
                pass
            page.evaluate(STAND_STILL, BUSY)
            line.go_on()
        assert page.evaluate("window.told") == []
        assert page.evaluate(IS_FIRST_TRANSPORT) is True

        line.fall_silent()
        note = page.get_by_role("alert").filter(has_text="The connection is down")
        until("it is told", note.is_visible, seconds=10)
        desktop.paint("#106020")
        line.go_on()
        until("nothing is told any more", lambda: not note.is_visible(), seconds=10)
        until("the new ground is seen", lambda: shows(page, (0x10, 0x60, 0x20)))
        # The old one would wait for its next try to send, which may be half a minute away.
        assert page.evaluate(IS_FIRST_TRANSPORT) is False
        assert page.evaluate("window.firstTransport.readyState") >= CLOSING
        other.close()


def test_a_page_asks_for_a_whole_picture_after_it_opened_and_after_each_reset(
    desktop: Desktop, gateway: GatewayProcess, page: Page
) -> None:
    with gateway.running():
        desktop.paint("#204080")
        page.add_init_script(WATCH_QUESTIONS)
        page.goto(gateway.link(a_ticket()))
        until("it is asked for", lambda: page.evaluate("window.asked"))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        page.evaluate(RESET_HEARD)
        until("it is asked for once more", lambda: page.evaluate("window.asked"))
        desktop.paint("#106020")
        until("the new ground is seen", lambda: shows(page, (0x10, 0x60, 0x20)))


def test_a_client_that_gives_up_just_as_its_picture_comes_back_is_given_the_picture(
    desktop: Desktop, gateway: GatewayProcess, page: Page
) -> None:
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        page.evaluate(GIVE_UP)
        desktop.paint("#106020")
        until("the new ground is seen", lambda: shows(page, (0x10, 0x60, 0x20)))
        until("the sound too", lambda: [None, True] in page.evaluate("window.started"))


def test_a_network_that_changes_is_no_silence_but_a_new_connection(
    desktop: Desktop, gateway: GatewayProcess, page: Page
) -> None:
    missed: list[str] = []

    def miss_once(route: Route) -> None:
        if missed:
            route.continue_()
        else:
            missed.append(route.request.url)
            route.abort("connectionaborted")

    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        page.evaluate(WATCH_NOTE)
        page.evaluate("window.firstTransport = window.selkiesTransport")
        page.route("**/api/status", miss_once)
        with page.expect_event("requestfailed"):
            pass
        desktop.paint("#106020")
        until("it connects anew", lambda: not page.evaluate(IS_FIRST_TRANSPORT))
        until("the new ground is seen", lambda: shows(page, (0x10, 0x60, 0x20)))
        assert page.evaluate("window.told") == []


def test_a_hand_on_the_pointer_is_told_from_an_open_page(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        (tmp_path / "activity").unlink(missing_ok=True)
        until("an open page carries bytes", (tmp_path / "activity").exists)
        assert not (tmp_path / "input").exists()
        page.mouse.move(300, 200)
        page.mouse.move(320, 220)
        until("a pointer is input", (tmp_path / "input").exists)


def test_an_address_that_is_not_secure_explains_itself(
    gateway: GatewayProcess, browser: Browser, chromium: Path | None
) -> None:
    elsewhere = [*CHROMIUM, "--host-resolver-rules=MAP studio.test 127.0.0.1"]
    with gateway.running():
        other = browser.browser_type.launch(executable_path=chromium, args=elsewhere)
        page = heard(other.new_page())
        page.goto(gateway.link(a_ticket()).replace("127.0.0.1", "studio.test"))
        page.wait_for_url(f"**/streams/{STREAM}/not-secure")
        assert page.inner_text("h1") == "This browser needs a secure address"
        assert "https" in page.inner_text(".advice")
        other.close()
