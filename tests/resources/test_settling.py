"""One look settles what is in progress. What is over is readable for a day, then it goes."""

from datetime import timedelta
from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.kit import journal
from soundstage.kit.machine import READABLE_FOR
from soundstage.resources.settling import SettlingWorker
from soundstage.testing.world import World

NAMES = {
    "studio": "studioId",
    "launchProfile": "launchProfileId",
    "streamingImage": "streamingImageId",
    "studioComponent": "studioComponentId",
}


def state_of(world: World, kind: str, ids: dict[str, str]) -> str | None:
    """Read a resource's state; None when it can't be read any more."""
    operation = f"Get{kind[0].upper()}{kind[1:]}"
    try:
        return str(world.operator.call(operation, **ids)[kind]["state"])
    except CallError as error:
        if error.name != "ResourceNotFoundException":
            raise
        return None


def test_what_is_in_progress_is_settled_once_and_noted(world: World) -> None:
    studio = world.studio()
    assert (studio["state"], studio["statusCode"]) == (
        "CREATE_IN_PROGRESS",
        "STUDIO_CREATE_IN_PROGRESS",
    )
    found = world.operator.call("GetStudio", studioId=studio["studioId"])["studio"]
    assert (found["state"], found["statusCode"]) == ("READY", "STUDIO_CREATED")
    with world.service.database.transaction(write=False) as transaction:
        kinds = [entry.kind for entry in journal.read(transaction)]
        assert kinds.count("studios.READY") == 1


def test_what_is_settled_needs_nothing(world: World, studio_id: str) -> None:
    (worker,) = (each for each in world.service.workers if each.name == "studios")
    assert isinstance(worker, SettlingWorker)
    with world.service.database.transaction() as transaction:
        assert worker.load(transaction, studio_id, world.clock()) is None
        assert worker.load(transaction, "nobody", world.clock()) is None


def test_a_whole_studio_is_deleted_and_goes_after_a_day(world: World, studio_id: str) -> None:
    profile = world.profile(studio_id)
    ids = {
        "launchProfile": profile["launchProfileId"],
        "studioComponent": profile["studioComponentIds"][0],
        "streamingImage": profile["streamConfiguration"]["streamingImageIds"][0],
    }
    anna = {"persona": "USER", "principalId": world.principal_id("anna")}
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio_id,
        launchProfileId=ids["launchProfile"],
        identityStoreId="d-1",
        members=[anna],
    )
    named = {
        kind: {"studioId": studio_id, NAMES[kind]: resource_id} for kind, resource_id in ids.items()
    }
    for kind, members in named.items():
        made = world.operator.call(f"Delete{kind[0].upper()}{kind[1:]}", **members)
        assert made[kind]["state"] == "DELETE_IN_PROGRESS"
        world.settle()
        assert state_of(world, kind, members) == "DELETED"
    world.operator.call("DeleteStudio", studioId=studio_id)
    world.advance(timedelta(hours=23, minutes=59))
    studio = {"studioId": studio_id}
    assert {state_of(world, kind, members) for kind, members in named.items()} == {"DELETED"}
    assert state_of(world, "studio", studio) == "DELETED"
    world.advance(timedelta(hours=2))
    assert {state_of(world, kind, members) for kind, members in named.items()} == {None}
    assert state_of(world, "studio", studio) is None


def test_what_is_referred_to_waits(world: World, studio_id: str) -> None:
    """A studio's row goes after those of the things that were in it."""
    world.operator.call("CreateStreamingImage", studioId=studio_id, name="n", ec2ImageId="ami-host")
    world.settle()
    worker = next(each for each in world.service.workers if each.name == "studios")
    with world.service.database.transaction() as transaction:
        transaction.execute(worker.table.update().values(state="DELETED", due_at=world.clock()))
    world.advance(timedelta(hours=26))
    assert state_of(world, "studio", {"studioId": studio_id}) == "DELETED"
    with world.service.database.transaction() as transaction:
        images = next(each for each in world.service.workers if each.name == "images")
        transaction.execute(images.table.delete())
    world.advance(timedelta(hours=2))
    assert state_of(world, "studio", {"studioId": studio_id}) is None


def test_what_failed_to_be_made_goes_too(world: World, studio_id: str) -> None:
    key = {"keyType": "CUSTOMER_MANAGED_KEY", "keyArn": "arn:aws:kms:us-west-2:1:key/none"}
    second = world.operator.call(
        "CreateStudio",
        studioName="second",
        displayName="Second",
        adminRoleArn="a",
        userRoleArn="u",
        studioEncryptionConfiguration=key,
    )["studio"]
    world.settle()
    ids = {"studioId": second["studioId"]}
    assert state_of(world, "studio", ids) == "CREATE_FAILED"
    world.advance(READABLE_FOR)
    assert state_of(world, "studio", ids) is None
    assert state_of(world, "studio", {"studioId": studio_id}) == "READY"


@pytest.mark.parametrize("state", ["DELETED", "CREATE_FAILED"])
def test_a_look_too_early_puts_the_end_off_not_away(
    world: World, studio_id: str, state: str
) -> None:
    worker: Any = next(each for each in world.service.workers if each.name == "studios")
    with world.service.database.transaction() as transaction:
        transaction.execute(worker.table.update().values(state=state))
        loaded = worker.load(transaction, studio_id, world.clock())
    assert worker.due_at(worker.act(loaded, world.clock())) == (loaded.updated_at + READABLE_FOR)
    assert worker.act(loaded, world.clock() + READABLE_FOR) is None
