"""Launch profiles as the wire shows them, and what the wire refuses."""

from typing import Any

import pytest

from soundstage.testing.world import World

VALIDATIONS = [
    "VALIDATE_ACTIVE_DIRECTORY_STUDIO_COMPONENT",
    "VALIDATE_SUBNET_ASSOCIATION",
    "VALIDATE_NETWORK_ACL_ASSOCIATION",
    "VALIDATE_SECURITY_GROUP_ASSOCIATION",
]


def test_a_profile_from_its_making_to_ready(world: World, given: dict[str, Any]) -> None:
    more = {"description": "For artists", "tags": {"a": "b"}, "ec2SubnetIds": ["subnet-1"]}
    made = world.operator.call("CreateLaunchProfile", **{**given, **more})["launchProfile"]
    assert made["state"] == "CREATE_IN_PROGRESS"
    world.settle()
    ids = {"studioId": given["studioId"], "launchProfileId": made["launchProfileId"]}
    profile = world.operator.call("GetLaunchProfile", **ids)["launchProfile"]
    assert (profile["state"], profile["statusCode"]) == ("READY", "LAUNCH_PROFILE_CREATED")
    for name in ("name", "launchProfileProtocolVersions", "studioComponentIds"):
        assert profile[name] == given[name]
    assert {name: profile[name] for name in more} == more
    assert profile["streamConfiguration"]["maxSessionLengthInMinutes"] == 690
    results = profile["validationResults"]
    assert [result["type"] for result in results] == VALIDATIONS
    assert {result["state"] for result in results} == {"VALIDATION_SUCCESS"}
    assert all("no VPC" in result["statusMessage"] for result in results)
    assert profile["createdBy"] == profile["updatedBy"] == world.principal_id("operator")
    assert profile["arn"].endswith(f":launch-profile/{made['launchProfileId']}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "name must be"),
        ({"name": "n" * 65}, "name must be"),
        ({"description": "d" * 257}, "description must be"),
        ({"ec2SubnetIds": ["s"] * 7}, "ec2SubnetIds must be"),
        ({"ec2SubnetIds": None}, "ec2SubnetIds is required"),
        ({"launchProfileProtocolVersions": ["2020-01-01"]}, "launchProfileProtocolVersions[0]"),
        ({"studioComponentIds": []}, "studioComponentIds must be"),
        ({"studioComponentIds": ["c"] * 101}, "studioComponentIds must be"),
        ({"studioComponentIds": ["none"]}, "studioComponentIds: there is no studio component none"),
        ({"streamConfiguration": None}, "streamConfiguration is required"),
        ({"tags": {"": ""}}, "tags: a key must have 1 to 128 characters"),
    ],
)
def test_wrong_inputs_are_refused_by_their_names(
    given: dict[str, Any], refused: Any, change: dict[str, Any], message: str
) -> None:
    name, said = refused("CreateLaunchProfile", **{**given, **change})
    assert name == "ValidationException"
    assert message in said


@pytest.mark.parametrize(
    ("member", "values"),
    [
        ("clipboardMode", ["ON", None]),
        ("ec2InstanceTypes", [[], ["g9.huge"], ["g5.xlarge"] * 31]),
        ("streamingImageIds", [[], ["i" * 23], ["a/b"], ["i"] * 21]),
        ("automaticTerminationMode", ["MAYBE"]),
        ("maxSessionLengthInMinutes", [0, 43201, "690", 1.5]),
        ("maxStoppedSessionLengthInMinutes", [-1, 5761]),
        ("sessionPersistenceMode", ["MAYBE"]),
        ("sessionBackup.mode", ["ALWAYS"]),
        ("sessionBackup.maxBackupsToRetain", [-1, 11]),
        ("sessionStorage.mode", [[], ["DOWNLOAD"]]),
        ("sessionStorage.root.linux", ["/", "$HOME", "home", "/a.b", "/a/", "", "/" + "a" * 128]),
        ("sessionStorage.root.windows", ["C:", "C:\\", "C:\\a b", "\\a"]),
        ("volumeConfiguration.iops", [2999, 16001]),
        ("volumeConfiguration.size", [99, 16001]),
        ("volumeConfiguration.throughput", [124, 1001]),
    ],
)
def test_wrong_stream_configurations_are_refused_by_their_names(
    given: dict[str, Any], refused: Any, member: str, values: list[Any]
) -> None:
    outer, *inner = member.split(".")
    for value in values:
        nested = value
        for step in reversed(inner):
            nested = {step: nested}
        if outer == "sessionStorage" and inner[0] == "root":
            nested["mode"] = ["UPLOAD"]
        configuration = {**given["streamConfiguration"], outer: nested}
        name, said = refused(
            "CreateLaunchProfile", **{**given, "streamConfiguration": configuration}
        )
        assert name == "ValidationException"
        assert f"streamConfiguration.{member}" in said, value


def test_an_enum_s_values_are_all_told(given: dict[str, Any], refused: Any) -> None:
    configuration = {**given["streamConfiguration"], "ec2InstanceTypes": ["g9.huge"]}
    _, said = refused("CreateLaunchProfile", **{**given, "streamConfiguration": configuration})
    assert said == (
        "streamConfiguration.ec2InstanceTypes[0] must be one of g4dn.xlarge, g4dn.2xlarge, "
        "g4dn.4xlarge, g4dn.8xlarge, g4dn.12xlarge, g4dn.16xlarge, g3.4xlarge, g3s.xlarge, "
        "g5.xlarge, g5.2xlarge, g5.4xlarge, g5.8xlarge, g5.16xlarge; got 'g9.huge'."
    )


