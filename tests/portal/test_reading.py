"""What a person's pages are made of is what that person may see."""

from typing import Any

import pytest

from soundstage.client.calls import Client
from soundstage.portal.reading import Glance, Reader
from soundstage.portal.views import Viewer
from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.testing.walks import Studio
from soundstage.testing.world import World
from soundstage.words.texts import Words


def reader(world: World, name: str) -> Reader:
    viewer = Viewer(Words(), world.clock())
    is_operator = name == "operator"
    return Reader(
        world.client(name), viewer, world.principal_id(name), is_administrator=is_operator
    )


def test_everybody_sees_their_own(world: World) -> None:
    studio = Studio(world)
    session = studio.launch()
    (seen,) = reader(world, "operator").studios()
    assert [each.id for each in seen.workstations.shown] == [session["sessionId"]]
    assert [each.name for each in seen.profiles.shown] == ["Workstation"]
    assert seen.may_accept
    assert reader(world, "anna").studios() == []
    who = {"principalId": world.principal_id("anna"), "persona": "USER"}
    where = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    world.operator.call(
        "PutLaunchProfileMembers", **where, identityStoreId=IDENTITY_STORE_ID, members=[who]
    )
    (seen,) = reader(world, "anna").studios()
    assert seen.workstations.shown == []
    assert [each.id for each in seen.profiles.shown] == [studio.profile_id]
    assert not seen.may_accept
    mine = world.client("anna").call("CreateStreamingSession", **where)["session"]
    world.operator.call(
        "DeleteLaunchProfileMember", **where, principalId=world.principal_id("anna")
    )
    # Out of the profile, and so out of the studio; the workstation's own page still tells of it.
    assert reader(world, "anna").studios() == []
    shown, _, _ = reader(world, "anna").workstation(studio.id, mine["sessionId"])
    assert shown.name == "Workstation"
    assert shown.size == "g4dn.xlarge"
    # What a page asks by itself is no attempt of anybody's.
    events = world.operator.pages("ListEvents", studioId=studio.id)
    assert [each for each in events if each["type"] == "calls.REFUSED"] == []


def test_many_launch_profiles_come_in_pages_by_one_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = Studio(world)
    made = world.operator.call(
        "GetLaunchProfile", studioId=studio.id, launchProfileId=studio.profile_id
    )["launchProfile"]
    same = ("ec2SubnetIds", "launchProfileProtocolVersions", "studioComponentIds")
    rules = {name: made[name] for name in (*same, "streamConfiguration")}
    for number in range(40):
        world.operator.call(
            "CreateLaunchProfile", studioId=studio.id, name=f"P{number:02}", **rules
        )
    world.settle()
    read = reader(world, "operator")
    calls: list[str] = []
    call = Client.call

    def counted(client: Client, name: str, /, **members: Any) -> dict[str, Any]:
        calls.append(name)
        return call(client, name, **members)

    monkeypatch.setattr(Client, "call", counted)
    (first,) = read.studios()
    assert len(calls) <= 5
    (last,) = read.studios(Glance(pages={"profiles": 9}))
    seen = first.profiles
    assert (seen.pages, len(seen.shown), len(last.profiles.shown)) == (2, 24, 17)
    assert [each.name for each in seen.shown[:2]] == ["P00", "P01"]
    assert last.profiles.shown[-1].name == "Workstation"
    assert len(first.launchable) == 41
    assert first.is_long
    (found,) = read.studios(Glance(find="p3 HOST", pages={"profiles": 2}))
    assert [each.name for each in found.profiles.shown] == [f"P{n}" for n in range(30, 40)]
    assert (found.profiles.page, found.profiles.pages, found.profiles.total) == (1, 1, 41)
    (nothing,) = read.studios(Glance(find="P30 P31"))
    assert not nothing.is_found


def test_only_administrators_are_told_more_of_a_workstation(world: World) -> None:
    studio = Studio(world)
    anna = world.principal_id("anna")
    world.client("anna")
    session = studio.launch(ownedBy=anna)
    told = reader(world, "operator").oversight(studio.id, session)
    assert told is not None
    assert (told.owner, told.is_own, told.scripts) == ("anna", False, [])
    assert reader(world, "anna").oversight(studio.id, session) is None
    own = reader(world, "operator").oversight(studio.id, studio.launch())
    assert own is not None
    assert own.is_own
