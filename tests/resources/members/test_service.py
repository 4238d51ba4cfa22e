"""People, their keys, and who administers a studio."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.resources.members import service, store
from soundstage.resources.members.model import Enrolment, Newcomer, Person
from soundstage.testing.world import World
from soundstage.testing.world import world as a_world
from soundstage.wire.faults import (
    ConflictError,
    Fault,
    NotFoundError,
    QuotaExceededError,
    ValidationError,
)


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
        # Whoever was shut out is not let in again in passing.
        with pytest.raises(ConflictError, match="The keys of anna are disabled"):
            service.ensure_access_key(transaction, anna, seal, world.clock())


def test_administrators_are_people_of_this_installation(world: World, studio_id: str) -> None:
    anna = world.principal_id("anna")
    with world.service.database.transaction() as transaction:
        assert not service.is_administrator(transaction, studio_id, anna)
        for _ in range(2):
            service.put_administrator(transaction, studio_id, anna)
        assert not service.put_administrator(transaction, studio_id, anna)
        assert service.administered_by(transaction, anna) == [studio_id]
        assert service.is_administrator(transaction, studio_id, anna)
        assert not service.is_administrator(transaction, "us-west-2:stid-0", anna)
        with pytest.raises(ValidationError, match="nobody here has the id ben"):
            service.put_administrator(transaction, studio_id, "ben")
        with pytest.raises(NotFoundError):
            service.put_administrator(transaction, "us-west-2:stid-0", anna)


# ---- telling of people ---------------------------------------------------------------------------

ID = "92677b4b19-e9fd012a-94ad-4f16-9866-c69a63ab6486"


class Office:
    """The service's functions in one open transaction, as the command line calls them."""

    def __init__(self, world: World, transaction: Connection) -> None:
        self.transaction = transaction
        self.by: Any = {"actor": "AROAX:operator"}
        self.now = world.clock()
        self.seal = world.service.seal

    def enrol(self, **told: str) -> tuple[Person, Enrolment]:
        return service.enrol(self.transaction, Newcomer(**told), self.now, **self.by)

    def new_key(self, person: Person) -> str:
        made = service.create_access_key(self.transaction, person, self.seal, self.now, **self.by)
        return made[0].id

    def switch(self, key_id: str, *, on: bool) -> None:
        service.set_access_key_active(self.transaction, key_id, self.now, is_active=on, **self.by)

    def switch_person(self, person: Person, *, on: bool) -> Person:
        service.set_person_active(self.transaction, person, self.now, is_active=on, **self.by)
        return service.find_person(self.transaction, person.name)

    def noted(self, subject: str) -> list[tuple[str, dict[str, Any]]]:
        entries = journal.read(self.transaction, subject=subject)
        assert {entry.actor for entry in entries} <= {"AROAX:operator"}
        return [(entry.kind, entry.detail) for entry in entries]


@pytest.fixture
def office(world: World, transaction: Connection) -> Office:
    return Office(world, transaction)


def test_telling_the_same_twice_changes_nothing(office: Office, studio_id: str) -> None:
    told = {
        "name": "anna",
        "display_name": "Anna",
        "email": "a@b.example",
        "principal_id": ID,
        "administrator_of": studio_id,
    }
    anna, outcome = office.enrol(**told)
    assert (anna.id, anna.display_name, anna.email) == (ID, "Anna", "a@b.example")
    assert outcome is Enrolment.CREATED
    assert service.is_administrator(office.transaction, studio_id, ID)
    before = office.noted(f"person/{ID}")
    for again in (told, {"name": "anna"}):
        assert office.enrol(**again) == (anna, Enrolment.UNCHANGED)
    assert office.noted(f"person/{ID}") == before


def test_what_is_told_anew_is_kept_and_noted_by_its_name_alone(
    office: Office, studio_id: str
) -> None:
    anna, _ = office.enrol(name="anna", email="a@b.example")
    changed, outcome = office.enrol(name="anna", email="c@d.example", administrator_of=studio_id)
    assert (changed.id, changed.email, outcome) == (anna.id, "c@d.example", Enrolment.CHANGED)
    assert service.find_person(office.transaction, "anna") == changed
    assert office.noted(f"person/{anna.id}") == [
        ("people.CREATED", {"name": "anna"}),
        ("people.CHANGED", {"name": "anna", "members": ["email", "administrator_of"]}),
    ]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"name": "anna", "principal_id": ID[11:]}, "principalId: anna is known by another, "),
        ({"name": "ben", "principal_id": ID}, f"principalId: {ID} is that of anna."),
        ({"name": "ben", "administrator_of": "stid-0"}, "There is no studio stid-0."),
        ({"name": "operator"}, "name: operator is the account's own"),
        ({"name": ""}, "name: a name has 1 to 64"),
    ],
)
def test_an_id_and_a_name_are_one_person_s(
    office: Office, told: dict[str, str], message: str
) -> None:
    office.enrol(name="anna", principal_id=ID)
    with pytest.raises(Fault) as caught:
        office.enrol(**told)
    assert caught.value.message.startswith(message)


