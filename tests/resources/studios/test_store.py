"""The table of studios."""

from soundstage.resources.studios import store
from soundstage.testing.world import World


def test_a_name_counts_until_its_studio_is_gone(world: World, studio_id: str) -> None:
    with world.service.database.transaction() as transaction:
        assert store.has_name(transaction, "studio")
        assert not store.has_name(transaction, "other")
        for state, counts in [
            ("DELETE_FAILED", True),
            ("DELETE_IN_PROGRESS", True),
            ("DELETED", False),
            ("CREATE_FAILED", False),
        ]:
            store.studios.update(transaction, studio_id, {"state": state})
            assert store.has_name(transaction, "studio") is counts
