"""EULAs on the wire: which there are, and who accepted them."""

from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.resources.eulas.model import CATALOGUE
from soundstage.resources.members import service as people
from soundstage.testing.world import World


def test_everybody_sees_the_list(world: World) -> None:
    anna = world.client("anna")
    eulas = list(anna.pages("ListEulas"))
    assert {eula["eulaId"] for eula in eulas} == CATALOGUE.keys()
    assert {"createdAt", "updatedAt", "name", "content", "eulaId"} == eulas[0].keys()
    one = [eulas[3]["eulaId"]]
    assert list(anna.pages("ListEulas", eulaIds=one)) == [eulas[3]]
    assert list(anna.pages("ListEulas", eulaIds=[*one, "none"])) == [eulas[3]]
    assert list(anna.pages("ListEulas", eulaIds=["none"])) == []


def test_an_administrator_of_any_studio_reads_one(
    world: World, studio_id: str, refused: Any
) -> None:
    eula_id = min(CATALOGUE)
    found = world.operator.call("GetEula", eulaId=eula_id)["eula"]
    assert (found["eulaId"], found["name"]) == (eula_id, CATALOGUE[eula_id].name)
    with pytest.raises(CallError) as caught:
        world.client("anna").call("GetEula", eulaId=eula_id)
    assert caught.value.name == "AccessDeniedException"
    anna_id = world.principal_id("anna")
    with world.service.database.transaction() as transaction:
        people.put_administrator(transaction, studio_id, anna_id)
    assert world.client("anna").call("GetEula", eulaId=eula_id)["eula"] == found
    assert refused("GetEula", eulaId="none") == (
        "ResourceNotFoundException",
        "There is no EULA none.",
    )


def test_accepting_twice_is_accepting_once(world: World, studio_id: str, refused: Any) -> None:
    first, second, third = sorted(CATALOGUE)[:3]

    def accept(*eula_ids: str) -> list[dict[str, Any]]:
        answer = world.operator.call("AcceptEulas", studioId=studio_id, eulaIds=list(eula_ids))
        found: list[dict[str, Any]] = answer["eulaAcceptances"]
        return found

    made = accept(first, second, first)
    assert [each["eulaId"] for each in made] == [first, second]
    assert {each["accepteeId"] for each in made} == {studio_id}
    assert {each["acceptedBy"] for each in made} == {world.principal_id("operator")}
    again = accept(second, third)
    assert again[0] == made[1]
    anna = world.client("anna")

    def accepted(**filters: Any) -> set[str]:
        pages = anna.pages("ListEulaAcceptances", studioId=studio_id, **filters)
        return {each["eulaId"] for each in pages}

    assert accepted() == {first, second, third}
    assert accepted(eulaIds=[third, "none"]) == {third}
    assert accept() == []
    wrong = {"studioId": studio_id, "eulaIds": [max(CATALOGUE), "none"]}
    assert refused("AcceptEulas", **wrong)[0] == "ResourceNotFoundException"
    assert accepted() == {first, second, third}
    with pytest.raises(CallError) as caught:
        anna.call("AcceptEulas", studioId=studio_id, eulaIds=[first])
    assert caught.value.name == "AccessDeniedException"
