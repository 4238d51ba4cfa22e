"""The table of accepted EULAs."""

import pytest
from sqlalchemy.exc import IntegrityError

from soundstage.resources.eulas import store
from soundstage.resources.eulas.model import EulaAcceptance
from soundstage.testing.world import World


def test_a_studio_accepts_a_eula_once(world: World, studio_id: str) -> None:
    def acceptance(number: str) -> EulaAcceptance:
        return EulaAcceptance(
            id=number,
            studio_id=studio_id,
            eula_id="eula",
            accepted_by="anna",
            created_at=world.clock(),
        )

    with world.service.database.transaction() as transaction:
        assert store.accepted(transaction, studio_id) == {}
        store.acceptances.insert(transaction, acceptance("1"))
        assert store.accepted(transaction, studio_id) == {"eula": acceptance("1")}
        assert store.accepted(transaction, "elsewhere") == {}
    with pytest.raises(IntegrityError), world.service.database.transaction() as transaction:
        store.acceptances.insert(transaction, acceptance("2"))
