"""Who sees pages for administrators, and what each of them may."""

from typing import TYPE_CHECKING

import pytest

from soundstage.portal.admin.desk import TABS
from soundstage.testing.visitor import Visitor

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office


@pytest.mark.parametrize("tab", [tab.name for tab in TABS])
def test_artists_are_refused_and_strangers_led_to_the_sign_in(office: "Office", tab: str) -> None:
    refused = office.see(tab, office.anna)
    assert refused.status_code == 403
    assert "This is for administrators" in refused.text
    assert office.see(tab, Visitor(office.world)).headers["Location"].startswith("/sign-in?next=")
    assert office.see(tab).status_code == 200


def test_artists_see_no_way_there_and_no_form_of_theirs_is_taken(office: "Office") -> None:
    page = office.anna.get("/")
    assert "/admin" not in page.text
    assert "/admin" in office.ben.get("/").text
    token = office.anna.get("/logins").text.partition('name="token" value="')[2][:64]
    for form in ("people", "profiles/new", "images/new", "components/x/delete"):
        answer = office.anna.post(f"{office.path}/{form}", {"token": token, "name": "anna"})
        assert answer.status_code == 403


def test_an_administrator_has_the_pages_that_the_api_lets_them_fill(office: "Office") -> None:
    page = office.see("sessions", office.ben)
    assert f"{office.path}/profiles" in page.text
    assert f"{office.path}/components" not in page.text
    assert "New launch profile" not in office.see("profiles", office.ben).text
    assert office.see("components", office.ben).status_code == 403
    assert "Only whoever runs this installation changes this." in (
        office.see(f"profiles/{office.studio.profile_id}", office.ben).text
    )


def test_the_entry_leads_to_the_studio(office: "Office") -> None:
    where = f"{office.path}/sessions"
    assert office.ben.get("/admin").headers["Location"] == where
    assert office.ben.get(f"/admin?studio={office.path}").headers["Location"] == where
    assert office.ben.get("/admin?studio=https://evil.example").headers["Location"] == where
    assert office.anna.get("/admin").status_code == 403
    assert office.operator.get("/admin/nothing/sessions").status_code == 404


def test_who_administers_a_studio_without_profiles_is_led_to_make_one(office: "Office") -> None:
    made = office.world.studio("second")["studioId"].replace(":", "%3A")
    assert f'href="/admin/{made}/profiles"' in office.operator.get("/").text
