"""Who is let into a launch profile, and what that changes for them."""

from typing import Any

import pytest

from soundstage.client.calls import CallError, Client
from soundstage.testing.world import World


@pytest.fixture
def profile(world: World, studio_id: str) -> dict[str, str]:
    made = world.profile(studio_id)
    return {"studioId": studio_id, "launchProfileId": made["launchProfileId"]}


def put(world: World, profile: dict[str, str], *people: str) -> dict[str, Any]:
    members = [{"principalId": person, "persona": "USER"} for person in people]
    return world.operator.call(
        "PutLaunchProfileMembers", **profile, identityStoreId="d-1", members=members
    )


def name_of_refusal(client: Client, operation: str, /, **members: Any) -> str:
    with pytest.raises(CallError) as caught:
        client.call(operation, **members)
    return caught.value.name


def test_a_member_may_launch_and_see_the_profile_and_loses_both(
    world: World, profile: dict[str, str]
) -> None:
    anna, anna_id = world.client("anna"), world.principal_id("anna")
    assert name_of_refusal(anna, "GetLaunchProfile", **profile) == "AccessDeniedException"
    assert name_of_refusal(anna, "CreateStreamingSession", **profile) == "AccessDeniedException"
    assert put(world, profile, anna_id) == {}
    assert put(world, profile, anna_id) == {}
    seen = anna.call("GetLaunchProfile", **profile)["launchProfile"]
    assert seen["launchProfileId"] == profile["launchProfileId"]
    listed = anna.pages("ListLaunchProfiles", studioId=profile["studioId"], principalId=anna_id)
    assert len(list(listed)) == 1
    session = anna.call("CreateStreamingSession", **profile)["session"]
    assert session["ownedBy"] == session["createdBy"] == anna_id
    assert world.operator.call("DeleteLaunchProfileMember", **profile, principalId=anna_id) == {}
    assert name_of_refusal(anna, "GetLaunchProfile", **profile) == "AccessDeniedException"
    assert name_of_refusal(anna, "CreateStreamingSession", **profile) == "AccessDeniedException"
    own = {"studioId": profile["studioId"], "sessionId": session["sessionId"]}
    assert anna.call("GetStreamingSession", **own)["session"]["ownedBy"] == anna_id


def test_a_member_launches_for_nobody_else(world: World, profile: dict[str, str]) -> None:
    put(world, profile, world.principal_id("anna"), world.principal_id("ben"))
    ben = {"ownedBy": world.principal_id("ben")}
    refusal = name_of_refusal(world.client("anna"), "CreateStreamingSession", **profile, **ben)
    assert refusal == "AccessDeniedException"


def test_only_administrators_let_people_in(world: World, profile: dict[str, str]) -> None:
    anna, anna_id = world.client("anna"), world.principal_id("anna")
    put(world, profile, anna_id)
    members = [{"principalId": world.principal_id("ben"), "persona": "USER"}]
    given = {**profile, "identityStoreId": "d-1", "members": members}
    assert name_of_refusal(anna, "PutLaunchProfileMembers", **given) == "AccessDeniedException"
    refusal = name_of_refusal(anna, "DeleteLaunchProfileMember", **profile, principalId=anna_id)
    assert refusal == "AccessDeniedException"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"members": []}, "members must be"),
        ({"members": [{"principalId": "x", "persona": "USER"}] * 21}, "members must be"),
        ({"members": [{"principalId": "x", "persona": "ADMIN"}]}, "members[0].persona must be"),
        ({"members": [{"persona": "USER"}]}, "members[0].principalId is required"),
        ({"members": [{"principalId": "x", "persona": "USER"}]}, "nobody here has the id x"),
        ({"identityStoreId": None}, "identityStoreId is required"),
        ({"identityStoreId": "d" * 65}, "identityStoreId must be"),
    ],
)
def test_wrong_inputs_are_refused_by_their_names(
    world: World, profile: dict[str, str], refused: Any, change: dict[str, Any], message: str
) -> None:
    members = [{"principalId": world.principal_id("anna"), "persona": "USER"}]
    given = {**profile, "identityStoreId": "d-1", "members": members, **change}
    name, said = refused("PutLaunchProfileMembers", **given)
    assert name == "ValidationException"
    assert message in said


