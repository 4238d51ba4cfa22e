"""How a stream's page ends, and what it says before and after."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from tests.browser.stream.conftest import (
    STREAM,
    WATCH_POLICY,
    Desktop,
    GatewayProcess,
    a_ticket,
    shows,
    until,
)

from soundstage.testing.browser import picture_of
from soundstage.words.texts import Words


def test_an_ended_stream_is_cut_and_the_page_says_so(
    desktop: Desktop, gateway: GatewayProcess, page: Page, tmp_path: Path
) -> None:
    with gateway.running():
        desktop.paint("#204080")
        page.goto(gateway.link(a_ticket()))
        until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80)))
        gateway.tell(ended=[STREAM])
        headline = page.get_by_role("heading", name="This stream has ended")
        took = until("the page says that it ended", headline.is_visible, seconds=5)
        assert took < 5
        picture_of(page).save(tmp_path / "ended.png")
        answer = page.reload()
        assert answer is not None
        assert answer.status == 410


def test_a_used_link_says_so_in_light_and_dark(
    gateway: GatewayProcess, browser: Browser, tmp_path: Path
) -> None:
    ticket = a_ticket()
    grounds = set()
    with gateway.running():
        (tmp_path / "used").touch()
        for scheme in ("light", "dark"):
            context = browser.new_context(color_scheme=scheme)
            context.add_init_script(WATCH_POLICY)
            page = context.new_page()
            answer = page.goto(gateway.link(ticket))
            assert answer is not None
            assert answer.status == 410
            assert page.get_by_role("heading", name="This link was already used").is_visible()
            assert page.get_by_role("link", name="Go to the portal").get_attribute("href") == "/"
            assert page.evaluate("window.violations") == []
            image = picture_of(page)
            image.save(tmp_path / f"used-{scheme}.png")
            grounds.add(image.getpixel((5, 5)))
            context.close()
    assert len(grounds) == 2


def ground_of_the_note(
    gateway: GatewayProcess,
    browser: Browser,
    look: tuple[Any, str],
    coming: dict[str, Any],
    image_path: Path,
) -> Any:
    """Walk through a countdown on the page, and give the colour that its note is drawn on."""
    scheme, language = look
    words = Words(language)
    stops = words("page.countdown.stops")
    context = browser.new_context(
        color_scheme=scheme, locale=language, viewport={"width": 1280, "height": 720}
    )
    context.add_init_script(WATCH_POLICY)
    page = context.new_page()
    page.goto(gateway.link(a_ticket()))
    note = page.locator(".soundstage-countdown")
    until("the note is shown", note.is_visible)
    until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80), (700, 650)))
    assert page.get_by_role("button", name=words("page.bar.tools"), exact=True).count() == 1
    assert re.search(rf"{stops}4:\d\d", note.inner_text())
    reason = words("ends.MAX_SESSION_LENGTH", length="11 h")
    assert reason in note.inner_text()
    minutes = words("page.countdown.minutes", number=5)
    said = words("page.countdown.said_stops", length=minutes, why=reason)
    assert note.get_by_role("status").inner_text().startswith(said)
    box = note.bounding_box()
    assert box is not None
    assert box["x"] > 800
    assert box["y"] > 480
    image = picture_of(page)
    image.save(image_path)
    ground = image.getpixel((int(box["x"]) + 30, int(box["y"]) + 5))

    # The keyboard stays where it was, and the note comes back at the next threshold.
    focused = page.evaluate("document.activeElement.outerHTML")
    note.get_by_role("button", name=words("page.countdown.close")).click()
    until("the note is closed", lambda: not note.is_visible())
    assert page.evaluate("document.activeElement.outerHTML") == focused
    page.reload()
    until("the desktop is seen", lambda: shows(page, (0x20, 0x40, 0x80), (700, 650)))
    assert not note.is_visible()
    gateway.tell(ended=[], coming={**coming, "seconds_left": 55.0})
    until("the note is back", note.is_visible, seconds=20)
    assert note.get_by_role("alert").inner_text().startswith(f"{stops}1 ")
    gateway.tell(ended=[])
    until("the note is gone", lambda: not note.is_visible(), seconds=20)
    assert page.evaluate("window.violations") == []
    context.close()
    return ground


def test_what_comes_by_itself_is_shown_in_time_and_in_a_corner(
    desktop: Desktop, gateway: GatewayProcess, browser: Browser, tmp_path: Path
) -> None:
    told = {"rule": "MAX_SESSION_LENGTH", "allowed_seconds": 11 * 3600}
    coming = {"action": "STOP", "seconds_left": 290.0, "warn_before": [900, 300, 60], **told}
    desktop.paint("#204080")
    grounds = set()
    with gateway.running():
        for look in (("light", "en"), ("dark", "de")):
            (tmp_path / "used").unlink(missing_ok=True)
            gateway.tell(ended=[], coming=coming)
            image_path = tmp_path / f"countdown-{look[0]}.png"
            grounds.add(ground_of_the_note(gateway, browser, look, coming, image_path))
    assert len(grounds) == 2
