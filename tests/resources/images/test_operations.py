"""Streaming images as the wire shows them, and what the wire refuses."""

from typing import Any

import pytest

from soundstage.testing.world import World

GIVEN: dict[str, Any] = {"name": "Host", "ec2ImageId": "ami-host"}


def test_an_image_from_its_making_to_ready(world: World, studio_id: str) -> None:
    made = world.operator.call(
        "CreateStreamingImage", **GIVEN, studioId=studio_id, description="All", tags={"a": "b"}
    )["streamingImage"]
    assert made["state"] == "CREATE_IN_PROGRESS"
    world.settle()
    ids = {"studioId": studio_id, "streamingImageId": made["streamingImageId"]}
    image = world.operator.call("GetStreamingImage", **ids)["streamingImage"]
    assert (image["state"], image["statusCode"]) == ("READY", "STREAMING_IMAGE_READY")
    expected = {**GIVEN, "owner": studio_id, "platform": "LINUX", "eulaIds": []}
    assert {name: image[name] for name in expected} == expected
    assert (image["description"], image["tags"]) == ("All", {"a": "b"})
    assert image["arn"].endswith(f":streaming-image/{made['streamingImageId']}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "n" * 65}, "name must be"),
        ({"name": None}, "name is required"),
        ({"description": "d" * 257}, "description must be"),
        ({"ec2ImageId": "ami-"}, "ec2ImageId must be"),
        ({"ec2ImageId": "img-1"}, "ec2ImageId must be"),
        ({"ec2ImageId": "ami-1\n"}, "ec2ImageId must be"),
        ({"ec2ImageId": None}, "ec2ImageId is required"),
        ({"clientToken": ""}, "clientToken must be"),
        ({"tags": {"k": "v" * 257}}, "the value of 'k' is longer than 256"),
    ],
)
def test_wrong_inputs_are_refused_by_their_names(
    studio_id: str, refused: Any, change: dict[str, Any], message: str
) -> None:
    name, said = refused("CreateStreamingImage", **{**GIVEN, **change}, studioId=studio_id)
    assert name == "ValidationException"
    assert message in said
