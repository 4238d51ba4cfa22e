"""Who is signed in where; the pages' tests in tests/portal try the same from outside."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from soundstage.kit import journal
from soundstage.resources.logins import service, store
from soundstage.resources.logins.model import LINK_LASTS, MOST_LINKS, Limits
from soundstage.resources.members import service as members
from soundstage.resources.members.model import Person
from soundstage.testing.world import World
from soundstage.wire.faults import ConflictError, NotFoundError

LIMITS = Limits(age=timedelta(days=30))


def known(transaction: Connection, world: World, name: str = "anna") -> Person:
    return members.ensure_person(transaction, name, world.clock())


def signed_in(transaction: Connection, world: World, person: Person) -> str:
    now = world.clock()
    link = service.make_link(transaction, person, now, actor="t")
    secret = service.sign_in(transaction, link, now, browser="b", address="a", limits=LIMITS)
    assert secret is not None
    return secret


def test_a_link_becomes_one_login(world: World) -> None:
    now = world.clock()
    with world.service.database.transaction() as transaction:
        anna = known(transaction, world)
        link = service.make_link(transaction, anna, now, actor="t")
        assert service.holder_of_link(transaction, link, now) == anna
        assert service.holder_of_link(transaction, link, now + LINK_LASTS) is None
        first, second = (
            service.sign_in(transaction, link, now, browser="b" * 500, address="a", limits=LIMITS)
            for _ in range(2)
        )
        assert first is not None
        assert second is None
        found = service.find(transaction, first, now)
        assert found is not None
        login, person = found
        assert person == anna
        assert len(login.browser) == 200
        assert service.holder_of(transaction, login.id, now) == anna
        assert service.living(transaction, [login.id, "x"], now) == {login.id}
        assert service.find(transaction, link, now) is None
        kinds = [entry.kind for entry in journal.read(transaction, subject=f"person/{anna.id}")]
        assert kinds == ["people.CREATED", "logins.LINKED", "logins.CREATED"]


def test_a_bad_link_is_used_up_all_the_same(world: World) -> None:
    with world.service.database.transaction() as transaction:
        anna = known(transaction, world)
        link = service.make_link(transaction, anna, world.clock(), actor="t")
        late = world.clock() + LINK_LASTS
        assert (
            service.sign_in(transaction, link, late, browser="", address="", limits=LIMITS) is None
        )
        now = world.clock()
        again = service.sign_in(transaction, link, now, browser="", address="", limits=LIMITS)
        assert again is None


def test_only_the_newest_links_are_good(world: World) -> None:
    with world.service.database.transaction() as transaction:
        anna = known(transaction, world)
        made = []
        for second in range(MOST_LINKS + 2):
            now = world.clock() + timedelta(seconds=second)
            made.append(service.make_link(transaction, anna, now, actor="t"))
        good = [service.holder_of_link(transaction, link, now) is not None for link in made]
    assert good == [False] * 2 + [True] * MOST_LINKS


def test_keys_that_are_all_off_sign_their_person_out(world: World) -> None:
    seal = world.service.seal
    with world.service.database.transaction() as transaction:
        anna, now = known(transaction, world), world.clock()
        secret = signed_in(transaction, world, anna)
        assert service.find(transaction, secret, now) is not None
        key, _ = members.create_access_key(transaction, anna, seal, now, actor="t")
        assert service.find(transaction, secret, now) is not None
        members.set_access_key_active(transaction, key.id, now, is_active=False, actor="t")
        assert service.find(transaction, secret, now) is None
        with pytest.raises(ConflictError, match="The keys of anna are disabled"):
            service.make_link(transaction, anna, now, actor="t")


def test_the_disabled_get_no_link(world: World) -> None:
    with world.service.database.transaction() as transaction:
        anna, now = known(transaction, world), world.clock()
        members.set_person_active(transaction, anna, now, is_active=False, actor="t")
        out = members.find_person(transaction, "anna")
        with pytest.raises(ConflictError, match="anna is disabled"):
            service.make_link(transaction, out, now, actor="t")


def test_one_ends_one_s_own_and_the_operator_anybody_s(world: World) -> None:
    with world.service.database.transaction() as transaction:
        now = world.clock()
        anna, ben = known(transaction, world), known(transaction, world, "ben")
        operator = members.find_person(transaction, members.OPERATOR)
        for _ in range(2):
            signed_in(transaction, world, anna)
        first, second = service.of_person(transaction, anna, now)
        assert [each.id for each, _ in service.everybody_s(transaction, now)] == [
            first.id,
            second.id,
        ]
        with pytest.raises(NotFoundError):
            service.end(transaction, first.id, now, actor=ben)
        service.end(transaction, first.id, now, actor=anna)
        service.end(transaction, second.id, now, actor=operator)
        assert service.of_person(transaction, anna, now) == []
        with pytest.raises(NotFoundError):
            service.end(transaction, second.id, now, actor=operator)


def test_the_last_use_is_noted_now_and_then(world: World) -> None:
    with world.service.database.transaction() as transaction:
        now = world.clock()
        anna = known(transaction, world)
        signed_in(transaction, world, anna)
        (login,) = service.of_person(transaction, anna, now)
        soon, later = now + timedelta(seconds=59), now + timedelta(seconds=60)
        assert service.is_use_noted(login, "a", soon)
        assert not service.is_use_noted(login, "a", later)
        assert not service.is_use_noted(login, "b", soon)
        service.note_use(transaction, login, "b", later)
        noted = store.logins.get(transaction, login.id)
        assert noted is not None
        assert (noted.address, noted.used_at) == ("b", later)
        service.purge(transaction, later + LIMITS.age)
        assert store.logins.get(transaction, login.id) is None
