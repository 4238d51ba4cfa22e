"""Components as the wire shows them, and what the wire refuses."""

from typing import Any

import pytest

from soundstage.testing.world import World

GIVEN: dict[str, Any] = {"name": "Storage", "type": "SHARED_FILE_SYSTEM"}
SCRIPT = {
    "launchProfileProtocolVersion": "2021-03-31",
    "platform": "LINUX",
    "runContext": "USER_INITIALIZATION",
    "script": "mount /projects",
}


def test_every_member_comes_back(world: World, studio_id: str) -> None:
    given = {
        **GIVEN,
        "studioId": studio_id,
        "description": "All projects",
        "subtype": "AMAZON_FSX_FOR_LUSTRE",
        "configuration": {
            "sharedFileSystemConfiguration": {
                "endpoint": "10.0.0.1",
                "fileSystemId": "fs-1",
                "linuxMountPoint": "/mnt/projects",
                "shareName": "projects",
                "windowsMountDrive": "P",
            }
        },
        "ec2SecurityGroupIds": ["sg-1", "sg-2"],
        "initializationScripts": [SCRIPT],
        "scriptParameters": [{"key": "ROOT", "value": "/projects"}],
        "runtimeRoleArn": "arn:aws:iam::1:role/r",
        "secureInitializationRoleArn": "arn:aws:iam::1:role/s",
        "tags": {"tier": "hot"},
    }
    made = world.operator.call("CreateStudioComponent", **given)["studioComponent"]
    assert made["state"] == "CREATE_IN_PROGRESS"
    world.settle()
    ids = {"studioId": studio_id, "studioComponentId": made["studioComponentId"]}
    found = world.operator.call("GetStudioComponent", **ids)["studioComponent"]
    assert (found["state"], found["statusCode"]) == ("READY", "STUDIO_COMPONENT_CREATED")
    del given["studioId"]
    assert {name: found[name] for name in given} == given
    assert found["createdBy"] == found["updatedBy"] == world.principal_id("operator")
    assert found["arn"].endswith(f":studio-component/{made['studioComponentId']}")


def test_what_was_left_out_is_empty_and_the_subtype_is_custom(world: World, studio_id: str) -> None:
    found = world.operator.call("CreateStudioComponent", **GIVEN, studioId=studio_id)
    component = found["studioComponent"]
    assert component["subtype"] == "CUSTOM"
    assert component["tags"] == {}
    lists = ("ec2SecurityGroupIds", "initializationScripts", "scriptParameters")
    assert [component[name] for name in lists] == [[], [], []]
    assert not {"configuration", "description", "runtimeRoleArn"} & set(component)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "n" * 65}, "name must be"),
        ({"type": "PRINTER"}, "type must be one of ACTIVE_DIRECTORY"),
        ({"subtype": "OTHER"}, "subtype must be one of"),
        ({"description": "d" * 257}, "description must be"),
        ({"ec2SecurityGroupIds": ["sg"] * 31}, "ec2SecurityGroupIds must be"),
        ({"runtimeRoleArn": "r" * 2049}, "runtimeRoleArn must be"),
        ({"scriptParameters": [{"key": "k", "value": "v"}]}, "scriptParameters[0].key must be"),
        ({"scriptParameters": [{"key": "1k", "value": "v"}]}, "scriptParameters[0].key must be"),
        ({"scriptParameters": [{"key": "key", "value": ""}]}, "scriptParameters[0].value must be"),
        ({"scriptParameters": [{"key": "key"}] * 31}, "scriptParameters must be"),
        (
            {"initializationScripts": [{**SCRIPT, "script": "s" * 5121}]},
            "initializationScripts[0].script must be",
        ),
        (
            {"initializationScripts": [{**SCRIPT, "platform": "BEOS"}]},
            "initializationScripts[0].platform must be one of LINUX, WINDOWS",
        ),
        (
            {"initializationScripts": [{**SCRIPT, "launchProfileProtocolVersion": "2020-01-01"}]},
            "initializationScripts[0].launchProfileProtocolVersion must be",
        ),
        (
            {
                "configuration": {
                    "licenseServiceConfiguration": {},
                    "sharedFileSystemConfiguration": {},
                }
            },
            "configuration is not valid: at most one member may be set",
        ),
        (
            {"configuration": {"licenseServiceConfiguration": {}}},
            "takes sharedFileSystemConfiguration, not licenseServiceConfiguration",
        ),
        (
            {"configuration": {"sharedFileSystemConfiguration": {"linuxMountPoint": "/a/"}}},
            "configuration.sharedFileSystemConfiguration.linuxMountPoint must be",
        ),
        (
            {"configuration": {"sharedFileSystemConfiguration": {"windowsMountDrive": "p"}}},
            "configuration.sharedFileSystemConfiguration.windowsMountDrive must be",
        ),
    ],
)
def test_wrong_inputs_are_refused_by_their_names(
    studio_id: str, refused: Any, change: dict[str, Any], message: str
) -> None:
    name, said = refused("CreateStudioComponent", **{**GIVEN, **change}, studioId=studio_id)
    assert name == "ValidationException"
    assert message in said


@pytest.mark.parametrize("secret", ["name", "description"])
def test_a_refusal_does_not_repeat_what_people_wrote(
    studio_id: str, refused: Any, secret: str
) -> None:
    text = "hush" * 100
    _, said = refused("CreateStudioComponent", **{**GIVEN, secret: text}, studioId=studio_id)
    assert "hush" not in said


@pytest.mark.parametrize("place", ["", "/", "$HOME", "$HOME/work", "/mnt/a_b"])
def test_mount_points_that_are_allowed(world: World, studio_id: str, place: str) -> None:
    configuration = {"sharedFileSystemConfiguration": {"linuxMountPoint": place}}
    made = world.operator.call(
        "CreateStudioComponent", **GIVEN, studioId=studio_id, configuration=configuration
    )
    assert made["studioComponent"]["configuration"] == configuration
