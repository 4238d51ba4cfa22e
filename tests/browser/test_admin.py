"""Pages for administrators in a real browser: what others do is seen live, everything is done by
keyboard and without script, and nothing bars the way in light and dark.
"""

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import DESKTOP, PHONE, REPOSITORY, Enter, Studio, too_wide

from soundstage.testing.browser import barriers_by_day_and_night
from soundstage.testing.clients import ensure_axe


def admin(studio: Studio, page: str) -> str:
    return f"{studio.service.address}/admin/{quote(studio.where['studioId'], safe='')}/{page}"


def test_what_artists_do_is_seen_live_and_ended_with_a_word(studio: Studio, enter: Enter) -> None:
    ida = studio.artist("ida")
    page = enter("operator")
    page.get_by_role("link", name="Studio", exact=True).click()
    expect(page.get_by_role("heading", name="Aurora Pictures")).to_be_visible()
    page.evaluate("window.isTheSamePage = true")
    page.get_by_label("Launch profile").select_option("")
    page.get_by_label("Launch profile").focus()
    studio.launched(ida)
    row = page.get_by_role("row").filter(has_text="ida")
    expect(row.get_by_text("Running")).to_be_visible()
    assert page.evaluate("window.isTheSamePage")
    expect(page.get_by_label("Launch profile")).to_be_focused()
    row.get_by_role("link", name="Stop Animation of ida…").click()
    expect(page.get_by_text("It is ida’s.")).to_be_visible()  # noqa: RUF001 - as it is shown
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("link", name="All workstations")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("Stopped")).to_be_visible(timeout=30_000)


def tab_to(page: Page, name: str) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(document.activeElement.labels?.[0]?.innerText || document.activeElement.ariaLabel"
            " || document.activeElement.innerText || '').trim()"
        )
        if focused.startswith(name):
            return
    pytest.fail(f"{name} is not reached")


@pytest.mark.parametrize("has_script", [True, False])
def test_a_profile_is_made_by_keyboard_and_what_is_refused_is_led_to(
    studio: Studio, enter: Enter, has_script: bool
) -> None:
    name = f"Layout {has_script}"
    page = enter("operator", java_script_enabled=has_script)
    page.goto(admin(studio, "profiles/new"))
    if not has_script:
        # The keyboard is asked through scripts, so here the fields are filled in.
        page.get_by_role("textbox", name="Name").fill(name)
        page.get_by_label("By default").nth(0).select_option(label="Debian 12 desktop")
        page.get_by_label("By default").nth(1).select_option(index=1)
        page.get_by_role("checkbox", name="Basics").check()
        page.get_by_role("button", name="Create").click()
    else:
        tab_to(page, "Name")
        page.keyboard.type(name)
        tab_to(page, "By default")
        page.keyboard.type("Debian")
        tab_to(page, "By default")
        page.keyboard.type("g5.2")
        tab_to(page, "Basics")
        page.keyboard.press("Space")
        tab_to(page, "Stops after")
        page.keyboard.type("3")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("3 is too short")
        tab_to(page, "Go to the field")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Stops after")).to_be_focused()
        page.keyboard.press("Control+a")
        page.keyboard.type("30")
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name, level=2)).to_be_visible()
    page.get_by_label("Add somebody, by name").fill("operator")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("button", name="Remove operator")).to_be_visible()
    page.get_by_role("link", name="What happened to it").click()
    page.get_by_label("What happened").select_option(label="Members added")
    page.get_by_role("button", name="Show").click()
    row = page.get_by_role("row").filter(has_text="Members added")
    expect(row.get_by_role("link", name=name, exact=True)).to_be_visible()
    row.get_by_text("More").click()
    expect(row.get_by_text("PutLaunchProfileMembers").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="As a table (CSV)").click()
    assert download.value.path().read_text().count("calls.PutLaunchProfileMembers") == 1


def test_a_host_is_taken_out_after_a_question_and_people_are_told(
    studio: Studio, enter: Enter
) -> None:
    studio.launched(studio.artist("mia"))
    page = enter("operator")
    page.goto(admin(studio, "capacity"))
    page.get_by_role("link", name="Take n1 out…").click()
    page.get_by_label("Minutes until they are stopped").fill("20")
    page.get_by_label("Reason").fill("new disks")
    page.get_by_role("button", name="Take it out").click()
    row = page.get_by_role("row").filter(has_text="n1")
    expect(row.get_by_text("Being evacuated")).to_be_visible()
    expect(row.get_by_text("Reason: new disks")).to_be_visible()
    told = enter("mia")
    why = told.get_by_text("The host n1 is taken out for maintenance (new disks).")
    expect(why).to_be_visible()
    row.get_by_role("link", name="Reopen n1…").click()
    page.get_by_role("button", name="Reopen it").click()
    expect(row.get_by_text("Open", exact=True)).to_be_visible()
    # It is gone from the page by itself.
    expect(why).to_be_hidden()


_LABELS = """[...document.querySelectorAll("[aria-labelledby=hosts] tbody td")]
    .filter((cell) => cell.innerText && !cell.querySelector("a"))
    .map((cell) => getComputedStyle(cell, "::before").content)"""
_LINES = """[...document.querySelectorAll(".types tbody th")].map((name) => {
    const range = document.createRange();
    range.selectNodeContents(name);
    return range.getClientRects().length;
})"""


def test_figures_on_a_phone_say_what_they_are_and_no_name_is_torn(
    studio: Studio, enter: Enter
) -> None:
    page = enter("operator", viewport=PHONE)
    page.goto(admin(studio, "capacity"))
    assert page.evaluate(_LABELS) == ['"Workstations"', '"Cores promised"', '"Memory promised"']
    lines = page.evaluate(_LINES)
    assert len(lines) > 5
    assert set(lines) == {1}
    page.set_viewport_size(DESKTOP)
    assert set(page.evaluate(_LABELS)) == {"none"}


def test_nothing_bars_the_way_and_everything_fits(studio: Studio, enter: Enter) -> None:
    long = studio.artist(f"jo-{'long-name-' * 5}x")
    studio.launched(long, 1)
    webhook = studio.operator.call(
        "CreateWebhook", **studio.where, url=f"https://{'long-' * 11}name.invalid/x"
    )["webhook"]["webhookId"]
    axe = ensure_axe(REPOSITORY).read_text(encoding="utf-8")
    page = enter("operator")
    found, wide = [], []
    for number, place in enumerate(
        (
            "sessions",
            "sessions?state=failed",
            "profiles",
            f"profiles/{studio.profiles[0]}",
            f"profiles/{studio.profiles[0]}/delete",
            "images",
            "images/new",
            "components",
            "components?find=nothing+like+that&state=bad",
            "components/new?type=SHARED_FILE_SYSTEM",
            "people",
            "events",
            "events?of=INSTALLATION",
            "events?kind=calls.REFUSED&from=2001-01-01T00:00",
            "webhooks",
            "webhooks/new",
            f"webhooks/{webhook}",
            f"webhooks/{webhook}/delete",
            "capacity",
            "capacity/quotas",
            "capacity/hosts/n1/evacuate",
            "capacity/hosts/n1/reopen",
            "health",
        )
    ):
        answer = page.goto(admin(studio, place))
        assert answer is not None
        assert answer.status == 200
        assert len(answer.body()) < 100_000
        found += barriers_by_day_and_night(page, axe)
        wide += too_wide(page, f"admin-{number:02}-{place.split('?')[0].split('/')[0]}")
    assert (found, wide) == ([], [])
