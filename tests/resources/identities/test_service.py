"""Who comes in by a provider; the pages' tests in tests/portal try the same from outside."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.kit.openid.claims import Claims
from soundstage.resources.identities import service
from soundstage.resources.identities.model import IDENTITY_STORE_ID, Refusal, Rules
from soundstage.resources.members import service as members
from soundstage.resources.members.model import Person
from soundstage.testing.world import World
from soundstage.wire.faults import ConflictError, NotFoundError

ISSUER = "https://id.example.org"
NOBODY = Rules()


@pytest.fixture
def transaction(world: World) -> Iterator[Connection]:
    with world.service.database.transaction() as opened:
        yield opened


def known(transaction: Connection, world: World, name: str = "anna") -> Person:
    return members.ensure_person(transaction, name, world.clock())


def linked(transaction: Connection, world: World, person: Person, subject: str = "s") -> None:
    service.link(transaction, person, ISSUER, subject, world.clock(), actor="t")


def arrived(
    transaction: Connection, world: World, rules: Rules = NOBODY, *groups: str, subject: str = "s"
) -> Person | Refusal:
    claims = Claims(issuer=ISSUER, subject=subject, user_name="anna", groups=groups)
    return service.arrive(transaction, claims, world.clock(), rules=rules)


def test_a_subject_leads_to_its_person_only(transaction: Connection, world: World) -> None:
    anna = known(transaction, world)
    assert arrived(transaction, world) is Refusal.UNKNOWN
    linked(transaction, world, anna)
    linked(transaction, world, anna)
    assert arrived(transaction, world) == anna
    (identity,) = service.of_person(transaction, anna)
    assert (identity.subject, identity.used_at) == ("s", world.clock())
    other = Claims(issuer="https://evil.example.org", subject="s", user_name="anna")
    assert service.arrive(transaction, other, world.clock(), rules=NOBODY) is Refusal.UNKNOWN


def test_two_can_not_be_one(transaction: Connection, world: World) -> None:
    anna, ben = known(transaction, world), known(transaction, world, "ben")
    linked(transaction, world, anna)
    with pytest.raises(ConflictError, match="is anna already"):
        linked(transaction, world, ben)
    with pytest.raises(ConflictError, match="anna is the subject s there already"):
        linked(transaction, world, anna, "s2")


def test_an_unlinked_subject_is_nobody(transaction: Connection, world: World) -> None:
    anna, ben = known(transaction, world), known(transaction, world, "ben")
    linked(transaction, world, anna)
    now = world.clock()
    for person, subject in ((ben, "s"), (anna, "s2")):
        with pytest.raises(NotFoundError):
            service.unlink(transaction, person, ISSUER, subject, now, actor="t")
    service.unlink(transaction, anna, ISSUER, "s", now, actor="t")
    assert arrived(transaction, world) is Refusal.UNKNOWN
    kinds = [entry.kind for entry in journal.read(transaction, subject=f"person/{anna.id}")]
    assert kinds == ["people.CREATED", "identities.LINKED", "identities.UNLINKED"]


def test_somebody_is_made_known_only_by_a_name_that_is_free(
    transaction: Connection, world: World
) -> None:
    rules = Rules(makes_people=True)
    anna = arrived(transaction, world, rules)
    assert isinstance(anna, Person)
    assert anna.name == "anna"
    assert arrived(transaction, world, rules) == anna
    assert arrived(transaction, world, rules, subject="another") is Refusal.NAME_TAKEN
    assert len(members.everybody(transaction)) == 2


def test_a_group_s_rights_come_and_go(world: World) -> None:
    films, ads = (world.studio(name)["studioId"] for name in ("films", "ads"))
    rules = Rules(administrators={"leads": ("films",), "all": ("*",), "gone": ("nothing",)})
    with world.service.database.transaction() as transaction:
        anna = known(transaction, world)
        linked(transaction, world, anna)
        for groups, administered in (
            (["leads", "gone"], [films]),
            (["all"], sorted([films, ads])),
            ([], []),
        ):
            arrived(transaction, world, rules, *groups)
            assert members.administered_by(transaction, anna.id) == administered
        changes = [
            entry.detail
            for entry in journal.read(transaction, subject=f"person/{anna.id}")
            if entry.kind == "people.CHANGED"
        ]
        assert [each["administers"] for each in changes] == [[films], sorted([films, ads]), []]


def test_what_was_given_by_our_own_word_stays(world: World) -> None:
    films = world.studio("films")["studioId"]
    rules = Rules(administrators={"leads": ("films",)})
    with world.service.database.transaction() as transaction:
        anna = known(transaction, world)
        linked(transaction, world, anna)
        assert members.put_administrator(transaction, films, anna.id)
        arrived(transaction, world, rules, "leads")
        arrived(transaction, world, rules)
        assert members.administered_by(transaction, anna.id) == [films]


def test_our_own_word_outlives_the_group(world: World) -> None:
    films = world.studio("films")["studioId"]
    rules = Rules(administrators={"leads": ("films",)})
    with world.service.database.transaction() as transaction:
        anna = known(transaction, world)
        linked(transaction, world, anna)
        arrived(transaction, world, rules, "leads")
        assert members.put_administrator(transaction, films, anna.id)
        assert not members.put_administrator(transaction, films, anna.id)
        arrived(transaction, world, rules)
        assert members.administered_by(transaction, anna.id) == [films]


def test_whoever_is_unlinked_keeps_no_rights_of_groups(world: World) -> None:
    films = world.studio("films")["studioId"]
    with world.service.database.transaction() as transaction:
        anna = known(transaction, world)
        linked(transaction, world, anna)
        arrived(transaction, world, Rules(administrators={"leads": ("films",)}), "leads")
        service.unlink(transaction, anna, ISSUER, "s", world.clock(), actor="t")
        assert members.administered_by(transaction, anna.id) == []
    shown = world.operator.call("ListStudioMembers", studioId=films)
    assert shown["members"] == []


def test_the_directory_shows_where_a_right_is_from(world: World) -> None:
    films = world.studio("films")["studioId"]
    with world.service.database.transaction() as transaction:
        anna = known(transaction, world)
        linked(transaction, world, anna)
        arrived(transaction, world, Rules(administrators={"leads": ("films",)}), "leads")
    (shown,) = world.operator.call("ListStudioMembers", studioId=films)["members"]
    assert shown["identityStoreId"] == IDENTITY_STORE_ID


def test_the_disabled_get_no_rights(world: World) -> None:
    world.studio("films")
    with world.service.database.transaction() as transaction:
        anna = known(transaction, world)
        linked(transaction, world, anna)
        now = world.clock()
        members.set_person_active(transaction, anna, now, is_active=False, actor="t")
        rules = Rules(administrators={"leads": ("films",)})
        assert arrived(transaction, world, rules, "leads") is Refusal.SHUT_OUT
        assert members.administered_by(transaction, anna.id) == []
