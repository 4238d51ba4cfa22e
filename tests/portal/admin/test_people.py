"""Administrators and members, put in and taken out by name."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office


def administrators(office: "Office") -> set[str]:
    found = office.world.operator.pages("ListStudioMembers", studioId=office.studio.id)
    return {each["principalId"] for each in found}


def members(office: "Office") -> set[str]:
    names = {"studioId": office.studio.id, "launchProfileId": office.studio.profile_id}
    return {
        each["principalId"]
        for each in office.world.operator.pages("ListLaunchProfileMembers", **names)
    }


def test_somebody_is_made_an_administrator_and_is_none_again(office: "Office") -> None:
    carl = office.world.principal_id("carl")
    assert "Artist" in office.see("people").text
    assert office.send("people", name="carl ").headers["Location"] == f"{office.path}/people"
    assert carl in administrators(office)
    gone = office.send("people", "people/remove", principalId=carl)
    assert gone.headers["Location"] == f"{office.path}/people"
    assert carl not in administrators(office)


def test_a_stranger_is_said_to_be_one(office: "Office") -> None:
    for name in ("zed", "", "<b>"):
        page = office.send("people", name=name)
        assert f"Nobody here is called {name.replace('<b>', '&lt;b&gt;')}." in page.text
        assert "<b>" not in page.text


def test_an_administrator_of_the_studio_makes_no_others(office: "Office") -> None:
    page = office.see("people", office.ben)
    assert "Make somebody an administrator" not in page.text
    assert "ben" in page.text


def test_members_of_a_launch_profile_come_and_go(office: "Office") -> None:
    one = f"profiles/{office.studio.profile_id}"
    dora = office.world.principal_id("dora")
    page = office.see(one, office.ben)
    assert "Nobody but administrators can launch by it yet." in page.text
    answer = office.ben.submit(page, f"{office.path}/{one}/members", name="dora")
    assert answer.headers["Location"] == f"{office.path}/{one}#members"
    assert members(office) == {dora}
    page = office.see(one, office.ben)
    unknown = office.ben.submit(page, f"{office.path}/{one}/members", name="zed")
    assert "Nobody here has that name" in office.ben.follow(unknown).text
    office.ben.submit(page, f"{office.path}/{one}/members/remove")
    assert members(office) == set()
