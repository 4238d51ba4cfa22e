"""Names of people in a file: whose they are, and who is known by none."""

from pathlib import Path
from typing import Any

import pytest

from soundstage.cli.studio_file.people import names_by_id, resolved
from soundstage.kit.config import ConfigError
from soundstage.testing.world import World, world


@pytest.fixture
def there(tmp_path: Path) -> Any:
    with world(tmp_path / "home") as made:
        yield made


def a_file(administrators: list[str], members: list[str]) -> dict[str, Any]:
    return {
        "studio": {"studioName": "films", "administrators": administrators},
        "launchProfiles": [{"name": "Artist", "members": members}, {"name": "Others"}],
    }


def test_a_name_and_an_id_mean_the_same(there: World) -> None:
    anna, ben = there.principal_id("anna"), there.principal_id("ben")
    found, ids = resolved(there.operator, a_file([anna], ["ben", "anna"]))
    assert found == a_file(["anna"], ["ben", "anna"])
    assert ids == {"anna": anna, "ben": ben}
    assert resolved(there.operator, {"studio": {}}) == ({"studio": {}}, {})


def test_who_is_not_known_is_named_with_the_place(there: World) -> None:
    with pytest.raises(
        ConfigError, match=r"launch profile Artist: members: nobody here is called x"
    ):
        resolved(there.operator, a_file([], ["x"]))
    with pytest.raises(ConfigError, match="studio: administrators: nobody here is called a,b"):
        resolved(there.operator, a_file(["a,b"], []))


def test_ids_of_nobody_have_no_name(there: World) -> None:
    anna = there.principal_id("anna")
    assert names_by_id(there.operator, [anna, "somebody", anna]) == {anna: "anna"}
