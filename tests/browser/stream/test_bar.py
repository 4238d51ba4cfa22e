"""The bar of a stream's page, by keyboard."""

from pathlib import Path

from playwright.sync_api import Page
from tests.browser.stream.conftest import (
    Desktop,
    GatewayProcess,
    a_ticket,
    shows,
    until,
)

from soundstage.testing.browser import picture_of


def test_what_else_is_at_the_top_begins_below_the_bar(
    desktop: Desktop, gateway: GatewayProcess, page: Page
) -> None:
    """On a narrow page, whose bar takes several lines."""
    bar = page.get_by_role("region", name="Tools")
    note = page.get_by_role("alert").filter(has_text="The connection is down")
    page.set_viewport_size({"width": 500, "height": 800})
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80), at=(300, 600)))
        page.keyboard.press("Control+Alt+Shift+KeyB")
        until("the bar is seen", bar.is_visible)
    until("it is told", note.is_visible)
    above, below = bar.bounding_box(), note.bounding_box()
    assert above is not None
    assert below is not None
    assert above["height"] > 60
    assert below["y"] >= above["y"] + above["height"]


def test_the_bar_is_out_of_the_way_until_it_is_called(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    """By keyboard alone: its keys reach the desktop, what is typed in it does not."""
    bar = page.get_by_role("region", name="Tools")
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        handle = page.get_by_role("button", name="Tools", exact=True).bounding_box()
        assert handle is not None
        assert handle["y"] + handle["height"] < 16

        def is_heard() -> bool:
            # A page that only just shows the desktop may not pass keys on yet.
            page.mouse.click(300, 200)
            page.keyboard.type(f"touch {desktop.folder}/heard")
            page.keyboard.press("Enter")
            page.wait_for_timeout(500)
            return (desktop.folder / "heard").exists()

        until("keys are passed on", is_heard)
        page.keyboard.type(f"cat -v > {desktop.folder}/typed")
        page.keyboard.press("Enter")
        until("it listens", (desktop.folder / "typed").exists)
        focused = page.evaluate("document.activeElement.outerHTML")

        page.keyboard.press("Control+Alt+Shift+KeyB")
        until("the bar is seen", bar.is_visible)
        full_screen = page.get_by_role("button", name="Full screen")
        until("it has the focus", lambda: full_screen.evaluate("e => e.matches(':focus')"))
        until("the clipboard is told", bar.get_by_text("Clipboard: both ways").is_visible)
        page.keyboard.press("Shift+Tab")
        until("it goes round", bar.locator("button:focus", has_text="Fold").is_visible)
        for name in ("Keys", "Statistics"):
            while not bar.get_by_role("button", name=name).evaluate("e => e.matches(':focus')"):
                page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        bar.get_by_role("button", name="F11").focus()
        page.keyboard.type("nothing")
        page.keyboard.press("Enter")
        bar.get_by_role("button", name="Ctrl + Alt + Delete").click()

        def figure(name: str) -> str:
            return bar.locator(f"dt:text-is('{name}') + dd").inner_text()

        until("a way there and back is measured", lambda: figure("Round trip").endswith(" ms"))
        desktop.paint("#803020")
        until("bytes are counted", lambda: figure("Received").endswith("Mbit/s"))
        until("decoding is measured", lambda: figure("Decoding").endswith("ms a frame"))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            picture_of(page).save(tmp_path / f"bar-{scheme}.png")
        page.keyboard.press("Escape")
        until("the bar is gone", lambda: not bar.is_visible())
        until(
            "the focus is back",
            lambda: page.evaluate("document.activeElement.outerHTML") == focused,
        )
        until("nothing is measured", lambda: page.evaluate("window.stream_stats.open") is False)
        page.keyboard.press("Enter")
        until("the keys arrived", lambda: (desktop.folder / "typed").read_text().endswith("\n"))
        assert (desktop.folder / "typed").read_text() == "^[[23~^[[3;7~\n"
        page.keyboard.press("Control+d")
        assert page.evaluate("window.violations") == []
