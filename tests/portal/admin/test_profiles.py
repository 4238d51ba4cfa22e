"""Launch profiles by forms: all rules, their defaults, their checks."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office

RULES = "streamConfiguration"


def ids(office: "Office") -> tuple[str, str]:
    where = {"studioId": office.studio.id}
    image = next(office.world.operator.pages("ListStreamingImages", **where))
    component = next(office.world.operator.pages("ListStudioComponents", **where))
    return image["streamingImageId"], component["studioComponentId"]


def profile(office: "Office", name: str) -> dict[str, Any]:
    office.world.settle()
    found = office.world.operator.pages("ListLaunchProfiles", studioId=office.studio.id)
    return next(each for each in found if each["name"] == name)


def given(office: "Office", **more: str) -> dict[str, str]:
    """What a person fills in; a box that is not ticked is not sent."""
    image, component = ids(office)
    token = office.see("profiles/new").text.partition('name="token" value="')[2][:64]
    return {
        "token": token,
        "name": "New",
        f"{RULES}.streamingImageIds": image,
        f"{RULES}.ec2InstanceTypes": "g5.xlarge",
        f"{RULES}.ec2InstanceTypes=g4dn.xlarge": "on",
        f"studioComponentIds={component}": "on",
        f"{RULES}.clipboardMode": "ENABLED",
        f"{RULES}.sessionPersistenceMode": "ACTIVATED",
        **more,
    }


def test_a_profile_is_made_with_all_its_rules(office: "Office") -> None:
    rules = {
        f"{RULES}.maxSessionLengthInMinutes": "600",
        f"{RULES}.volumeConfiguration.size": "200",
        f"{RULES}.sessionBackup.mode": "AUTOMATIC",
        f"{RULES}.sessionBackup.maxBackupsToRetain": "3",
        f"{RULES}.sessionStorage.mode=UPLOAD": "on",
        f"{RULES}.sessionDownload": "on",
    }
    made = office.operator.post(f"{office.path}/profiles/new", given(office, **rules))
    assert made.status_code == 303, made.text
    kept = profile(office, "New")[RULES]
    assert kept["ec2InstanceTypes"] == ["g5.xlarge", "g4dn.xlarge"]
    assert kept["maxSessionLengthInMinutes"] == 600
    assert kept["volumeConfiguration"]["size"] == 200
    assert kept["sessionBackup"] == {"mode": "AUTOMATIC", "maxBackupsToRetain": 3}
    assert kept["sessionStorage"]["mode"] == ["UPLOAD"]
    assert "sessionDownload" in kept
    page = office.operator.follow(made).text
    assert "There is nothing to check" in page
    one = f"{office.path}/profiles/{profile(office, 'New')['launchProfileId']}"
    plain = given(office, **{"name": "Plain", f"{RULES}.sessionPersistenceMode": "DEACTIVATED"})
    assert office.operator.post(one, plain).status_code == 303
    changed = profile(office, "Plain")[RULES]
    assert changed["sessionPersistenceMode"] == "DEACTIVATED"
    assert {"volumeConfiguration", "sessionStorage", "sessionDownload"}.isdisjoint(changed)


def test_a_form_that_is_sent_as_it_came_changes_nothing(office: "Office") -> None:
    before = profile(office, "Workstation")
    where = f"profiles/{office.studio.profile_id}"
    assert office.send(where).headers["Location"] == f"{office.path}/{where}"
    assert profile(office, "Workstation") == before
    office.send(where, description="For everybody")
    after = profile(office, "Workstation")
    assert after["description"] == "For everybody"
    assert after[RULES] == before[RULES]


def test_what_the_api_refuses_stands_beside_its_field_with_all_that_was_typed(
    office: "Office",
) -> None:
    for field, value, said in (
        ("idleStopInMinutes", "3", "Stops after so many minutes without work: 3 is too short"),
        ("maxSessionLengthInMinutes", "99999", "Runs at the most, in minutes: At most"),
        ("maxSessionLengthInMinutes", "an hour", "minutes: It is a whole number."),
    ):
        fields = given(office, **{"name": "Typed", f"{RULES}.{field}": value})
        answer = office.operator.post(f"{office.path}/profiles/new", fields)
        assert answer.status_code == 400
        assert said in answer.text
        assert 'value="Typed"' in answer.text
        assert f'value="{value}"' in answer.text
        assert 'aria-invalid="true"' in answer.text
    assert all(
        each["name"] != "Typed"
        for each in office.world.operator.pages("ListLaunchProfiles", studioId=office.studio.id)
    )


def test_all_that_is_refused_is_said_at_once(office: "Office") -> None:
    fields = given(
        office,
        **{
            "name": "x" * 65,
            "description": "Kept <all the same>",
            f"{RULES}.maxSessionLengthInMinutes": "99999",
            f"{RULES}.warmWorkstations": "many",
        },
    )
    answer = office.operator.post(f"{office.path}/profiles/new", fields)
    assert answer.status_code == 400
    for field in ("name", "maxSessionLengthInMinutes", "warmWorkstations"):
        assert re.search(rf'href="#f-[A-Za-z-]*{field}"', answer.text), field
        assert re.search(rf'id="f-[A-Za-z-]*{field}-problem"', answer.text), field
    assert "Kept &lt;all the same&gt;" in answer.text
    assert 'value="many"' in answer.text


def test_rules_that_do_not_fit_each_other_are_all_said(office: "Office") -> None:
    fields = given(
        office,
        **{
            "name": "Typed",
            f"{RULES}.idleStopInMinutes": "3",
            f"{RULES}.sessionPersistenceMode": "DEACTIVATED",
            f"{RULES}.automaticTerminationMode": "ACTIVATED",
            f"{RULES}.maxStoppedSessionLengthInMinutes": "60",
        },
    )
    answer = office.operator.post(f"{office.path}/profiles/new", fields)
    assert answer.status_code == 400
    assert answer.text.count("This needs workstations that can be stopped") >= 2
    assert "3 is too short" in answer.text


def test_a_profile_with_workstations_is_not_deleted_and_says_why(office: "Office") -> None:
    session = office.studio.launch()
    one = f"profiles/{office.studio.profile_id}"
    office.operator.submit(office.see(f"{one}/delete"), f"{office.path}/{one}/delete")
    office.world.settle()
    page = office.see("profiles").text
    assert "Could not be deleted" in page
    assert "Workstations were launched by it that are still there." in office.see(one).text
    office.studio.delete(session)


def test_an_administrator_reads_the_names_of_components_that_they_may_not_list(
    office: "Office",
) -> None:
    _, component_id = ids(office)
    (component,) = office.world.operator.pages("ListStudioComponents", studioId=office.studio.id)
    page = office.see(f"profiles/{office.studio.profile_id}", office.ben).text
    assert component["name"] in page
    assert component_id not in page
