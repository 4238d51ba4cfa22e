"""What runs, in the form of a file."""

from collections.abc import Iterator
from typing import Any

import pytest

from soundstage.cli.studio_file.present import Present, as_file, find_studio, read
from soundstage.kit.config import ConfigError
from soundstage.resources.identities.model import IDENTITY_STORE_ID
from soundstage.testing.world import World, world


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("present") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def studio_id(there: World) -> str:
    studio = there.studio("films")
    there.profile(studio["studioId"])
    return str(studio["studioId"])


def test_names_stand_in_place_of_ids(there: World, studio_id: str) -> None:
    found = read(there.operator, studio_id)
    assert find_studio(there.operator, "films") == studio_id
    assert find_studio(there.operator, "others") is None
    profile = found.parts["launchProfiles"]["Workstation"]
    assert profile["studioComponents"] == ["Basics"]
    assert profile["streamConfiguration"]["streamingImages"] == ["Host"]
    assert profile["members"] == []
    printed = as_file(found)
    assert list(printed) == ["studio", "images", "components", "launchProfiles", "catalogue"]
    assert printed["studio"]["quotas"]["launchProfiles"] == 50
    assert printed["catalogue"]["images"] == [{"ec2ImageId": "ami-host", "engineImage": "host"}]
    small = printed["catalogue"]["instanceTypes"][0]
    assert small == {"ec2InstanceType": "g4dn.xlarge", "cpus": 4.0, "gpus": 1, "memoryInGib": 16.0}
    assert printed["studio"]["studioName"] == "films"
    assert printed["images"] == [{"name": "Host", "ec2ImageId": "ami-host"}]
    assert not any(key.endswith("Id") for key in printed["launchProfiles"][0])


def test_who_administers_by_a_group_is_left_to_the_provider(there: World, studio_id: str) -> None:
    anna, ben = there.principal_id("anna"), there.principal_id("ben")
    for principal_id, store in ((anna, "d-soundstage"), (ben, IDENTITY_STORE_ID)):
        there.operator.call(
            "PutStudioMembers",
            studioId=studio_id,
            identityStoreId=store,
            members=[{"principalId": principal_id, "persona": "ADMINISTRATOR"}],
        )
    assert read(there.operator, studio_id).studio["administrators"] == ["anna"]


def test_what_is_gone_is_not_there(there: World, studio_id: str) -> None:
    call = there.operator.call
    image = call("CreateStreamingImage", studioId=studio_id, name="Gone", ec2ImageId="ami-host")[
        "streamingImage"
    ]
    there.settle()
    call("DeleteStreamingImage", studioId=studio_id, streamingImageId=image["streamingImageId"])
    assert "Gone" not in read(there.operator, studio_id).parts["images"]
    there.settle()
    assert "Gone" not in read(there.operator, studio_id).parts["images"]


def test_two_of_a_name_are_refused(there: World, studio_id: str) -> None:
    given: dict[str, Any] = {"studioId": studio_id, "name": "Twin", "type": "CUSTOM"}
    made = [there.operator.call("CreateStudioComponent", **given) for _ in range(2)]
    there.settle()
    with pytest.raises(ConfigError, match="components: two are called Twin"):
        read(there.operator, studio_id)
    for each in made:
        component_id = each["studioComponent"]["studioComponentId"]
        there.operator.call(
            "DeleteStudioComponent", studioId=studio_id, studioComponentId=component_id
        )
    there.settle()


def test_an_id_without_a_name_stays_one() -> None:
    found = Present(ids={("images", "Host"): "i"})
    assert (found.name_of("images", "i"), found.name_of("images", "j")) == ("Host", "j")
    assert found.name_of("components", "i") == "i"
