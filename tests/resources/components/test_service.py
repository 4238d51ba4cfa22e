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


def test_a_studio_has_one_active_directory(world: World, studio_id: str, refused: Any) -> None:
    directory = make(world, studio_id, type="ACTIVE_DIRECTORY")
    assert directory["state"] == "READY"
    given = {"studioId": studio_id, "name": "n", "type": "ACTIVE_DIRECTORY"}
    name, message = refused("CreateStudioComponent", **given)
    assert name == "ServiceQuotaExceededException"
    assert message == (
        f"The quota for Active Directory components of the studio {studio_id} is 1; in use: 1. "
        "UpdateStudioQuotas raises it (activeDirectories), or the portal under Capacity."
    )
    assert make(world, studio_id, type="LICENSE_SERVICE")["state"] == "READY"
    component_id = directory["studioComponentId"]
    world.operator.call("DeleteStudioComponent", studioId=studio_id, studioComponentId=component_id)
    assert refused("CreateStudioComponent", **given)[0] == "ServiceQuotaExceededException"
    world.settle()
    assert make(world, studio_id, type="ACTIVE_DIRECTORY")["state"] == "READY"


def test_each_studio_has_its_own_quotas(world: World, studio_id: str) -> None:
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


@pytest.mark.parametrize("settings", [{"quota_active_directories": 2}])
def test_a_quota_of_directories_holds_for_updates_too(world: World, studio_id: str) -> None:
    components = [make(world, studio_id, type="CUSTOM") for _ in range(3)]
    ended = [change(world, each, studio_id, type="ACTIVE_DIRECTORY") for each in components]
    assert [each["state"] for each in ended] == ["READY", "READY", "UPDATE_FAILED"]


@pytest.mark.parametrize(
    "settings", [{"quota_shared_file_systems": 1, "quota_active_directories": 1}]
)
@pytest.mark.parametrize("kind", ["SHARED_FILE_SYSTEM", "ACTIVE_DIRECTORY"])
def test_what_is_becoming_of_a_type_counts(
    world: World, studio_id: str, refused: Any, kind: str
) -> None:
    component = make(world, studio_id, type="CUSTOM")
    ids = {"studioId": studio_id, "studioComponentId": component["studioComponentId"]}
    world.operator.call("UpdateStudioComponent", **ids, type=kind)
    given = {"studioId": studio_id, "name": "n", "type": kind}
    assert refused("CreateStudioComponent", **given)[0] == "ServiceQuotaExceededException"
    world.settle()
    assert refused("CreateStudioComponent", **given)[0] == "ServiceQuotaExceededException"
    # It is the one, so it may go on being it.
    assert change(world, component, studio_id, type=kind, name="new")["state"] == "READY"


@pytest.mark.parametrize("settings", [{"quota_shared_file_systems": 1}])
def test_an_update_makes_no_shared_file_system_too_many(
    world: World, studio_id: str, refused: Any
) -> None:
    make(world, studio_id, type="SHARED_FILE_SYSTEM")
    component = make(world, studio_id, type="CUSTOM")
    ids = {"studioId": studio_id, "studioComponentId": component["studioComponentId"]}
    name, message = refused("UpdateStudioComponent", **ids, type="SHARED_FILE_SYSTEM")
    assert name == "ServiceQuotaExceededException"
    assert "shared file system components" in message
    # The state is told before the quota.
    world.operator.call("DeleteStudioComponent", **ids)
    assert refused("UpdateStudioComponent", **ids, type="SHARED_FILE_SYSTEM")[0] == (
        "ConflictException"
    )


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


def change(world: World, component: dict[str, Any], studio_id: str, **members: Any) -> Any:
    ids = {"studioId": studio_id, "studioComponentId": component["studioComponentId"]}
    world.operator.call("UpdateStudioComponent", **ids, **members)
    world.settle()
    return world.operator.call("GetStudioComponent", **ids)["studioComponent"]


