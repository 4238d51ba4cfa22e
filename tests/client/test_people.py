"""People are called by their names, whatever the number of them."""

from typing import Any

from soundstage.client.people import called, names_of
from soundstage.testing.world import World


def test_who_is_not_known_is_called_by_the_id(world: World) -> None:
    anna = world.principal_id("anna")
    found = names_of(world.operator, [anna, "somebody", anna])
    assert found == {anna: "anna", "somebody": "somebody"}


def test_many_are_asked_for_in_parts() -> None:
    asked: list[str] = []

    class Client:
        """Knows nobody, and remembers whom it was asked about."""

        def pages(self, name: str, /, *, principalIds: str) -> list[Any]:  # noqa: N803 - the wire's name
            assert name == "ListPeople"
            asked.append(principalIds)
            return []

    client: Any = Client()
    assert len(names_of(client, map(str, range(150)))) == 150
    assert [len(some.split(",")) for some in asked] == [100, 50]


def test_a_display_name_comes_before_the_name() -> None:
    assert called({"name": "anna", "displayName": "Anna B."}) == "Anna B."
    assert called({"name": "anna", "displayName": ""}) == "anna"
