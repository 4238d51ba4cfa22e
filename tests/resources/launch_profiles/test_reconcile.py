"""The worker that settles launch profiles."""

from typing import Any

from soundstage.resources.launch_profiles import reconcile, store
from soundstage.testing.world import World


def test_it_settles_a_profile_once(world: World, given: dict[str, Any]) -> None:
    made = world.operator.call("CreateLaunchProfile", **given)["launchProfile"]
    worker = reconcile.worker(world.engine, [])
    assert (worker.name, worker.table) == ("launch_profiles", store.table)
    with world.service.database.transaction() as transaction:
        loaded = worker.load(transaction, made["launchProfileId"], world.clock())
        worker.apply(transaction, loaded, None, world.clock())
        assert worker.load(transaction, made["launchProfileId"], world.clock()) is None
