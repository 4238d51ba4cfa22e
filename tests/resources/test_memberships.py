"""Members of studios and of launch profiles, as rows of one kind."""

import pytest

from soundstage.resources.members.model import StudioMembership, StudioPersona
from soundstage.resources.members.store import administrators
from soundstage.resources.memberships import (
    LONGEST_IDENTITY_STORE_ID,
    require_identity_store_id,
)
from soundstage.testing.world import World
from soundstage.wire.faults import ValidationError


def member(principal_id: str, identity_store_id: str) -> StudioMembership:
    return StudioMembership(
        principal_id=principal_id,
        identity_store_id=identity_store_id,
        persona=StudioPersona.ADMINISTRATOR,
    )


def test_members_come_go_and_are_renewed(world: World, studio_id: str) -> None:
    with world.service.database.transaction() as transaction:
        assert not administrators.has(transaction, studio_id, "anna")
        assert administrators.get(transaction, studio_id, "anna") is None
        for identity_store_id in ("d-1", "d-2"):
            administrators.put(
                transaction,
                studio_id,
                "anna",
                identity_store_id=identity_store_id,
                persona="ADMINISTRATOR",
            )
        assert administrators.has(transaction, studio_id, "anna")
        assert not administrators.has(transaction, "another", "anna")
        assert administrators.get(transaction, studio_id, "anna") == member("anna", "d-2")
        assert administrators.remove(transaction, studio_id, "anna")
        assert not administrators.remove(transaction, studio_id, "anna")
        assert not administrators.has(transaction, studio_id, "anna")


def test_a_page_begins_after_a_member_and_is_in_the_order_of_ids(
    world: World, studio_id: str
) -> None:
    with world.service.database.transaction() as transaction:
        for principal_id in ("c", "a", "d", "b"):
            administrators.put(
                transaction, studio_id, principal_id, identity_store_id="d", persona="ADMINISTRATOR"
            )
        page = administrators.page(transaction, studio_id, after="a", limit=2)
        assert page == [member("b", "d"), member("c", "d")]
        assert administrators.page(transaction, "another", after="", limit=2) == []


def test_a_directory_s_id_that_cannot_be_kept_is_refused_with_its_limit() -> None:
    require_identity_store_id("d" * LONGEST_IDENTITY_STORE_ID)
    with pytest.raises(ValidationError, match=r"identityStoreId must be at most 64 .* length 65"):
        require_identity_store_id("d" * (LONGEST_IDENTITY_STORE_ID + 1))
