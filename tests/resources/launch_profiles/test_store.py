"""The tables of launch profiles and their members."""

from typing import Any

from soundstage.resources.launch_profiles import store
from soundstage.testing.world import World


def test_members_come_go_and_are_renewed(world: World, given: dict[str, Any]) -> None:
    made = world.operator.call("CreateLaunchProfile", **given)["launchProfile"]
    profile_id = made["launchProfileId"]
    with world.service.database.transaction() as transaction:
        found = store.launch_profiles.get(transaction, profile_id)
        assert found is not None
        assert found.stream_configuration.max_session_length_in_minutes == 690
        assert not store.has_member(transaction, profile_id, "anna")
        for identity_store in ("d-1", "d-2"):
            store.put_member(
                transaction,
                profile_id=profile_id,
                principal_id="anna",
                identity_store_id=identity_store,
                persona="USER",
            )
        assert store.has_member(transaction, profile_id, "anna")
        kept = transaction.execute(store.member_table.select()).all()
        assert [row.identity_store_id for row in kept] == ["d-2"]
        of_anna = store.launch_profiles.find(transaction, store.is_of_member("anna"))
        assert [profile.id for profile in of_anna] == [profile_id]
        assert store.launch_profiles.find(transaction, store.is_of_member("ben")) == []
        assert store.remove_member(transaction, profile_id, "anna")
        assert not store.remove_member(transaction, profile_id, "anna")
