"""Who administers a studio, and what that changes for them."""

from typing import Any

import pytest

from soundstage.client.calls import CallError, Client
from soundstage.testing.world import World


def put(world: World, studio_id: str, *people: str, store: str = "d-1") -> dict[str, Any]:
    members = [{"principalId": person, "persona": "ADMINISTRATOR"} for person in people]
    return world.operator.call(
        "PutStudioMembers", studioId=studio_id, identityStoreId=store, members=members
    )


def name_of_refusal(client: Client, operation: str, /, **members: Any) -> str:
    with pytest.raises(CallError) as caught:
        client.call(operation, **members)
    return caught.value.name


def test_an_administrator_is_put_read_and_taken_away(
    world: World, studio_id: str, refused: Any
) -> None:
    boss, boss_id = world.client("boss"), world.principal_id("boss")
    ids = {"studioId": studio_id, "principalId": boss_id}
    assert refused("GetStudioMember", **ids) == (
        "ResourceNotFoundException",
        f"There is no studio member {boss_id}.",
    )
    assert name_of_refusal(boss, "ListStreamingImages", studioId=studio_id) == (
        "AccessDeniedException"
    )
    assert put(world, studio_id, boss_id, store="d-1") == {}
    assert put(world, studio_id, boss_id, store="d-2") == {}
    expected = {"identityStoreId": "d-2", "persona": "ADMINISTRATOR", "principalId": boss_id}
    assert boss.call("GetStudioMember", **ids) == {"member": expected}
    assert boss.call("ListStreamingImages", studioId=studio_id) == {"streamingImages": []}
    assert world.operator.call("DeleteStudioMember", **ids) == {}
    assert refused("DeleteStudioMember", **ids)[0] == "ResourceNotFoundException"
    assert name_of_refusal(boss, "ListStreamingImages", studioId=studio_id) == (
        "AccessDeniedException"
    )


def test_administrators_come_20_at_a_time_each_once(world: World, studio_id: str) -> None:
    people = [world.principal_id(f"boss{number}") for number in range(21)]
    put(world, studio_id, *people[:20])
    put(world, studio_id, people[20])
    page = world.client("anna").call("ListStudioMembers", studioId=studio_id, maxResults=100)
    assert len(page["members"]) == 20
    # Whoever goes between two pages hides nobody else.
    last = page["members"][-1]["principalId"]
    world.operator.call("DeleteStudioMember", studioId=studio_id, principalId=last)
    token = {"nextToken": page["nextToken"], "studioId": studio_id}
    rest = world.client("anna").call("ListStudioMembers", **token)
    seen = [member["principalId"] for member in page["members"] + rest["members"]]
    assert seen == sorted(people)
    assert "nextToken" not in rest
    assert name_of_refusal(world.operator, "ListStudioMembers", **token) == "ValidationException"
    everybody = world.operator.pages("ListStudioMembers", studioId=studio_id, maxResults=7)
    assert len(list(everybody)) == 20


def test_only_the_operator_makes_administrators(world: World, studio_id: str) -> None:
    boss, boss_id = world.client("boss"), world.principal_id("boss")
    put(world, studio_id, boss_id)
    member = {"principalId": boss_id, "persona": "ADMINISTRATOR"}
    given = {"studioId": studio_id, "identityStoreId": "d-1", "members": [member]}
    assert name_of_refusal(boss, "PutStudioMembers", **given) == "AccessDeniedException"
    ids = {"studioId": studio_id, "principalId": boss_id}
    assert name_of_refusal(boss, "DeleteStudioMember", **ids) == "AccessDeniedException"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"members": []}, "members must be"),
        ({"members": [{"principalId": "x", "persona": "ADMINISTRATOR"}] * 21}, "members must be"),
        ({"members": [{"principalId": "x", "persona": "USER"}]}, "members[0].persona must be"),
        ({"members": [{"persona": "ADMINISTRATOR"}]}, "members[0].principalId is required"),
        (
            {"members": [{"principalId": "x", "persona": "ADMINISTRATOR"}]},
            "nobody here has the id x",
        ),
        ({"identityStoreId": None}, "identityStoreId is required"),
        ({"identityStoreId": "d" * 65}, "identityStoreId must be"),
    ],
)
def test_wrong_inputs_are_refused_by_their_names(
    world: World, studio_id: str, refused: Any, change: dict[str, Any], message: str
) -> None:
    member = {"principalId": world.principal_id("boss"), "persona": "ADMINISTRATOR"}
    given = {"studioId": studio_id, "identityStoreId": "d-1", "members": [member], **change}
    name, said = refused("PutStudioMembers", **given)
    assert name == "ValidationException"
    assert message in said


def test_people_are_listed_by_id_and_by_name(world: World, studio_id: str) -> None:
    boss = world.client("boss")
    put(world, studio_id, world.principal_id("boss"))
    anna = world.principal_id("anna")
    names = {each["name"] for each in boss.pages("ListPeople")}
    assert names == {"operator", "boss", "anna"}
    (found,) = boss.pages("ListPeople", principalIds=f"{anna},nobody")
    assert found == {
        "identityStoreId": "d-soundstage",
        "isActive": True,
        "isOperator": False,
        "name": "anna",
        "principalId": anna,
    }
    assert list(boss.pages("ListPeople", name="anna")) == [found]
    assert list(boss.pages("ListPeople", name="ann")) == []