def test_an_update_changes_what_it_names_and_nothing_else(world: World, studio_id: str) -> None:
    farm = {"computeFarmConfiguration": {"endpoint": "farm:8080"}}
    before = make(world, studio_id, type="COMPUTE_FARM", configuration=farm, description="d")
    after = change(world, before, studio_id, name="new", ec2SecurityGroupIds=["sg-1"])
    assert (after["state"], after["statusCode"]) == ("READY", "STUDIO_COMPONENT_UPDATED")
    assert (after["name"], after["ec2SecurityGroupIds"]) == ("new", ["sg-1"])
    assert (after["description"], after["configuration"]) == ("d", farm)
    other = {"computeFarmConfiguration": {"endpoint": "other"}}
    assert change(world, before, studio_id, configuration=other)["configuration"] == other
    assert "configuration" not in change(world, before, studio_id, configuration={})


def test_a_new_type_leaves_the_old_type_s_configuration_behind(
    world: World, studio_id: str, refused: Any
) -> None:
    farm = {"computeFarmConfiguration": {"endpoint": "farm:8080"}}
    component = make(world, studio_id, type="COMPUTE_FARM", configuration=farm)
    ids = {"studioId": studio_id, "studioComponentId": component["studioComponentId"]}
    name, message = refused(
        "UpdateStudioComponent", **ids, type="LICENSE_SERVICE", configuration=farm
    )
    assert name == "ValidationException"
    assert "takes licenseServiceConfiguration" in message
    after = change(world, component, studio_id, type="LICENSE_SERVICE")
    assert after["type"] == "LICENSE_SERVICE"
    assert "configuration" not in after


def test_a_failed_update_keeps_everything_as_it_was(world: World, studio_id: str) -> None:
    directory = make(world, studio_id, type="ACTIVE_DIRECTORY")
    component = make(world, studio_id, type="CUSTOM")
    after = change(world, component, studio_id, type="ACTIVE_DIRECTORY", name="new")
    assert (after["state"], after["type"], after["name"]) == ("UPDATE_FAILED", "CUSTOM", "n")
    assert after["statusCode"] == "ACTIVE_DIRECTORY_ALREADY_EXISTS"
    assert change(world, directory, studio_id, name="same one")["state"] == "READY"


def test_one_change_at_a_time(world: World, studio_id: str, refused: Any) -> None:
    component = make(world, studio_id, type="CUSTOM")
    ids = {"studioId": studio_id, "studioComponentId": component["studioComponentId"]}
    assert world.operator.call("DeleteStudioComponent", **ids)["studioComponent"]["state"] == (
        "DELETE_IN_PROGRESS"
    )
    for operation in ("UpdateStudioComponent", "DeleteStudioComponent"):
        assert refused(operation, **ids)[0] == "ConflictException"
    world.settle()
    assert refused("UpdateStudioComponent", **ids)[0] == "ConflictException"


def test_lists_are_of_states_and_types_and_have_50_at_the_most(
    world: World, studio_id: str, refused: Any
) -> None:
    for number in range(51):
        world.operator.call(
            "CreateStudioComponent", studioId=studio_id, name=f"{number}", type="CUSTOM"
        )
    directory = make(world, studio_id, type="ACTIVE_DIRECTORY")
    page = world.operator.call("ListStudioComponents", studioId=studio_id, maxResults=100)
    assert len(page["studioComponents"]) == 50
    everything = world.operator.pages("ListStudioComponents", studioId=studio_id)
    assert len({each["studioComponentId"] for each in everything}) == 52

    def ids(**filters: list[str]) -> list[str]:
        pages = world.operator.pages("ListStudioComponents", studioId=studio_id, **filters)
        return [each["studioComponentId"] for each in pages]

    assert ids(types=["ACTIVE_DIRECTORY"]) == [directory["studioComponentId"]]
    assert len(ids(types=["ACTIVE_DIRECTORY", "CUSTOM"], states=["READY"])) == 52
    assert ids(states=["DELETED"]) == []
    for wrong in ({"types": ["ODD"]}, {"states": ["ODD"]}, {"maxResults": 0}):
        assert refused("ListStudioComponents", studioId=studio_id, **wrong)[0] == (
            "ValidationException"
        )
