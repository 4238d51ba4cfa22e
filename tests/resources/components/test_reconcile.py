"""The worker that settles components."""

from soundstage.resources.components import reconcile, store
from soundstage.testing.world import World


def test_it_settles_a_component_once(world: World, studio_id: str) -> None:
    given = {"studioId": studio_id, "name": "n", "type": "CUSTOM"}
    made = world.operator.call("CreateStudioComponent", **given)["studioComponent"]
    worker = reconcile.worker(world.service.installation.quotas)
    assert (worker.name, worker.table) == ("components", store.table)
    with world.service.database.transaction() as transaction:
        loaded = worker.load(transaction, made["studioComponentId"], world.clock())
        assert loaded.state == "CREATE_IN_PROGRESS"
        worker.apply(transaction, loaded, None, world.clock())
        assert worker.load(transaction, made["studioComponentId"], world.clock()) is None
