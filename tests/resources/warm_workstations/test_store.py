"""A place is emptied once, and the one that goes first is chosen."""

from typing import Any

import msgspec

from soundstage.resources.warm_workstations import store
from soundstage.resources.warm_workstations.model import WarmWorkstationState
from soundstage.testing.world import World

S = WarmWorkstationState


def test_one_is_taken_once(world: World, profile: dict[str, Any]) -> None:
    now = world.clock()
    with world.service.database.transaction() as transaction:
        first, second = store.of_profile(transaction, profile["launchProfileId"])
        assert (first.number, second.number) == (0, 1)
        assert store.refs(transaction) == {first.workstation_id, second.workstation_id}
        changed = msgspec.structs.replace(first, workstation_id="another")
        assert not store.take(transaction, changed, now)
        assert store.take(transaction, first, now)
        assert not store.take(transaction, first, now)
        assert store.refs(transaction) == {second.workstation_id}
        assert store.counts(transaction) == {"EMPTY": 1, "PREPARING": 0, "READY": 1, "LEAVING": 0}
        assert store.ready_of_profiles(transaction, [profile["launchProfileId"], "other"]) == {
            profile["launchProfileId"]: 1
        }


def test_what_is_not_ready_goes_first_then_what_is_oldest(
    world: World, profile: dict[str, Any]
) -> None:
    with world.service.database.transaction() as transaction:
        first, second = store.of_profile(transaction, profile["launchProfileId"])
        store.places.update(transaction, second.id, {"state": S.PREPARING})
        chosen = store.first_to_give_up(transaction)
        assert chosen is not None
        assert chosen.id == second.id
        leaving = {"state": S.LEAVING, "given_up_for": "s"}
        store.places.update(transaction, second.id, leaving)
        assert store.is_leaving_for(transaction, "s")
        assert not store.is_leaving_for(transaction, "other")
        chosen = store.first_to_give_up(transaction)
        assert chosen is not None
        assert chosen.id == first.id
        store.places.update(transaction, first.id, {"state": S.EMPTY})
        assert store.first_to_give_up(transaction) is None
        store.keep_empty(transaction, world.clock())
        kept = [each.rests_until for each in store.of_profile(transaction, first.launch_profile_id)]
        assert kept == [world.clock(), None]