def test_all_of_a_call_s_members_are_let_in_or_none(
    world: World, profile: dict[str, str], refused: Any
) -> None:
    anna, anna_id = world.client("anna"), world.principal_id("anna")
    people = [{"principalId": each, "persona": "USER"} for each in (anna_id, "stranger")]
    given = {**profile, "identityStoreId": "d-1", "members": people}
    assert refused("PutLaunchProfileMembers", **given)[0] == "ValidationException"
    assert name_of_refusal(anna, "GetLaunchProfile", **profile) == "AccessDeniedException"


def test_who_is_not_in_it_cannot_be_taken_out(
    world: World, profile: dict[str, str], refused: Any
) -> None:
    anna_id = world.principal_id("anna")
    name, message = refused("DeleteLaunchProfileMember", **profile, principalId=anna_id)
    assert name == "ResourceNotFoundException"
    assert message == f"There is no launch profile member {anna_id}."
    nowhere = {**profile, "launchProfileId": "none"}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("DeleteLaunchProfileMember", {"principalId": anna_id}),
        (
            "PutLaunchProfileMembers",
            {
                "identityStoreId": "d-1",
                "members": [{"principalId": anna_id, "persona": "USER"}],
            },
        ),
    ]
    for operation, members in calls:
        assert refused(operation, **nowhere, **members)[0] == "ResourceNotFoundException"


def test_members_are_read_and_listed_20_at_a_time(
    world: World, profile: dict[str, str], refused: Any
) -> None:
    people = [world.principal_id(f"artist{number}") for number in range(21)]
    put(world, profile, *people[:20])
    put(world, profile, people[20])
    page = world.operator.call("ListLaunchProfileMembers", **profile, maxResults=100)
    assert len(page["members"]) == 20
    pages = world.operator.pages("ListLaunchProfileMembers", **profile, maxResults=8)
    assert [member["principalId"] for member in pages] == sorted(people)
    one = {**profile, "principalId": people[0]}
    expected = {"identityStoreId": "d-1", "persona": "USER", "principalId": people[0]}
    artist = world.client("artist0")
    assert artist.call("GetLaunchProfileMember", **one) == {"member": expected}
    assert len(artist.call("ListLaunchProfileMembers", **profile)["members"]) == 20
    anna = world.client("anna")
    for operation, members in [
        ("GetLaunchProfileMember", one),
        ("ListLaunchProfileMembers", profile),
    ]:
        assert name_of_refusal(anna, operation, **members) == "AccessDeniedException"
    stranger = {**profile, "principalId": "stranger"}
    assert refused("GetLaunchProfileMember", **stranger)[0] == "ResourceNotFoundException"


def test_a_member_s_persona_can_only_be_what_it_is(
    world: World, profile: dict[str, str], refused: Any
) -> None:
    anna_id = world.principal_id("anna")
    put(world, profile, anna_id)
    one = {**profile, "principalId": anna_id}
    given = {**one, "persona": "USER"}
    expected = {"identityStoreId": "d-1", "persona": "USER", "principalId": anna_id}
    assert world.operator.call("UpdateLaunchProfileMember", **given) == {"member": expected}
    wrong = {**one, "persona": "ADMINISTRATOR"}
    assert refused("UpdateLaunchProfileMember", **wrong)[0] == "ValidationException"
    stranger = {**given, "principalId": "stranger"}
    assert refused("UpdateLaunchProfileMember", **stranger)[0] == "ResourceNotFoundException"
    refusal = name_of_refusal(world.client("anna"), "UpdateLaunchProfileMember", **given)
    assert refusal == "AccessDeniedException"
