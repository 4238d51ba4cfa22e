"""Letting others look on, from the bar to the page of who looks on, with real Selkies between."""

from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize
from tests.browser.conftest import REPOSITORY
from tests.browser.stream.conftest import (
    WATCH_POLICY,
    Desktop,
    GatewayProcess,
    a_ticket,
    running,
    shows,
    until,
)

from soundstage.testing.browser import barriers, picture_of
from soundstage.testing.clients import ensure_axe

TABLET = ViewportSize(width=820, height=1180)
PANEL = 40
"""How high the panel of a desktop is, with its clock at the right."""


def on_a_tablet(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport=TABLET, has_touch=True, is_mobile=True)


def test_by_touch_nothing_is_covered_and_who_looks_on_has_no_buttons(
    desktop: Desktop, gateway: GatewayProcess, browser: Browser, tmp_path: Path
) -> None:
    rule = {"rule": "MAX_SESSION_LENGTH", "allowed_seconds": 3600, "warn_before": [300, 60]}
    coming = {"action": "STOP", "seconds_left": 200, **rule}
    gateway.tell([], coming, {"shares": [], "maxMinutes": 120, "maxViewers": 2})
    with gateway.running(), on_a_tablet(browser) as context:
        desktop.paint("#204080")
        page = context.new_page()
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80), (700, 800)))
        calls = page.locator(".virtual-keyboard-button")
        until("a keyboard can be called", calls.is_visible)
        picture_of(page).save(tmp_path / "touch.png")
        label = page.locator("#overlayInput").get_attribute("aria-label")
        assert label == "The desktop: what is typed goes there"
        button, note = calls.bounding_box(), page.locator(".soundstage-countdown").bounding_box()
        assert button is not None
        assert note is not None
        assert button["y"] + button["height"] < TABLET["height"] - PANEL
        assert note["y"] + note["height"] < button["y"]

        tools = page.locator(".soundstage-bar-open")
        seen = tools.bounding_box()
        assert seen is not None
        assert seen["y"] >= 0
        tools.tap()
        page.get_by_role("button", name="Share").tap()
        page.get_by_role("button", name="Make a link").tap()
        link = page.get_by_role("textbox", name="Link").input_value()
        with on_a_tablet(browser) as viewing:
            viewer = viewing.new_page()
            viewer.goto(link)
            until("the viewer sees", lambda: shows(viewer, (0x20, 0x40, 0x80), (700, 600)))
            # The client makes it before it shows anything; a page that is slow makes no exception.
            viewer.locator("#player-ui-root").wait_for(state="attached")
            picture_of(viewer).save(tmp_path / "viewer-touch.png")
            label = viewer.locator("#overlayInput").get_attribute("aria-label")
            assert label == "The desktop: nothing that you do goes there"
            assert [
                each.get_attribute("title")
                for each in viewer.get_by_role("button").all()
                if each.is_visible()
            ] == []


def test_somebody_looks_on_hears_and_can_not_type_until_that_is_ended(
    desktop: Desktop, gateway: GatewayProcess, browser: Browser, page: Page, tmp_path: Path
) -> None:
    gateway.tell(ended=[], shares={"shares": [], "maxMinutes": 120, "maxViewers": 2})
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        page.keyboard.press("Control+Alt+Shift+KeyB")
        page.get_by_role("button", name="Share").click()
        page.get_by_label("For at most how many").select_option("2")
        page.get_by_label("For how long").select_option("60")
        page.get_by_role("button", name="Make a link").click()
        link = page.get_by_role("textbox", name="Link").input_value()
        assert "?ticket=" in link

        context = browser.new_context(viewport={"width": 1100, "height": 700})
        context.add_init_script(WATCH_POLICY)
        viewer = context.new_page()
        viewer.goto(link)
        assert "ticket" not in viewer.url
        until("the viewer sees", lambda: shows(viewer, (0x20, 0x40, 0x80), (900, 400)))
        until("the owner sees that", page.get_by_text("1 of 2 look on").is_visible)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            picture_of(page).save(tmp_path / f"share-{scheme}.png")
            # What Selkies makes is not ours to change.
            found = barriers(page, ensure_axe(REPOSITORY).read_text())
            assert [each for each in found if "soundstage" in each] == []
        picture_of(viewer).save(tmp_path / "viewer.png")

        size = desktop.size()
        desktop.paint("#106020")
        until("it moves", lambda: shows(viewer, (0x10, 0x60, 0x20), (900, 400)))
        with running(
            "pacat", "--raw", "--rate=44100", "/dev/urandom",
            log=tmp_path / "noise.log", env=desktop.env,
        ):  # fmt: skip
            until("sound is heard", lambda: viewer.evaluate("window.currentAudioLevel > 0"))
        viewer.mouse.click(300, 200)
        viewer.keyboard.type("xsetroot -solid '#803020'")
        viewer.keyboard.press("Enter")
        viewer.set_viewport_size({"width": 900, "height": 500})
        viewer.wait_for_timeout(1500)
        assert shows(viewer, (0x10, 0x60, 0x20), (700, 300))
        assert desktop.size() == size
        assert viewer.evaluate("window.violations") == []

        page.get_by_role("button", name="End").click()
        over = viewer.get_by_role("heading", name="There is nothing to look at any more")
        took = until("the viewer is told", over.is_visible, seconds=5)
        assert took < 5
        until("the owner works on", lambda: shows(page, (0x10, 0x60, 0x20)))
        until("nobody looks on", lambda: not page.get_by_text("look on").is_visible())
        context.close()
    ticket = link.rpartition("=")[2]
    assert ticket not in gateway.log.read_text()
