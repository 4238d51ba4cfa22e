"""Components by forms: each type asks for what it has, and secrets stay where they are."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office

SYSTEM, USER = "initializationScripts[].script:system", "initializationScripts[].script:user"


def component(office: "Office", name: str) -> dict[str, Any]:
    office.world.settle()
    found = office.world.operator.pages("ListStudioComponents", studioId=office.studio.id)
    return next(each for each in found if each["name"] == name)


def test_scripts_and_parameters_are_kept_changed_and_never_shown(office: "Office") -> None:
    script = "#!/bin/sh\r\necho one\r\n"
    fields = {SYSTEM: script, "scriptParameters": "TOKEN=s3cret=x\nPLACE=here"}
    made = office.send("components/new", name="Setup", **fields)
    assert made.status_code == 303, made.text
    kept = component(office, "Setup")
    assert kept["type"] == "CUSTOM"
    (first,) = kept["initializationScripts"]
    assert first["script"] == "#!/bin/sh\necho one\n"
    assert first["runContext"] == "SYSTEM_INITIALIZATION"
    one = f"components/{kept['studioComponentId']}"
    page = office.see(one).text
    assert "echo one" in page
    assert "s3cret" not in page
    office.send(one, **{USER: "#!/bin/sh\necho two", "scriptParameters": "TOKEN\nPLACE=there"})
    changed = component(office, "Setup")
    assert [each["script"] for each in changed["initializationScripts"]] == [
        "#!/bin/sh\necho one\n",
        "#!/bin/sh\necho two",
    ]
    assert changed["scriptParameters"] == [
        {"key": "TOKEN", "value": "s3cret=x"},
        {"key": "PLACE", "value": "there"},
    ]
    office.send(one, **{SYSTEM: "", USER: "", "scriptParameters": ""})
    bare = component(office, "Setup")
    assert (bare["initializationScripts"], bare["scriptParameters"]) == ([], [])


def test_a_script_that_no_field_shows_stays(office: "Office") -> None:
    windows = {
        "launchProfileProtocolVersion": "2021-03-31",
        "platform": "WINDOWS",
        "runContext": "SYSTEM_INITIALIZATION",
        "script": "dir",
    }
    made = office.world.operator.call(
        "CreateStudioComponent",
        studioId=office.studio.id,
        name="Both",
        type="CUSTOM",
        initializationScripts=[windows],
    )["studioComponent"]
    office.world.settle()
    office.send(f"components/{made['studioComponentId']}", **{SYSTEM: "#!/bin/sh\ntrue"})
    assert component(office, "Both")["initializationScripts"][0] == windows
    assert len(component(office, "Both")["initializationScripts"]) == 2


@pytest.mark.parametrize(
    ("kind", "member", "field", "value"),
    [
        ("LICENSE_SERVICE", "licenseServiceConfiguration", "endpoint", "2080@licences"),
        ("COMPUTE_FARM", "computeFarmConfiguration", "endpoint", "farm:4433"),
        ("ACTIVE_DIRECTORY", "activeDirectoryConfiguration", "directoryId", "corp.example"),
    ],
)
def test_each_type_asks_for_its_own(
    office: "Office", kind: str, member: str, field: str, value: str
) -> None:
    form = f"components/new?type={kind}"
    made = office.send(form, name=kind, **{f"configuration.{member}.{field}": value})
    assert made.status_code == 303, made.text
    assert component(office, kind)["configuration"][member][field] == value


def test_settings_that_are_emptied_are_gone(office: "Office") -> None:
    form = "components/new?type=LICENSE_SERVICE"
    field = "configuration.licenseServiceConfiguration.endpoint"
    office.send(form, name="Empty", **{field: "1@a"})
    one = component(office, "Empty")["studioComponentId"]
    office.send(f"components/{one}", **{field: ""})
    assert "configuration" not in component(office, "Empty")


def test_an_unknown_type_asks_for_scripts_alone(office: "Office") -> None:
    page = office.see("components/new?type=<script>").text
    assert "<script>" not in page
    assert 'name="configuration' not in page