def test_no_such_profile(studio_id: str, refused: Any) -> None:
    name, message = refused("GetLaunchProfile", studioId=studio_id, launchProfileId="none")
    assert (name, message) == ("ResourceNotFoundException", "There is no launch profile none.")


def test_the_details_of_a_profile_are_what_it_names(world: World, given: dict[str, Any]) -> None:
    made = world.operator.call("CreateLaunchProfile", **given)["launchProfile"]
    world.settle()
    ids = {"studioId": given["studioId"], "launchProfileId": made["launchProfileId"]}
    details = world.operator.call("GetLaunchProfileDetails", **ids)
    assert (
        details["launchProfile"] == world.operator.call("GetLaunchProfile", **ids)["launchProfile"]
    )
    image_id = given["streamConfiguration"]["streamingImageIds"][0]
    image = {"studioId": given["studioId"], "streamingImageId": image_id}
    assert details["streamingImages"] == [
        world.operator.call("GetStreamingImage", **image)["streamingImage"]
    ]
    (summary,) = details["studioComponentSummaries"]
    assert summary["studioComponentId"] == given["studioComponentIds"][0]
    assert (summary["type"], summary["subtype"], summary["name"]) == ("CUSTOM", "CUSTOM", "Basics")
    assert "scriptParameters" not in summary
    world.operator.call("DeleteStreamingImage", **image)
    world.operator.call(
        "DeleteStudioComponent",
        studioId=given["studioId"],
        studioComponentId=given["studioComponentIds"][0],
    )
    world.settle()
    details = world.operator.call("GetLaunchProfileDetails", **ids)
    assert (details["streamingImages"], details["studioComponentSummaries"]) == ([], [])


def asking(profile: dict[str, Any], studio_id: str) -> dict[str, Any]:
    return {
        "studioId": studio_id,
        "launchProfileId": profile["launchProfileId"],
        "launchProfileProtocolVersions": ["2020-01-01", "2021-03-31"],
        "launchPurpose": "WORKSTATION",
        "platform": "LINUX",
    }


def test_what_a_workstation_needs_to_join(world: World, given: dict[str, Any]) -> None:
    studio_id = given["studioId"]
    directory = world.operator.call(
        "CreateStudioComponent",
        studioId=studio_id,
        name="People",
        type="ACTIVE_DIRECTORY",
        configuration={
            "activeDirectoryConfiguration": {
                "directoryId": "d-1",
                "organizationalUnitDistinguishedName": "OU=x",
                "computerAttributes": [{"name": "a", "value": "b"}],
            }
        },
        ec2SecurityGroupIds=["sg-1"],
    )["studioComponent"]["studioComponentId"]
    scripts = [
        {"script": text, "platform": "LINUX", "runContext": f"{context}_INITIALIZATION"}
        for text, context in [("as root", "SYSTEM"), ("as artist", "USER")]
    ]
    farm = world.operator.call(
        "CreateStudioComponent",
        studioId=studio_id,
        name="Farm",
        type="COMPUTE_FARM",
        initializationScripts=scripts,
        scriptParameters=[{"key": "KEY", "value": "it's"}],
        runtimeRoleArn="role",
    )["studioComponent"]["studioComponentId"]
    made = world.operator.call(
        "CreateLaunchProfile", **{**given, "studioComponentIds": [directory, farm]}
    )["launchProfile"]
    world.settle()
    asked = asking(made, studio_id)
    found = world.operator.call("GetLaunchProfileInitialization", **asked)[
        "launchProfileInitialization"
    ]

    def from_farm(text: str) -> dict[str, str]:
        names = {"studioComponentId": farm, "studioComponentName": "Farm"}
        quoted = "export KEY='it'\"'\"'s'\n"
        return {"script": quoted + text, "runtimeRoleArn": "role", **names}

    assert found == {
        "launchProfileId": made["launchProfileId"],
        "launchProfileProtocolVersion": "2021-03-31",
        "launchPurpose": "WORKSTATION",
        "name": given["name"],
        "platform": "LINUX",
        "ec2SecurityGroupIds": ["sg-1"],
        "systemInitializationScripts": [from_farm("as root")],
        "userInitializationScripts": [from_farm("as artist")],
        "activeDirectory": {
            "studioComponentId": directory,
            "studioComponentName": "People",
            "directoryId": "d-1",
            "organizationalUnitDistinguishedName": "OU=x",
            "computerAttributes": [{"name": "a", "value": "b"}],
        },
    }


def test_who_asks_to_join_must_say_what_it_is(
    world: World, given: dict[str, Any], refused: Any
) -> None:
    made = world.operator.call("CreateLaunchProfile", **given)["launchProfile"]
    world.settle()
    asked = asking(made, given["studioId"])
    found = world.operator.call("GetLaunchProfileInitialization", **asked)
    assert "ec2SecurityGroupIds" not in found["launchProfileInitialization"]
    assert "activeDirectory" not in found["launchProfileInitialization"]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"platform": "BEOS"}, "platform must be one of LINUX, WINDOWS"),
        ({"launchPurpose": "to work"}, "launchPurpose must be"),
        ({"launchPurpose": "P" * 65}, "launchPurpose must be"),
        ({"launchProfileProtocolVersions": ["2020-01-01"]}, "launchProfileProtocolVersions:"),
        ({"platform": None}, "platform is required"),
    ]
    for wrong, message in cases:
        name, said = refused("GetLaunchProfileInitialization", **{**asked, **wrong})
        assert name == "ValidationException"
        assert message in said
    ids = {"studioId": given["studioId"], "launchProfileId": made["launchProfileId"]}
    world.operator.call("DeleteLaunchProfile", **ids)
    world.settle()
    assert refused("GetLaunchProfileInitialization", **asked)[0] == "ConflictException"
