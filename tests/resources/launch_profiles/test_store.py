"""The tables of launch profiles and their members."""

from typing import Any

from soundstage.resources.launch_profiles import store
from soundstage.testing.world import World


def test_launch_profiles_are_found_by_their_members(world: World, given: dict[str, Any]) -> None:
    made = world.operator.call("CreateLaunchProfile", **given)["launchProfile"]
    profile_id = made["launchProfileId"]
    with world.service.database.transaction() as transaction:
        found = store.launch_profiles.get(transaction, profile_id)
        assert found is not None
        assert found.stream_configuration.max_session_length_in_minutes == 690
        store.members.put(transaction, profile_id, "anna", identity_store_id="d", persona="USER")
        of_anna = store.launch_profiles.find(transaction, store.is_of_member("anna"))
        assert [profile.id for profile in of_anna] == [profile_id]
        assert store.launch_profiles.find(transaction, store.is_of_member("ben")) == []
        assert store.studios_of_member(transaction, "anna") == {found.studio_id}
        assert store.studios_of_member(transaction, "ben") == set()
