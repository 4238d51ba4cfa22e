"""People, their keys, and who administers a studio."""

import re

import pytest

from soundstage.resources.members import service, store
from soundstage.testing.world import World
from soundstage.wire.faults import ValidationError


def test_somebody_is_made_known_once(world: World) -> None:
    with world.service.database.transaction() as transaction:
        first = service.ensure_person(transaction, "anna", world.clock())
        again = service.ensure_person(transaction, "anna", world.clock())
        assert first == again
        assert not first.is_operator
        assert re.fullmatch(r"[0-9a-f]{10}-[0-9a-f-]{36}", first.id)
        assert service.look_up(transaction, first.id) == first
        assert service.look_up(transaction, "anna") is None
        other = service.ensure_person(transaction, "Anna", world.clock())
        assert other.id != first.id


def test_only_one_name_is_the_operator_s(world: World) -> None:
    with world.service.database.transaction() as transaction:
        operator = service.ensure_person(transaction, service.OPERATOR, world.clock())
        assert operator.is_operator
        assert re.fullmatch(r"AROA[A-Z0-9]+:operator", operator.id)
        assert not service.ensure_person(transaction, "Operator", world.clock()).is_operator


def test_a_key_is_kept_sealed_and_given_again(world: World) -> None:
    seal = world.service.seal
    with world.service.database.transaction() as transaction:
        anna = service.ensure_person(transaction, "anna", world.clock())
        key_id, secret = service.ensure_access_key(transaction, anna, seal, world.clock())
        assert service.ensure_access_key(transaction, anna, seal, world.clock()) == (key_id, secret)
        assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key_id)
        assert len(secret) == 40
        kept = store.access_keys.get(transaction, key_id)
        assert kept is not None
        assert secret not in kept.sealed_secret
        assert service.holder_of(transaction, key_id, seal) == (anna, secret)


def test_a_key_that_was_switched_off_opens_nothing(world: World) -> None:
    seal = world.service.seal
    with world.service.database.transaction() as transaction:
        anna = service.ensure_person(transaction, "anna", world.clock())
        key_id, _ = service.ensure_access_key(transaction, anna, seal, world.clock())
        store.access_keys.update(transaction, key_id, {"is_active": False})
        assert service.holder_of(transaction, key_id, seal) is None
        assert service.holder_of(transaction, "AKIANOBODY", seal) is None
        new_id, _ = service.ensure_access_key(transaction, anna, seal, world.clock())
        assert new_id != key_id


def test_administrators_are_people_of_this_installation(world: World, studio_id: str) -> None:
    anna = world.principal_id("anna")
    with world.service.database.transaction() as transaction:
        assert not service.is_administrator(transaction, studio_id, anna)
        for _ in range(2):
            service.put_administrator(transaction, studio_id, anna)
        assert service.is_administrator(transaction, studio_id, anna)
        assert not service.is_administrator(transaction, "us-west-2:stid-0", anna)
        with pytest.raises(ValidationError, match="nobody here has the id ben"):
            service.put_administrator(transaction, studio_id, "ben")
