"""The API's questions, answered."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from soundstage.client.calls import CallError, Client
from soundstage.resources.members import service as members
from soundstage.resources.operations import OPERATIONS
from soundstage.resources.request import CallerKind
from soundstage.testing.world import ENDPOINT, PERSISTENT, Inside, World
from soundstage.wire.faults import NotFoundError
from soundstage.wiring.doors import ApiDoor, ApiFacts

ABSENT = "us-west-2:stid-0000000000000000"


def launched(world: World) -> tuple[str, dict[str, Any]]:
    studio_id = world.studio()["studioId"]
    profile = world.profile(studio_id, **PERSISTENT)
    return studio_id, world.session(studio_id, profile["launchProfileId"])


def test_checks_come_in_their_order(world: World) -> None:
    studio_id = world.studio()["studioId"]
    wrong = {"name": "n" * 65, "type": "ODD"}

    def refusal(client: Client, studio: str) -> str:
        with pytest.raises(CallError) as caught:
            client.call("CreateStudioComponent", studioId=studio, **wrong)
        return caught.value.name

    stranger = Client(
        ENDPOINT,
        access_key_id="AKIANOBODY",
        secret_access_key="x",
        region="us-west-2",
        operations=OPERATIONS,
        http=httpx.Client(transport=Inside(world), trust_env=False),
        clock=world.clock,
    )
    assert refusal(stranger, ABSENT) == "UnrecognizedClientException"
    assert refusal(world.client("anna"), ABSENT) == "AccessDeniedException"
    assert refusal(world.client("anna"), studio_id) == "AccessDeniedException"
    assert refusal(world.operator, ABSENT) == "ResourceNotFoundException"
    assert refusal(world.operator, studio_id) == "ValidationException"


def test_who_is_behind_a_key(world: World) -> None:
    door = ApiDoor(world.service)
    kinds = {}
    for name in ("operator", "anna"):
        with world.service.database.transaction() as transaction:
            person = members.ensure_person(transaction, name, world.clock())
            key_id, secret = members.ensure_access_key(
                transaction, person, world.service.seal, world.clock()
            )
        found = door.secret_of(key_id)
        assert found is not None
        assert (found[0], found[1].principal_id) == (secret, person.id)
        kinds[name] = found[1].kind
    assert kinds == {"operator": CallerKind.OPERATOR, "anna": CallerKind.USER}
    assert door.secret_of("AKIANOBODY") is None
    assert door.now() == world.clock()


def test_facts_are_of_the_studio_in_the_path(world: World) -> None:
    studio_id, session = launched(world)
    session_id = session["sessionId"]
    where = {"studioId": studio_id, "sessionId": session_id}
    world.operator.call("StopStreamingSession", **where)
    world.advance(timedelta(minutes=1))
    (backup,) = world.operator.pages("ListStreamingSessionBackups", studioId=studio_id)
    anna = world.principal_id("anna")
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio_id,
        launchProfileId=session["launchProfileId"],
        identityStoreId="d",
        members=[{"principalId": anna, "persona": "USER"}],
    )
    owner, profile_id = session["ownedBy"], session["launchProfileId"]
    with world.service.database.transaction() as transaction:
        members.put_administrator(transaction, studio_id, anna)
        facts = ApiFacts(transaction)
        assert facts.owner_of_session(studio_id, session_id) == owner
        assert facts.owner_of_session(ABSENT, session_id) is None
        assert facts.owner_of_session(studio_id, "none") is None
        assert facts.owner_of_backup(studio_id, backup["backupId"]) == owner
        assert facts.owner_of_backup(ABSENT, backup["backupId"]) is None
        assert facts.is_member(studio_id, profile_id, anna)
        assert not facts.is_member(ABSENT, profile_id, anna)
        assert not facts.is_member(studio_id, profile_id, "ben")
        assert facts.is_administrator(studio_id, anna)
        assert not facts.is_administrator(ABSENT, anna)
        assert facts.administers_any(anna)
        assert not facts.administers_any("stranger")
        facts.require_existing({})
        facts.require_existing({**where, "streamId": "whatever"})
        for labels in ({"studioId": ABSENT}, {**where, "sessionId": "none"}):
            with pytest.raises(NotFoundError):
                facts.require_existing(labels)
