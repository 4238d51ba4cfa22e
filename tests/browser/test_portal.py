"""The portal in a real browser, before a real service with the simulated engine: live pages, the
keyboard alone, no script at all, small and dark screens, and what bars somebody's way.
"""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import REPOSITORY, Enter, Studio, too_wide

from soundstage.testing.browser import barriers_by_day_and_night
from soundstage.testing.clients import ensure_axe


def test_a_launch_is_followed_live_to_an_open_desktop(studio: Studio, enter: Enter) -> None:
    studio.artist("anna")
    page = enter("anna")
    expect(page.get_by_role("heading", name="Nothing is running")).to_be_visible()
    page.get_by_role("button", name="Launch Animation").click()
    expect(page.get_by_role("heading", name="Animation", level=1)).to_be_visible()
    page.evaluate("window.isTheSamePage = true")
    expect(page.get_by_role("status").get_by_text("Running")).to_be_visible(timeout=30_000)
    assert page.evaluate("window.isTheSamePage")
    expect(page.get_by_text("Stops in")).to_be_visible()
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Open Animation").click()
    opened.value.wait_for_url(f"{studio.service.address}/streams/**")


def test_what_others_do_is_seen_without_a_reload(studio: Studio, enter: Enter) -> None:
    bea = studio.artist("bea")
    page = enter("bea")
    page.evaluate("window.isTheSamePage = true")
    names = studio.launched(bea, 1)
    expect(page.get_by_role("link", name="Compositing", exact=True)).to_be_visible()
    expect(page.get_by_text("Running")).to_be_visible()
    bea.call("StopStreamingSession", **names)
    expect(page.get_by_text("Backup is made")).to_be_visible()
    expect(page.get_by_role("button", name="Start Compositing")).to_be_visible(timeout=30_000)
    assert page.evaluate("window.isTheSamePage")


def test_a_change_leaves_the_reader_s_hands_alone(studio: Studio, enter: Enter) -> None:
    cleo = studio.artist("cleo")
    page = enter("cleo")
    page.get_by_text("Image and size").click()
    page.get_by_label("Size").select_option("g5.xlarge")
    page.get_by_label("Size").focus()
    studio.launched(cleo)
    expect(page.get_by_role("button", name="Open Animation")).to_be_visible()
    assert page.get_by_label("Size").input_value() == "g5.xlarge"
    expect(page.get_by_label("Size")).to_be_focused()


def test_what_did_not_change_stays_where_it_is(studio: Studio, enter: Enter) -> None:
    names = studio.stopped(studio.artist("clara"))
    page = enter("clara")
    page.goto(studio.path(names))
    backup = page.get_by_role("link", name="Browse")
    expect(backup).to_be_visible()
    for _ in range(3):
        with page.expect_response(studio.path(names)):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_function("document.querySelectorAll('.timeline li').length === 1")
        expect(backup).to_be_visible()


def test_the_desktop_is_seen_and_seen_anew(studio: Studio, enter: Enter) -> None:
    dan = studio.artist("dan")
    studio.launched(dan)
    page = enter("dan")
    picture = page.get_by_role("img", name="The desktop of Animation")
    expect(picture).to_be_visible(timeout=30_000)
    page.clock.install()
    page.reload()
    expect(picture).to_have_js_property("naturalWidth", 16)
    page.clock.fast_forward(16_000)
    expect(picture).to_have_attribute("src", re.compile(r"/picture\?at=\d+$"))
    expect(picture).to_have_js_property("naturalWidth", 16)


def test_a_disabled_person_is_out_within_five_seconds(studio: Studio, enter: Enter) -> None:
    studio.artist("dora")
    page = enter("dora")
    # Only a page whose events are on their way is told; one that opens just then is led to the
    # sign-in. The empty page in between ends the events of the first one.
    page.goto("about:blank")
    with page.expect_response("**/events?*"):
        page.goto(f"{studio.service.address}/")
    studio.disable("dora")
    expect(page.get_by_text("You are signed out here")).to_be_visible(timeout=5_000)
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_service_that_went_away_is_told_and_comes_back(studio: Studio, enter: Enter) -> None:
    edda = studio.artist("edda")
    page = enter("edda", java_script_enabled=False)
    studio.service.stop()
    studio.service.start()
    # The cookie outlives the restart.
    page.reload()
    expect(page.get_by_role("heading", name="Launch a workstation")).to_be_visible()
    studio.launched(edda)
    page.reload()
    expect(page.get_by_role("button", name="Open Animation")).to_be_visible()


