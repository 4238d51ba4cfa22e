"""The table of components."""

from soundstage.resources.components import store
from soundstage.resources.components.model import StudioComponentChange, StudioComponentType
from soundstage.testing.world import World

DIRECTORY = StudioComponentType.ACTIVE_DIRECTORY


def test_a_type_s_components_are_counted_also_those_to_come(world: World, studio_id: str) -> None:
    given = {"studioId": studio_id, "name": "n"}
    first, second = (
        world.operator.call("CreateStudioComponent", **given, type=kind)["studioComponent"][
            "studioComponentId"
        ]
        for kind in ("ACTIVE_DIRECTORY", "CUSTOM")
    )
    with world.service.database.transaction() as transaction:

        def counted() -> tuple[int, int]:
            return (
                store.count_of_type(transaction, studio_id, DIRECTORY),
                store.count_becoming(transaction, studio_id, DIRECTORY),
            )

        assert counted() == (1, 0)
        wished = StudioComponentChange(type=DIRECTORY)
        changing = {"state": "UPDATE_IN_PROGRESS", "wished": wished}
        store.components.update(transaction, second, changing)
        assert counted() == (1, 1)
        # One that is a directory already does not count twice.
        store.components.update(transaction, first, changing)
        assert counted() == (1, 1)
        store.components.update(transaction, second, {"wished": StudioComponentChange(name="x")})
        for state, counts in (("DELETE_IN_PROGRESS", 1), ("DELETED", 0), ("CREATE_FAILED", 0)):
            store.components.update(transaction, first, {"state": state})
            assert counted() == (counts, 0)
