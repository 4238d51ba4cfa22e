"""The table of components."""

from soundstage.resources.components import store
from soundstage.testing.world import World


def test_only_another_ready_directory_of_the_studio_counts(world: World, studio_id: str) -> None:
    given = {"studioId": studio_id, "name": "n", "type": "ACTIVE_DIRECTORY"}
    first, second = (
        world.operator.call("CreateStudioComponent", **given)["studioComponent"][
            "studioComponentId"
        ]
        for _ in range(2)
    )
    with world.service.database.transaction() as transaction:
        component = store.components.get(transaction, second)
        assert component is not None
        assert not store.has_other_active_directory(transaction, component)
        store.components.update(transaction, first, {"state": "READY"})
        assert store.has_other_active_directory(transaction, component)
        store.components.update(transaction, first, {"type": "CUSTOM"})
        assert not store.has_other_active_directory(transaction, component)
