"""The tables of people, keys and administrators."""

from datetime import timedelta

import msgspec

from soundstage.resources.members import store
from soundstage.resources.members.model import AccessKey, Person
from soundstage.testing.world import World


def test_names_are_unique_and_keys_come_oldest_first(world: World) -> None:
    now = world.clock()
    anna = Person(id="1", name="anna", is_operator=False, created_at=now)
    with world.service.database.transaction() as transaction:
        store.people.insert(transaction, anna)
        assert store.person_named(transaction, "anna") == anna
        assert store.person_named(transaction, "ANNA") is None
        for key_id, age, is_active in [("new", 1, True), ("old", 3, True), ("off", 5, False)]:
            key = AccessKey(
                id=key_id,
                principal_id="1",
                sealed_secret="sealed",
                is_active=is_active,
                created_at=now - timedelta(days=age),
            )
            store.access_keys.insert(transaction, key)
        assert [key.id for key in store.keys_of(transaction, "1")] == ["off", "old", "new"]
        assert store.keys_of(transaction, "2") == []
        assert store.count_active_keys(transaction)["1"] == 2
        assert "2" not in store.count_active_keys(transaction)
        store.hold(transaction, "1")
        for person_id, name in (("2", "anna"), ("1", "ben")):
            other = Person(id=person_id, name=name, is_operator=False, created_at=now)
            assert not store.add_person(transaction, other)
        # What else the transaction did is still there.
        assert store.people.get(transaction, "1") == anna
        assert store.add_person(transaction, other := msgspec.structs.replace(other, id="2"))
        assert store.person_named(transaction, "ben") == other


def test_studios_are_found_by_who_administers_them(world: World, studio_id: str) -> None:
    with world.service.database.transaction() as transaction:
        store.administrators.put(
            transaction, studio_id, "1", identity_store_id="d", persona="ADMINISTRATOR"
        )
        assert store.studios_of(transaction, "1") == [studio_id]
        assert store.studios_of(transaction, "1", identity_store_id="e") == []
        assert store.studios_of(transaction, "2") == []
        assert store.administers_any(transaction, "1")
        assert not store.administers_any(transaction, "2")
