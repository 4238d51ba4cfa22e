"""What a launch profile needs before it can be made."""

from typing import Any

import pytest

from soundstage.testing.world import World


@pytest.fixture
def image_id(world: World, studio_id: str) -> str:
    image = world.operator.call(
        "CreateStreamingImage", studioId=studio_id, name="Host", ec2ImageId="ami-host"
    )["streamingImage"]
    world.settle()
    return str(image["streamingImageId"])


@pytest.fixture
def component_id(world: World, studio_id: str) -> str:
    component = world.operator.call(
        "CreateStudioComponent", studioId=studio_id, name="Basics", type="CUSTOM"
    )["studioComponent"]
    return str(component["studioComponentId"])


@pytest.fixture
def given(studio_id: str, image_id: str, component_id: str) -> dict[str, Any]:
    """Give the members of CreateLaunchProfile that have to be there."""
    return {
        "studioId": studio_id,
        "name": "Artist",
        "ec2SubnetIds": [],
        "launchProfileProtocolVersions": ["2021-03-31"],
        "studioComponentIds": [component_id],
        "streamConfiguration": {
            "clipboardMode": "ENABLED",
            "ec2InstanceTypes": ["g4dn.xlarge"],
            "streamingImageIds": [image_id],
        },
    }
