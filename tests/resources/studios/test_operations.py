"""Studios as the wire shows them."""

import re
from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.testing.world import ENDPOINT, World

ROLE = "arn:aws:iam::123456789012:role/studio"
GIVEN: dict[str, Any] = {
    "studioName": "films",
    "displayName": "Films & More",
    "adminRoleArn": ROLE,
    "userRoleArn": ROLE,
}


def test_a_studio_from_its_making_to_ready(world: World) -> None:
    made = world.operator.call("CreateStudio", **GIVEN, tags={"team": "fx"})["studio"]
    assert made["state"] == "CREATE_IN_PROGRESS"
    assert made["statusCode"] == "STUDIO_CREATE_IN_PROGRESS"
    world.settle()
    studio = world.operator.call("GetStudio", studioId=made["studioId"])["studio"]
    assert (studio["state"], studio["statusCode"]) == ("READY", "STUDIO_CREATED")
    assert re.fullmatch(r"us-west-2:stid-[a-z0-9]{16}", studio["studioId"])
    account = world.service.installation.account_id
    bare = studio["studioId"].removeprefix("us-west-2:")
    assert studio["arn"] == f"arn:aws:nimble:us-west-2:{account}:studio/{bare}"
    assert studio["studioUrl"] == ENDPOINT
    assert studio["homeRegion"] == "us-west-2"
    assert studio["studioEncryptionConfiguration"] == {"keyType": "AWS_OWNED_KEY"}
    assert studio["tags"] == {"team": "fx"}
    assert studio["displayName"] == GIVEN["displayName"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", studio["createdAt"])


def test_all_studios_are_listed_and_none_is_an_empty_list(world: World) -> None:
    assert world.operator.call("ListStudios") == {"studios": []}
    for number in range(3):
        world.operator.call("CreateStudio", **{**GIVEN, "studioName": f"films{number}"})
    names = [studio["studioName"] for studio in world.operator.pages("ListStudios")]
    assert sorted(names) == ["films0", "films1", "films2"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"studioName": "ab"}, "studioName must be"),
        ({"studioName": "a" * 65}, "studioName must be"),
        ({"studioName": "my-studio"}, "studioName must be"),
        ({"studioName": "films\n"}, "studioName must be"),
        ({"displayName": "d" * 65}, "displayName must be"),
        ({"adminRoleArn": "a" * 2049}, "adminRoleArn must be"),
        ({"userRoleArn": None}, "userRoleArn is required"),
        ({"tags": {"aws:x": "1"}}, "'aws:x' begins with 'aws:'"),
        ({"tags": {"a": 1}}, "must be text"),
        (
            {"studioEncryptionConfiguration": {"keyType": "MINE"}},
            "studioEncryptionConfiguration.keyType must be one of",
        ),
        (
            {"studioEncryptionConfiguration": {"keyType": "CUSTOMER_MANAGED_KEY"}},
            "studioEncryptionConfiguration.keyArn: it is required",
        ),
        (
            {"studioEncryptionConfiguration": {"keyType": "AWS_OWNED_KEY", "keyArn": "key"}},
            "studioEncryptionConfiguration.keyArn must be",
        ),
    ],
)
def test_wrong_inputs_are_refused_by_their_names(
    refused: Any, change: dict[str, Any], message: str
) -> None:
    name, said = refused("CreateStudio", **{**GIVEN, **change})
    assert name == "ValidationException"
    assert message in said


def test_no_such_studio(refused: Any) -> None:
    absent = "us-west-2:stid-0000000000000000"
    expected = ("ResourceNotFoundException", f"There is no studio {absent}.")
    assert refused("GetStudio", studioId=absent) == expected


def test_quotas_are_the_installation_s_until_they_are_changed(world: World) -> None:
    studio_id = world.studio()["studioId"]
    told = world.operator.call("GetStudioQuotas", studioId=studio_id)
    assert told["quotas"] == told["installationQuotas"]
    assert told["quotas"] == {
        "sessionsPerUser": 10,
        "sessions": 500,
        "launchProfiles": 50,
        "customImages": 10,
        "sharedFileSystems": 10,
        "activeDirectories": 1,
        "components": 100,
        "webhooks": 10,
    }
    changed = world.operator.call("UpdateStudioQuotas", studioId=studio_id, sessions=600)
    assert changed["quotas"] == {**told["quotas"], "sessions": 600}
    assert changed["installationQuotas"] == told["quotas"]
    assert world.operator.call("GetStudioQuotas", studioId=studio_id) == changed


@pytest.mark.parametrize("value", [-1, 1_000_001, "many"])
def test_a_quota_is_a_number_within_its_limit(world: World, value: object) -> None:
    studio_id = world.studio()["studioId"]
    with pytest.raises(CallError, match="sessions must be") as caught:
        world.operator.call("UpdateStudioQuotas", studioId=studio_id, sessions=value)
    assert caught.value.name == "ValidationException"
