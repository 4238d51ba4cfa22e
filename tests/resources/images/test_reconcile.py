"""The worker that settles streaming images."""

from soundstage.resources.images import reconcile, store
from soundstage.testing.world import World


def test_it_settles_an_image_once(world: World, studio_id: str) -> None:
    given = {"studioId": studio_id, "name": "n", "ec2ImageId": "ami-host"}
    made = world.operator.call("CreateStreamingImage", **given)["streamingImage"]
    worker = reconcile.worker()
    assert (worker.name, worker.table) == ("images", store.table)
    with world.service.database.transaction() as transaction:
        loaded = worker.load(transaction, made["streamingImageId"], world.clock())
        assert loaded.state == "CREATE_IN_PROGRESS"
        worker.apply(transaction, loaded, None, world.clock())
        assert worker.load(transaction, made["streamingImageId"], world.clock()) is None
