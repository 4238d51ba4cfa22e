"""Who is handed what, and what is given up for whom."""

from typing import Any

from soundstage.kit import hints
from soundstage.resources.images import service as images
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.warm_workstations import service, store
from soundstage.resources.warm_workstations.lifecycle import Step
from soundstage.resources.warm_workstations.model import WarmWorkstationState
from soundstage.testing.world import World

S = WarmWorkstationState


def test_only_what_is_just_so_is_handed_out_and_none_twice(
    world: World, profile: dict[str, Any]
) -> None:
    now = world.clock()
    with world.service.database.transaction() as transaction:
        (studio_id,) = {
            place.studio_id for place in store.of_profile(transaction, profile["launchProfileId"])
        }
        found = launch_profiles.find(transaction, studio_id, profile["launchProfileId"])
        assert service.size_of(found) == 2
        image = images.look_up(
            transaction, studio_id, found.stream_configuration.streaming_image_ids[0]
        )
        assert image is not None
        assert service.take(transaction, found, image, "g5.xlarge", now) is None
        there = service.refs(transaction)
        taken = [service.take(transaction, found, image, "g4dn.xlarge", now) for _ in range(3)]
        assert taken[2] is None
        assert {each.ref for each in taken if each is not None} == there
        assert service.refs(transaction) == set()
        assert ("warm_workstations", found.id) in hints.take(transaction)


def test_the_fingerprint_is_of_what_matters(world: World, profile: dict[str, Any]) -> None:
    with world.service.database.transaction() as transaction:
        place = store.of_profile(transaction, profile["launchProfileId"])[0]
        names = {"studioId": place.studio_id, "launchProfileId": profile["launchProfileId"]}

    def fingerprint() -> str:
        with world.service.database.transaction(write=False) as transaction:
            found = launch_profiles.find(transaction, place.studio_id, place.launch_profile_id)
            draft = service.draft_of(transaction, found)
            assert draft is not None
            return draft.fingerprint

    first = fingerprint()
    assert place.draft is not None
    assert place.draft.fingerprint == first
    world.operator.call("UpdateLaunchProfile", **names, name="Another")
    world.settle()
    assert fingerprint() == first, "its name is in no workstation"
    rules = {**profile["streamConfiguration"], "sessionDownload": {}}
    world.operator.call("UpdateLaunchProfile", **names, streamConfiguration=rules)
    world.settle()
    assert fingerprint() != first


def test_one_is_given_up_for_a_session_at_a_time(world: World, profile: dict[str, Any]) -> None:
    now = world.clock()
    with world.service.database.transaction() as transaction:
        service.give_up_for(transaction, "one", now)
        service.give_up_for(transaction, "one", now)
        assert service.counts(transaction)["LEAVING"] == 1
        service.give_up_for(transaction, "two", now)
        service.give_up_for(transaction, "three", now)
        assert service.counts(transaction)["LEAVING"] == 2
        (pool,) = service.pools(
            transaction, store.of_profile(transaction, profile["launchProfileId"])[0].studio_id
        )
        assert (pool.wanted, pool.ready, pool.preparing) == (2, 0, 0)
        assert pool.status_message == "Its room was needed for a session."


def test_a_place_that_is_not_wanted_goes_with_its_row(
    world: World, profile: dict[str, Any]
) -> None:
    now = world.clock()
    with world.service.database.transaction() as transaction:
        place = store.of_profile(transaction, profile["launchProfileId"])[1]
        store.places.update(transaction, place.id, {"state": S.EMPTY})
        place = store.of_profile(transaction, profile["launchProfileId"])[1]
        service.move(transaction, place, Step(event="not wanted", again_at=now), now)
        assert len(store.of_profile(transaction, profile["launchProfileId"])) == 1
        found = launch_profiles.find(transaction, place.studio_id, place.launch_profile_id)
        service.ensure_places(transaction, found, now)
        service.ensure_places(transaction, found, now)
        numbers = [each.number for each in store.of_profile(transaction, found.id)]
        assert numbers == [0, 1]
