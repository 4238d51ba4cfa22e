"""What a streaming image is."""

from soundstage.resources.images import store
from soundstage.testing.world import World


def test_a_studio_owns_its_images(world: World, studio_id: str) -> None:
    given = {"studioId": studio_id, "name": "n", "ec2ImageId": "ami-host"}
    made = world.operator.call("CreateStreamingImage", **given)["streamingImage"]
    with world.service.database.transaction(write=False) as transaction:
        image = store.images.get(transaction, made["streamingImageId"])
        assert image is not None
        assert image.owner == studio_id
