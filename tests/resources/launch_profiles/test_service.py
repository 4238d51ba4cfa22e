"""What can be done with launch profiles and their members."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection

from soundstage.resources.launch_profiles import service
from soundstage.resources.members import service as people
from soundstage.testing.world import World


def make(world: World, given: dict[str, Any], **change: Any) -> dict[str, Any]:
    made = world.operator.call("CreateLaunchProfile", **{**given, **change})["launchProfile"]
    # Lists are in the order of making, and a moment has one second's worth of names.
    world.advance(timedelta(seconds=1))
    found: dict[str, Any] = world.operator.call(
        "GetLaunchProfile",
        studioId=given["studioId"],
        launchProfileId=made["launchProfileId"],
    )["launchProfile"]
    return found


@contextmanager
def writing(world: World) -> Iterator[Connection]:
    with world.service.database.transaction() as transaction:
        yield transaction


def listed(world: World, studio_id: str, **members: Any) -> list[str]:
    pages = world.operator.pages("ListLaunchProfiles", studioId=studio_id, **members)
    return [profile["name"] for profile in pages]


def test_images_decide_whether_a_profile_gets_ready(world: World, given: dict[str, Any]) -> None:
    def with_image(image_id: str) -> dict[str, Any]:
        rules = {**given["streamConfiguration"], "streamingImageIds": [image_id]}
        return make(world, given, streamConfiguration=rules)

    absent = with_image("none")
    assert (absent["state"], absent["statusCode"]) == ("CREATE_FAILED", "STREAMING_IMAGE_NOT_FOUND")
    assert "none" in absent["statusMessage"]
    other = world.operator.call(
        "CreateStudio", studioName="other", displayName="O", adminRoleArn="a", userRoleArn="u"
    )["studio"]["studioId"]
    world.settle()
    theirs = world.operator.call(
        "CreateStreamingImage", studioId=other, name="n", ec2ImageId="ami-host"
    )["streamingImage"]["streamingImageId"]
    assert with_image(theirs)["statusCode"] == "STREAMING_IMAGE_NOT_FOUND"


def test_an_image_that_is_not_ready_yet_fails_the_profile(
    world: World, given: dict[str, Any]
) -> None:
    from soundstage.resources.images import store  # noqa: PLC0415 - one test reaches this deep

    with writing(world) as transaction:
        image_id = given["streamConfiguration"]["streamingImageIds"][0]
        store.images.update(transaction, image_id, {"state": "UPDATE_FAILED"})
    profile = make(world, given)
    assert profile["statusCode"] == "STREAMING_IMAGE_NOT_READY"
    assert "is UPDATE_FAILED; it must be READY" in profile["statusMessage"]


@pytest.mark.parametrize(
    ("lacking", "member"),
    [
        ("supports_persistence", "sessionPersistenceMode"),
        ("supports_backups", "sessionBackup.mode"),
    ],
)
def test_what_the_engine_cannot_do_is_refused_when_it_is_asked_for(
    world: World,
    given: dict[str, Any],
    refused: Any,
    lacking: str,
    member: str,
) -> None:
    home = world.service.installation
    world.service.installation = msgspec.structs.replace(home, **{lacking: False})
    persistent = {
        **given["streamConfiguration"],
        "sessionPersistenceMode": "ACTIVATED",
        "sessionBackup": {"mode": "AUTOMATIC"},
    }
    name, message = refused("CreateLaunchProfile", **{**given, "streamConfiguration": persistent})
    assert name == "ValidationException"
    assert message.startswith(f"streamConfiguration.{member}: the engine of this installation")
    assert make(world, given)["state"] == "READY"


def test_lists_are_of_one_studio_and_of_the_states_asked_for(
    world: World, given: dict[str, Any], refused: Any
) -> None:
    make(world, given, name="good")
    rules = {**given["streamConfiguration"], "streamingImageIds": ["none"]}
    make(world, given, name="bad", streamConfiguration=rules)
    studio_id = given["studioId"]
    assert listed(world, studio_id) == ["good", "bad"]
    assert listed(world, studio_id, states=["READY"]) == ["good"]
    assert listed(world, studio_id, states=["CREATE_FAILED", "READY"]) == ["good", "bad"]
    assert listed(world, studio_id, states=["DELETED"]) == []
    assert listed(world, studio_id, maxResults=1) == ["good", "bad"]
    page = world.operator.call("ListLaunchProfiles", studioId=studio_id, maxResults=1)
    assert len(page["launchProfiles"]) == 1
    for wrong in ({"maxResults": 0}, {"maxResults": 101}, {"states": ["ODD"]}):
        assert refused("ListLaunchProfiles", studioId=studio_id, **wrong)[0] == (
            "ValidationException"
        )
    token = {"nextToken": page["nextToken"], "states": ["READY"]}
    assert refused("ListLaunchProfiles", studioId=studio_id, **token)[0] == "ValidationException"


def test_a_person_s_list_holds_what_that_person_may_use(
    world: World, given: dict[str, Any]
) -> None:
    mine, other = make(world, given, name="mine"), make(world, given, name="other")
    studio_id = given["studioId"]
    anna, boss = world.principal_id("anna"), world.principal_id("boss")
    with writing(world) as transaction:
        people.put_administrator(transaction, studio_id, boss)
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio_id,
        launchProfileId=mine["launchProfileId"],
        identityStoreId="d-1",
        members=[{"principalId": anna, "persona": "USER"}],
    )
    assert listed(world, studio_id, principalId=anna) == ["mine"]
    assert listed(world, studio_id, principalId="nobody") == []
    assert listed(world, studio_id, principalId=boss) == ["mine", "other"]
    operator = world.principal_id("operator")
    assert listed(world, studio_id, principalId=operator) == ["mine", "other"]
    with writing(world) as transaction:
        for who, usable in [
            (anna, [True, False]),
            (boss, [True, True]),
            (operator, [True, True]),
            ("a-guest-of-the-operator", [True, True]),
        ]:
            ids = [mine["launchProfileId"], other["launchProfileId"]]
            assert [service.may_use(transaction, studio_id, each, who) for each in ids] == usable
        assert service.is_member(transaction, mine["launchProfileId"], anna)
        assert not service.is_member(transaction, mine["launchProfileId"], boss)


def change(world: World, profile: dict[str, Any], studio_id: str, **members: Any) -> Any:
    ids = {"studioId": studio_id, "launchProfileId": profile["launchProfileId"]}
    passing = world.operator.call("UpdateLaunchProfile", **ids, **members)["launchProfile"]
    assert passing["state"] == "UPDATE_IN_PROGRESS"
    assert passing["name"] == profile["name"]
    world.settle()
    return world.operator.call("GetLaunchProfile", **ids)["launchProfile"]


def test_an_update_changes_what_it_names(world: World, given: dict[str, Any]) -> None:
    profile, studio_id = make(world, given, description="d"), given["studioId"]
    after = change(world, profile, studio_id, name="new")
    assert (after["state"], after["statusCode"]) == ("READY", "LAUNCH_PROFILE_UPDATED")
    assert (after["name"], after["description"]) == ("new", "d")
    assert after["streamConfiguration"] == profile["streamConfiguration"]
    rules = {**given["streamConfiguration"], "maxSessionLengthInMinutes": 60}
    after = change(world, after, studio_id, streamConfiguration=rules)
    assert after["streamConfiguration"]["maxSessionLengthInMinutes"] == 60
    after = change(world, after, studio_id, streamConfiguration=given["streamConfiguration"])
    assert after["streamConfiguration"]["maxSessionLengthInMinutes"] == 690


def test_a_failed_update_keeps_everything_as_it_was(world: World, given: dict[str, Any]) -> None:
    profile = make(world, given)
    rules = {**given["streamConfiguration"], "streamingImageIds": ["none"]}
    after = change(world, profile, given["studioId"], name="new", streamConfiguration=rules)
    assert (after["state"], after["statusCode"]) == ("UPDATE_FAILED", "STREAMING_IMAGE_NOT_FOUND")
    assert after["name"] == profile["name"]
    assert after["streamConfiguration"] == profile["streamConfiguration"]
    assert change(world, after, given["studioId"], name="better")["name"] == "better"


def test_an_update_s_rules_are_those_of_making(
    world: World, given: dict[str, Any], refused: Any
) -> None:
    profile = make(world, given)
    ids = {"studioId": given["studioId"], "launchProfileId": profile["launchProfileId"]}
    rules = {**given["streamConfiguration"], "automaticTerminationMode": "ACTIVATED"}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"streamConfiguration": rules}, "it needs sessionPersistenceMode"),
        ({"studioComponentIds": ["none"]}, "there is no studio component none"),
        ({"studioComponentIds": []}, "studioComponentIds must be"),
        ({"name": ""}, "name must be"),
    ]
    for wrong, message in cases:
        name, said = refused("UpdateLaunchProfile", **ids, **wrong)
        assert name == "ValidationException"
        assert message in said
    world.operator.call("UpdateLaunchProfile", **ids)
    for operation in ("UpdateLaunchProfile", "DeleteLaunchProfile"):
        assert refused(operation, **ids)[0] == "ConflictException"


def test_a_deleted_component_is_not_taken_into_a_profile(
    world: World, given: dict[str, Any], refused: Any
) -> None:
    world.settle()
    component = given["studioComponentIds"][0]
    world.operator.call(
        "DeleteStudioComponent", studioId=given["studioId"], studioComponentId=component
    )
    world.settle()
    name, message = refused("CreateLaunchProfile", **given)
    assert name == "ValidationException"
    assert component in message


def test_a_profile_with_sessions_is_not_deleted(world: World, given: dict[str, Any]) -> None:
    profile, studio_id = make(world, given), given["studioId"]
    session = world.session(studio_id, profile["launchProfileId"])
    ids = {"studioId": studio_id, "launchProfileId": profile["launchProfileId"]}
    passing = world.operator.call("DeleteLaunchProfile", **ids)["launchProfile"]
    assert passing["statusCode"] == "LAUNCH_PROFILE_DELETE_IN_PROGRESS"
    world.settle()
    found = world.operator.call("GetLaunchProfile", **ids)["launchProfile"]
    assert found["state"] == "DELETE_FAILED"
    assert found["statusCode"] == "LAUNCH_PROFILE_WITH_STREAM_SESSIONS_NOT_DELETED"
    world.operator.call(
        "DeleteStreamingSession", studioId=studio_id, sessionId=session["sessionId"]
    )
    world.advance(timedelta(minutes=1))
    world.operator.call("DeleteLaunchProfile", **ids)
    world.settle()
    assert world.operator.call("GetLaunchProfile", **ids)["launchProfile"]["state"] == "DELETED"
