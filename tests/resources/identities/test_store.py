"""The table of identities."""

from soundstage.resources.identities import store
from soundstage.resources.identities.model import Identity, id_of
from soundstage.resources.members import service as members
from soundstage.testing.world import World


def test_a_subject_is_one_person_s(world: World) -> None:
    now = world.clock()
    with world.service.database.transaction() as transaction:
        anna = members.ensure_person(transaction, "anna", now)
        identity = Identity(
            id=id_of("https://a", "s"),
            issuer="https://a",
            subject="s",
            principal_id=anna.id,
            created_at=now,
        )
        assert [store.add(transaction, identity) for _ in range(2)] == [True, False]
        assert store.of_person(transaction, anna.id) == [identity]
        assert store.of_person(transaction, "x") == []
