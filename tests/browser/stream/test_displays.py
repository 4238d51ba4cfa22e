"""Sizes, letters and a second display, chosen in the bar of a stream's page."""

from pathlib import Path

from playwright.sync_api import Page
from tests.browser.conftest import REPOSITORY
from tests.browser.stream.conftest import (
    Desktop,
    GatewayProcess,
    a_ticket,
    shows,
    until,
)

from soundstage.testing.browser import barriers, picture_of
from soundstage.testing.clients import ensure_axe


def test_a_size_is_chosen_and_given_back(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        page.keyboard.press("Control+Alt+Shift+KeyB")
        page.get_by_role("button", name="Display", exact=True).click()
        size = page.get_by_label("Size", exact=True)
        assert page.get_by_label("Shown").is_disabled()
        size.select_option("1920x1080")
        until("the desktop has that size", lambda: desktop.size() == "1920x1080")
        until("it is fitted", lambda: shows(page, (0x20, 0x40, 0x80), (1270, 700)))
        page.get_by_label("Shown").select_option("Pixel for pixel")
        page.get_by_label("Text size").select_option("150 %")
        until("letters are larger", lambda: "Xft.dpi:\t144" in desktop.run("xrdb", "-query"))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            picture_of(page).save(tmp_path / f"displays-{scheme}.png")
            found = barriers(page, ensure_axe(REPOSITORY).read_text())
            assert [each for each in found if "soundstage" in each] == []
        page.reload()
        until("it is seen again", lambda: shows(page, (0x20, 0x40, 0x80), (900, 500)))
        page.keyboard.press("Control+Alt+Shift+KeyB")
        page.get_by_role("button", name="Display", exact=True).click()
        until("it is remembered", lambda: size.input_value() == "1920x1080")
        assert page.get_by_label("Text size").input_value() == "144"
        size.select_option("As the window")
        until("it follows the window again", lambda: desktop.size() == "1280x720")
        assert page.evaluate("window.violations") == []


def test_a_second_display_comes_and_goes_with_its_window(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    def monitors() -> int:
        return desktop.run("xrandr", "--listmonitors").count("selkies-")

    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        page.keyboard.press("Control+Alt+Shift+KeyB")
        page.get_by_role("button", name="Display", exact=True).click()
        with page.expect_popup() as opened:
            page.get_by_role("button", name="Second display").click()
        second = opened.value
        until("there are two", lambda: monitors() == 2)
        second.set_viewport_size({"width": 1024, "height": 640})
        until("it follows its window", lambda: desktop.size() == "2304x720")
        desktop.paint("#106020")
        green = (0x10, 0x60, 0x20)
        until("the first one shows it", lambda: shows(page, green))
        until("the second one too", lambda: shows(second, green, (700, 500)))
        picture_of(second).save(tmp_path / "second.png")
        second.close()
        until("there is one again", lambda: desktop.size() == "1280x720")
