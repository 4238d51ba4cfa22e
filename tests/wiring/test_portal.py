"""What somebody who is signed in may do: what they may do with their keys, and not after."""

from datetime import timedelta

import anyio
import anyio.to_thread
import pytest

from soundstage.client.calls import CallError
from soundstage.portal.door import Login, Visit
from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.testing.world import World
from soundstage.wiring import portal
from soundstage.wiring.portal import PortalDoor

VISIT = Visit(browser="b", address="192.0.2.1")


def door_of(world: World) -> PortalDoor:
    return PortalDoor(world.service, world.service.app)


def signed_in(world: World, name: str) -> tuple[str, Login]:
    door = door_of(world)
    with world.service.database.transaction() as transaction:
        person = members.ensure_person(transaction, name, world.clock())
        link = logins.make_link(transaction, person, world.clock(), actor="t")
    assert door.whose_link(link) == name
    secret = door.sign_in(link, VISIT)
    assert secret is not None
    login = door.find(secret, VISIT)
    assert login is not None
    return secret, login


def outcome(world: World, login: Login, operation: str, **given: str) -> str:
    def call() -> str:
        client = door_of(world).client(login)
        try:
            client.call(operation, **given)
        except CallError as error:
            return error.name
        finally:
            client.close()
        return "ok"

    async def in_a_thread() -> str:
        return await anyio.to_thread.run_sync(call)

    return anyio.run(in_a_thread)


def test_a_login_has_the_rights_of_its_person_and_no_more(world: World) -> None:
    studio_id = world.studio()["studioId"]
    _, operator = signed_in(world, "operator")
    _, anna = signed_in(world, "anna")
    own = {"studioId": studio_id, "ownedBy": anna.principal_id}
    assert outcome(world, operator, "ListStudios") == "ok"
    assert outcome(world, anna, "ListStudios") == "AccessDeniedException"
    assert outcome(world, anna, "ListStreamingSessions", **own) == "ok"
    other = own | {"ownedBy": operator.principal_id}
    assert outcome(world, anna, "ListStreamingSessions", **other) == "AccessDeniedException"


@pytest.mark.parametrize("how", ["signed out", "disabled", "keys off"])
def test_what_ends_a_login_ends_its_calls_within_five_seconds(world: World, how: str) -> None:
    _, anna = signed_in(world, "anna")
    assert outcome(world, anna, "ListEulas") == "ok"
    now = world.clock()
    with world.service.database.transaction() as transaction:
        person = members.find_person(transaction, "anna")
        if how == "signed out":
            logins.end(transaction, anna.id, now, actor=person)
        elif how == "disabled":
            members.set_person_active(transaction, person, now, is_active=False, actor="t")
        else:
            key, _ = members.create_access_key(
                transaction, person, world.service.seal, now, actor="t"
            )
            members.set_access_key_active(transaction, key.id, now, is_active=False, actor="t")
    world.clock.set(now + timedelta(seconds=5))
    assert outcome(world, anna, "ListEulas") == "UnrecognizedClientException"


def test_a_login_s_key_is_the_same_after_a_restart(world: World) -> None:
    secret, before = signed_in(world, "anna")
    world.restart()
    after = door_of(world).find(secret, VISIT)
    assert after == before
    assert outcome(world, before, "ListEulas") == "ok"


def test_a_login_s_id_alone_signs_nothing(world: World) -> None:
    _, anna = signed_in(world, "anna")
    key_id, _ = world.service.login_keys.key_of(anna.id)
    forged = world.client("ben")
    forged._credentials.access_key = key_id
    with pytest.raises(CallError) as caught:
        forged.call("ListEulas")
    assert caught.value.name == "InvalidSignatureException"


def test_logins_are_listed_for_whoever_may_end_them(world: World) -> None:
    _, operator = signed_in(world, "operator")
    _, anna = signed_in(world, "anna")
    door = door_of(world)
    assert [each.id for each in door.logins(anna)] == [anna.id]
    assert {each.name for each in door.logins(operator)} == {"operator", "anna"}
    assert not door.end(anna, operator.id)
    assert door.end(operator, anna.id)
    assert not door.end(operator, anna.id)


def test_who_administers_is_known_and_the_machine_is_looked_at_now_and_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio_id = world.studio()["studioId"]
    with world.service.database.transaction() as transaction:
        ben = members.ensure_person(transaction, "ben", world.clock())
        members.put_administrator(transaction, studio_id, ben.id)
    administers = {
        name: signed_in(world, name)[1].is_administrator for name in ("operator", "ben", "anna")
    }
    assert administers == {"operator": True, "ben": True, "anna": False}
    door = door_of(world)
    found = door.examine()
    assert {"versions", "memory-limit"} <= {each.name for each in found}
    assert door.examine() is found
    monkeypatch.setattr(portal, "_EXAMINE_SECONDS", -1)
    assert door.examine() is not found
    assert door.operation("ListPeople").path == "/people"