def test_everything_is_done_without_script(studio: Studio, enter: Enter) -> None:
    studio.artist("finn")
    page = enter("finn", java_script_enabled=False)
    page.get_by_role("button", name="Launch Animation").click()

    def becomes(state: str) -> None:
        """Wait: a page on which something is in progress loads itself anew."""
        expect(page.locator(".workstation .status")).to_have_text(state, timeout=30_000)

    becomes("Running")
    page.get_by_role("button", name="Extend").click()
    page.get_by_role("link", name="Stop Animation…").click()
    page.get_by_role("button", name="Stop it").click()
    becomes("Stopped")
    page.get_by_role("link", name="Browse").click()
    expect(page.get_by_role("heading", name="Backup of")).to_be_visible()
    page.get_by_role("link", name="Back to the workstation").click()
    page.get_by_role("button", name="Start from the backup").click()
    becomes("Running")
    page.get_by_role("link", name="Delete Animation…").click()
    expect(page.get_by_text("Its backup stays for 7 days")).to_be_visible()
    page.get_by_role("button", name="Delete it for good").click()
    expect(page.get_by_role("heading", name="Your workstations")).to_be_visible()


def test_times_are_the_reader_s_and_the_page_names_the_zone(studio: Studio, enter: Enter) -> None:
    studio.launched(studio.artist("gina"))
    page = enter("gina", timezone_id="Asia/Tokyo", locale="en-US")
    expect(page.get_by_text("Times: Japan Standard Time")).to_be_visible()
    moment = page.locator(".workstation .meta time")
    shown = page.evaluate(
        "(at) => new Date(at).toLocaleString('en-US', "
        "{timeZone: 'Asia/Tokyo', dateStyle: 'medium', timeStyle: 'short'})",
        moment.get_attribute("datetime"),
    )
    expect(moment).to_have_text(shown)
    bare = enter("gina", timezone_id="Asia/Tokyo", java_script_enabled=False)
    expect(bare.locator(".workstation .meta time")).to_have_text(re.compile("UTC$"))
    expect(bare.get_by_text("Times:")).to_be_hidden()


def test_what_is_typed_to_be_found_outlives_a_change(studio: Studio, enter: Enter) -> None:
    greta = studio.artist("greta")
    for number in range(7):
        studio.launched(greta, number % 3)
    page = enter("greta")
    field = page.get_by_label("Find a workstation")
    field.press_sequentially("review r")
    studio.launched(greta, 1)
    expect(page.get_by_role("link", name="Compositing", exact=True)).to_have_count(3)
    expect(field).to_be_focused()
    expect(field).to_have_value("review r")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?find=review+r")
    expect(page.locator("li.workstation")).to_have_count(2)
    expect(page.get_by_role("button", name="Launch Review room")).to_be_visible()
    expect(page.get_by_role("button", name="Launch Animation")).to_have_count(0)


def test_the_keyboard_alone_is_enough(studio: Studio, enter: Enter) -> None:
    studio.artist("gus")
    page = enter("gus")

    def tab_to(name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "document.activeElement.ariaLabel || document.activeElement.innerText"
            )
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert ring == "solid", f"no ring around {focused}"
            if focused == name:
                return
        pytest.fail(f"{name} is not reached")

    tab_to("Launch Animation")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("Running")).to_be_visible(timeout=30_000)
    tab_to("Stop Animation…")
    page.keyboard.press("Enter")
    page.wait_for_url("**/stop")
    tab_to("Cancel")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/stop"))


def test_a_long_name_fits_beside_long_words(studio: Studio, enter: Enter) -> None:
    """In German, from where the bar has one line on."""
    name = "maximiliane-von-und-zu-hohenzollern-" + "x" * 28
    studio.artist(name)
    page = enter(name)
    page.get_by_role("button", name="Deutsch").click()
    for width in (641, 700, 820, 1024):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        expect(page.get_by_role("button", name="Abmelden")).to_be_in_viewport(ratio=1)
        assert page.locator(".who .name").evaluate("e => e.clientWidth") > 60


def test_nothing_bars_the_way_and_everything_fits(studio: Studio, enter: Enter) -> None:
    hana = studio.artist("hana")
    running, stopped = studio.launched(hana, 2), studio.stopped(hana)
    axe = ensure_axe(REPOSITORY).read_text(encoding="utf-8")
    page = enter("hana")
    address = studio.service.address
    places = {
        "home": address,
        "logins": f"{address}/logins",
        "running": studio.path(running),
        "stopped": studio.path(stopped),
        "delete": f"{studio.path(stopped)}/delete",
        "nothing": f"{address}/workstations/{studio.where['studioId']}/nothing",
    }
    found, wide = [], []
    for name, place in places.items():
        page.goto(place)
        wide += too_wide(page, name)
        found += barriers_by_day_and_night(page, axe)
    page.get_by_role("button", name="Sign out").click()
    for name, place in {"front": address, "sign-in": f"{address}/sign-in"}.items():
        page.goto(place)
        wide += too_wide(page, name)
        found += barriers_by_day_and_night(page, axe)
    assert (found, wide) == ([], [])
