"""What can be done with components."""

from typing import Any

import pytest

from soundstage.resources.components import service
from soundstage.testing.world import World
from soundstage.wire.faults import NotFoundError


def make(world: World, studio_id: str, **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = world.operator.call(
        "CreateStudioComponent", studioId=studio_id, name="n", **members
    )["studioComponent"]
    world.settle()
    ids = {"studioId": studio_id, "studioComponentId": made["studioComponentId"]}
    found: dict[str, Any] = world.operator.call("GetStudioComponent", **ids)["studioComponent"]
    return found


def test_a_studio_has_one_active_directory(world: World, studio_id: str) -> None:
    assert make(world, studio_id, type="ACTIVE_DIRECTORY")["state"] == "READY"
    second = make(world, studio_id, type="ACTIVE_DIRECTORY")
    assert second["state"] == "CREATE_FAILED"
    assert second["statusCode"] == "ACTIVE_DIRECTORY_ALREADY_EXISTS"
    assert make(world, studio_id, type="LICENSE_SERVICE")["state"] == "READY"


def test_a_directory_that_failed_is_in_nobody_s_way(world: World, studio_id: str) -> None:
    other = world.operator.call(
        "CreateStudio",
        studioName="other",
        displayName="Other",
        adminRoleArn="a",
        userRoleArn="u",
    )["studio"]["studioId"]
    world.settle()
    assert make(world, studio_id, type="ACTIVE_DIRECTORY")["state"] == "READY"
    assert make(world, other, type="ACTIVE_DIRECTORY")["state"] == "READY"


def test_two_directories_asked_for_at_once_come_to_one(world: World, studio_id: str) -> None:
    given = {"studioId": studio_id, "name": "n", "type": "ACTIVE_DIRECTORY"}
    ids = [
        world.operator.call("CreateStudioComponent", **given)["studioComponent"][
            "studioComponentId"
        ]
        for _ in range(2)
    ]
    world.settle()
    states = [
        world.operator.call("GetStudioComponent", studioId=studio_id, studioComponentId=each)[
            "studioComponent"
        ]["state"]
        for each in ids
    ]
    assert sorted(states) == ["CREATE_FAILED", "READY"]


def test_a_component_is_found_in_its_own_studio_only(
    world: World, studio_id: str, refused: Any
) -> None:
    component = make(world, studio_id, type="CUSTOM")
    with world.service.database.transaction(write=False) as transaction:
        found = service.find(transaction, studio_id, component["studioComponentId"])
        assert found.name == "n"
        with pytest.raises(NotFoundError):
            service.find(transaction, "us-west-2:stid-0000000000000000", found.id)
    name, message = refused("GetStudioComponent", studioId=studio_id, studioComponentId="none")
    assert (name, message) == ("ResourceNotFoundException", "There is no studio component none.")
