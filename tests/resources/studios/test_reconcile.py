"""The worker that settles studios."""

from soundstage.resources.studios import reconcile, store
from soundstage.testing.world import World


def test_it_looks_at_studios_in_progress_only(world: World, studio_id: str) -> None:
    worker = reconcile.worker([])
    assert (worker.name, worker.table) == ("studios", store.table)
    with world.service.database.transaction() as transaction:
        assert worker.load(transaction, studio_id, world.clock()) is None
        store.studios.update(transaction, studio_id, {"state": "CREATE_IN_PROGRESS"})
        loaded = worker.load(transaction, studio_id, world.clock())
        assert loaded.id == studio_id
        worker.apply(transaction, loaded, None, world.clock())
        found = store.studios.get(transaction, studio_id)
        assert found is not None
        assert found.state == "READY"
