"""Shares on the wire: who makes links, who ends them, and what they look like."""

import re
from datetime import datetime
from typing import Any

import pytest

from soundstage.client.calls import CallError, Client
from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.testing.walks import Studio
from soundstage.testing.world import World


@pytest.fixture
def studio(world: World) -> Studio:
    """Give a studio whose workstations may be looked at."""
    return Studio(world, sessionShare={"maxLengthInMinutes": 90})


@pytest.fixture
def people(world: World, studio: Studio) -> tuple[Client, Client]:
    """Give an artist and an administrator."""
    facts: dict[str, Any] = {"studioId": studio.id, "identityStoreId": IDENTITY_STORE_ID}
    for operation, persona, who, where in (
        ("PutLaunchProfileMembers", "USER", "anna", {"launchProfileId": studio.profile_id}),
        ("PutStudioMembers", "ADMINISTRATOR", "bea", {}),
    ):
        members = [{"principalId": world.principal_id(who), "persona": persona}]
        world.operator.call(operation, **facts, **where, members=members)
    return world.client("anna"), world.client("bea")


def test_an_artist_shares_and_an_administrator_may_only_end_it(
    world: World, studio: Studio, people: tuple[Client, Client]
) -> None:
    anna, bea = people
    session = studio.launch(ownedBy=world.principal_id("anna"))
    names = {"studioId": studio.id, "sessionId": session["sessionId"]}
    share = anna.call("CreateStreamingSessionShare", **names, maxViewers=2)["share"]
    created, ends = (datetime.fromisoformat(share[name]) for name in ("createdAt", "endsAt"))
    assert (ends - created).total_seconds() == 3600
    assert (share["maxViewers"], share["viewers"]) == (2, 0)
    assert re.fullmatch(rf"\S+/streams/{share['shareId']}/\?ticket=\S+", share["url"])
    listed = anna.call("ListStreamingSessionShares", **names)
    assert listed == {"shares": [share], "maxLengthInMinutes": 90, "maxViewers": 4}
    for operation in ("CreateStreamingSessionShare", "ListStreamingSessionShares"):
        with pytest.raises(CallError) as caught:
            bea.call(operation, **names)
        assert caught.value.name == "AccessDeniedException"
    assert bea.call("DeleteStreamingSessionShare", **names, shareId=share["shareId"]) == {}
    assert anna.call("ListStreamingSessionShares", **names)["shares"] == []
    told = [
        (each["type"].rpartition(".")[2], each.get("principalid", ""))
        for each in world.operator.pages("ListEvents", studioId=studio.id)
        if "session_shares" in each["type"]
    ]
    assert sorted(kind for kind, _ in told) == ["CREATED", "ENDED"]


@pytest.mark.parametrize(
    ("member", "limit", "given"),
    [
        ("lengthInMinutes", ">= 1", 0),
        ("lengthInMinutes", "<= 1440", 1441),
        ("maxViewers", ">= 1", 0),
        ("maxViewers", "<= 8", 9),
    ],
)
def test_the_shape_has_the_limits_that_hold_for_every_profile(
    studio: Studio, refused: Any, member: str, limit: str, given: int
) -> None:
    names = {"studioId": studio.id, "sessionId": studio.launch()["sessionId"]}
    name, message = refused("CreateStreamingSessionShare", **names, **{member: given})
    assert name == "ValidationException"
    assert message.startswith(member)
    assert limit in message


def test_by_default_nobody_looks_on(world: World, refused: Any) -> None:
    plain = Studio(world)
    session = plain.launch()
    listed = plain.call("ListStreamingSessionShares", session)
    assert listed == {"shares": []}
    names = {"studioId": plain.id, "sessionId": session["sessionId"]}
    name, message = refused("CreateStreamingSessionShare", **names)
    assert name == "ConflictException"
    assert message.endswith("may not be shared: its launch profile has no sessionShare.")