def test_everybody_is_listed_with_their_working_keys(office: Office) -> None:
    anna, _ = office.enrol(name="anna")
    ben, _ = office.enrol(name="ben")
    office.new_key(anna)
    office.switch(office.new_key(anna), on=False)
    counts = {person.name: count for person, count in service.everybody(office.transaction)}
    assert counts == {"operator": 1, "anna": 1, "ben": 0}
    assert service.find_person(office.transaction, "ben") == ben
    with pytest.raises(NotFoundError, match="There is no person carl"):
        service.find_person(office.transaction, "carl")


# ---- keys ----------------------------------------------------------------------------------------


def test_a_person_has_two_keys_at_the_most_whether_they_work_or_not(office: Office) -> None:
    anna, _ = office.enrol(name="anna")
    first, second = office.new_key(anna), office.new_key(anna)
    office.switch(first, on=False)
    with pytest.raises(QuotaExceededError) as caught:
        office.new_key(anna)
    assert first in caught.value.message
    assert second in caught.value.message
    with pytest.raises(ConflictError, match=f"{second} works"):
        service.delete_access_key(office.transaction, second, office.now, **office.by)
    service.delete_access_key(office.transaction, first, office.now, **office.by)
    third = office.new_key(anna)
    assert {key.id for key in service.keys_of(office.transaction, anna)} == {second, third}


def test_what_becomes_of_a_key_is_noted_once_and_without_its_secret(office: Office) -> None:
    anna, _ = office.enrol(name="anna")
    key_id = office.new_key(anna)
    for on in (False, False, True, True, False):
        office.switch(key_id, on=on)
    service.delete_access_key(office.transaction, key_id, office.now, **office.by)
    whose = {"principalId": anna.id}
    events = ["CREATED", "DISABLED", "ENABLED", "DISABLED", "DELETED"]
    assert office.noted(f"access-key/{key_id}") == [
        (f"access_keys.{event}", whose) for event in events
    ]
    with pytest.raises(NotFoundError, match=f"There is no access key {key_id}"):
        office.switch(key_id, on=True)
    with pytest.raises(NotFoundError):
        service.delete_access_key(office.transaction, key_id, office.now, **office.by)


def test_a_person_s_oldest_working_key_is_given(office: Office) -> None:
    anna, _ = office.enrol(name="anna")
    office.now = office.now - timedelta(days=1)
    old = office.new_key(anna)
    office.now = office.now + timedelta(days=1)
    new = office.new_key(anna)
    given = []
    for on in (True, False):
        office.switch(old, on=on)
        key_id, _ = service.ensure_access_key(office.transaction, anna, office.seal, office.now)
        given.append(key_id)
    assert given == [old, new]


def test_a_disabled_person_keeps_their_keys_but_opens_nothing(office: Office) -> None:
    anna, _ = office.enrol(name="anna")
    key_id = office.new_key(anna)
    for _ in range(2):
        anna = office.switch_person(anna, on=False)
    assert not anna.is_active
    assert service.holder_of(office.transaction, key_id, office.seal) is None
    for refused in (service.ensure_access_key, service.create_access_key):
        with pytest.raises(ConflictError, match="anna is disabled"):
            refused(office.transaction, anna, office.seal, office.now, **office.by)
    # Telling of them again does not let them in.
    assert office.enrol(name="anna")[1] is Enrolment.UNCHANGED
    anna = office.switch_person(anna, on=True)
    assert service.holder_of(office.transaction, key_id, office.seal) is not None
    kinds = [kind for kind, _ in office.noted(f"person/{anna.id}")]
    assert kinds == ["people.CREATED", "people.DISABLED", "people.ENABLED"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_keys_at_the_most_also_when_eight_ask_at_once(
    tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    with ExitStack() as stack:
        url = ""
        if database == "postgresql":
            url = stack.enter_context(request.getfixturevalue("postgres").database(is_current=True))
        made = stack.enter_context(a_world(tmp_path / "home", url))

        def ask(_: int) -> bool:
            try:
                with made.service.database.transaction() as transaction:
                    Office(made, transaction).new_key(service.find_person(transaction, "anna"))
            except QuotaExceededError:
                return False
            return True

        with made.service.database.transaction() as transaction:
            anna, _ = Office(made, transaction).enrol(name="anna", email="a@b.example")
        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(ask, range(8))) == 2
        with made.service.database.transaction() as transaction:
            assert len(service.keys_of(transaction, anna)) == 2
            assert (anna, 2) in service.everybody(transaction)
            assert not Office(made, transaction).switch_person(anna, on=False).is_active


def test_the_operator_is_not_shut_out(office: Office) -> None:
    operator = service.find_person(office.transaction, service.OPERATOR)
    with pytest.raises(ConflictError, match="operator can't be disabled"):
        office.switch_person(operator, on=False)
