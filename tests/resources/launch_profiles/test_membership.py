"""What follows when somebody comes into a launch profile, is changed in it, or is taken out."""

from typing import Any

import pytest

from soundstage.kit.hints import Hint
from soundstage.testing.world import World


@pytest.fixture
def member(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """Give what names the one member of a launch profile; a directory of its own knows of it."""
    made = world.operator.call("CreateLaunchProfile", **given)["launchProfile"]
    named = {
        "studioId": given["studioId"],
        "launchProfileId": made["launchProfileId"],
        "principalId": world.principal_id("anna"),
    }
    world.settle()
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=named["studioId"],
        launchProfileId=named["launchProfileId"],
        identityStoreId="d-7",
        members=[{"principalId": named["principalId"], "persona": "USER"}],
    )
    return named


def test_a_member_that_is_changed_stays_of_its_directory(
    world: World, member: dict[str, Any]
) -> None:
    world.operator.call("UpdateLaunchProfileMember", **member, persona="USER")
    found = world.operator.call("GetLaunchProfileMember", **member)["member"]
    assert found["identityStoreId"] == "d-7"
    assert found["principalId"] == member["principalId"]


def test_what_somebody_who_is_taken_out_has_open_is_looked_at_again(
    world: World, member: dict[str, Any]
) -> None:
    heard: list[Hint] = []
    world.service.database.listen(heard.extend)
    world.operator.call("DeleteLaunchProfileMember", **member)
    assert ("streams", member["principalId"]) in heard
