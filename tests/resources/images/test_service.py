"""What can be done with streaming images."""

from typing import Any

import pytest

from soundstage.resources.images import service
from soundstage.testing.world import World


def make(world: World, studio_id: str, name: str) -> str:
    made = world.operator.call(
        "CreateStreamingImage", studioId=studio_id, name=name, ec2ImageId="ami-host"
    )
    return str(made["streamingImage"]["streamingImageId"])


def names(world: World, **members: str) -> list[str]:
    return [image["name"] for image in world.operator.pages("ListStreamingImages", **members)]


def test_images_are_listed_by_studio_and_by_owner(world: World, studio_id: str) -> None:
    other = world.operator.call(
        "CreateStudio", studioName="other", displayName="O", adminRoleArn="a", userRoleArn="u"
    )["studio"]["studioId"]
    world.settle()
    make(world, studio_id, "mine")
    make(world, other, "theirs")
    assert names(world, studioId=studio_id) == ["mine"]
    assert names(world, studioId=studio_id, owner=studio_id) == ["mine"]
    assert names(world, studioId=studio_id, owner=other) == []
    assert names(world, studioId=studio_id, owner="amazon") == []


def test_an_image_is_found_in_its_own_studio_only(
    world: World, studio_id: str, refused: Any
) -> None:
    image_id = make(world, studio_id, "mine")
    with world.service.database.transaction(write=False) as transaction:
        assert service.look_up(transaction, studio_id, image_id) is not None
        assert service.look_up(transaction, "elsewhere", image_id) is None
        assert service.look_up(transaction, studio_id, "none") is None
    name, message = refused("GetStreamingImage", studioId=studio_id, streamingImageId="none")
    assert (name, message) == ("ResourceNotFoundException", "There is no streaming image none.")
    absent = "us-west-2:stid-0000000000000000"
    assert refused("ListStreamingImages", studioId=absent)[0] == "ResourceNotFoundException"


@pytest.mark.parametrize("settings", [{"quota_custom_images": 101}])
def test_long_lists_come_in_pages_and_a_token_is_of_one_list(
    world: World, studio_id: str, refused: Any
) -> None:
    for number in range(101):
        make(world, studio_id, str(number))
    first = world.operator.call("ListStreamingImages", studioId=studio_id)
    assert len(first["streamingImages"]) == 100
    assert len(names(world, studioId=studio_id)) == len(set(names(world, studioId=studio_id)))
    assert len(names(world, studioId=studio_id)) == 101
    token = first["nextToken"]
    name, said = refused(
        "ListStreamingImages", studioId=studio_id, owner=studio_id, nextToken=token
    )
    assert (name, said.startswith("nextToken: ")) == ("ValidationException", True)
    changed = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    refusal = refused("ListStreamingImages", studioId=studio_id, nextToken=changed)
    assert refusal[0] == "ValidationException"


def test_an_update_is_done_at_once(world: World, studio_id: str, refused: Any) -> None:
    ids = {"studioId": studio_id, "streamingImageId": make(world, studio_id, "old")}
    assert refused("UpdateStreamingImage", **ids, name="new")[0] == "ConflictException"
    world.settle()
    image = world.operator.call("UpdateStreamingImage", **ids, name="new")["streamingImage"]
    assert (image["state"], image["statusCode"]) == ("READY", "STREAMING_IMAGE_READY")
    assert image["name"] == "new"
    image = world.operator.call("UpdateStreamingImage", **ids, description="d")["streamingImage"]
    assert (image["name"], image["description"]) == ("new", "d")


def test_a_deleted_image_can_be_read_and_not_changed(
    world: World, studio_id: str, refused: Any
) -> None:
    ids = {"studioId": studio_id, "streamingImageId": make(world, studio_id, "mine")}
    world.settle()
    image = world.operator.call("DeleteStreamingImage", **ids)["streamingImage"]
    assert image["statusCode"] == "STREAMING_IMAGE_DELETE_IN_PROGRESS"
    world.settle()
    image = world.operator.call("GetStreamingImage", **ids)["streamingImage"]
    assert (image["state"], image["statusCode"]) == ("DELETED", "STREAMING_IMAGE_DELETED")
    for operation in ("UpdateStreamingImage", "DeleteStreamingImage"):
        assert refused(operation, **ids)[0] == "ConflictException"
