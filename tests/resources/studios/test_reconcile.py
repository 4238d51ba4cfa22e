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


class Away:
    """A provider that does not answer, and counts how often it was asked."""

    is_healthy = False
    trouble = "It does not answer."

    def __init__(self) -> None:
        self.looks = 0

    def look_again(self) -> str | None:
        """Count."""
        self.looks += 1
        return self.trouble


def test_it_asks_the_provider_for_a_repair_only(world: World, studio_id: str) -> None:
    away = Away()
    worker = reconcile.worker([], away)
    for code, looks in (
        ("STUDIO_UPDATE_IN_PROGRESS", 0),
        ("AWS_SSO_CONFIGURATION_REPAIR_IN_PROGRESS", 1),
    ):
        with world.service.database.transaction() as transaction:
            changes = {"state": "UPDATE_IN_PROGRESS", "status_code": code}
            store.studios.update(transaction, studio_id, changes)
            loaded = worker.load(transaction, studio_id, world.clock())
            worker.apply(transaction, loaded, worker.act(loaded, world.clock()), world.clock())
        assert away.looks == looks
    with world.service.database.transaction() as transaction:
        found = store.studios.get(transaction, studio_id)
    assert found is not None
    assert (found.state, found.status_message) == ("UPDATE_FAILED", "It does not answer.")
