"""Availabilities on the wire: of one launch profile, and of all that one may use."""

from datetime import timedelta

import pytest

from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.testing.walks import Studio
from soundstage.testing.world import World


def test_room_and_measured_starts_are_told(world: World, studio: Studio) -> None:
    world.engine.most_workstations = 4
    where = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    told = world.operator.call("GetLaunchProfileAvailability", **where)
    assert told["instanceTypes"][0] == {
        "ec2InstanceType": "g4dn.xlarge",
        "cpus": 4.0,
        "memoryInBytes": 16 * 1024**3,
        "gpus": 0,
        "freePlaces": 4,
    }
    assert "expectedStartInSeconds" not in told
    for _ in range(3):
        studio.launch()
    world.advance(timedelta(seconds=30))
    told = world.operator.call("GetLaunchProfileAvailability", **where)
    assert told["instanceTypes"][0]["freePlaces"] == 1
    assert 0 < told["expectedStartInSeconds"] < 30
    (listed,) = world.operator.pages("ListLaunchProfileAvailabilities", studioId=studio.id)
    assert listed["launchProfile"]["launchProfileId"] == studio.profile_id
    assert [image["name"] for image in listed["streamingImages"]] == ["Host"]
    assert {name: listed[name] for name in told} == told


def test_everybody_is_listed_their_own(world: World, studio: Studio) -> None:
    anna, own = world.client("anna"), world.principal_id("anna")
    asked = {"studioId": studio.id, "principalId": own}
    assert list(anna.pages("ListLaunchProfileAvailabilities", **asked)) == []
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio.id,
        launchProfileId=studio.profile_id,
        identityStoreId=IDENTITY_STORE_ID,
        members=[{"principalId": own, "persona": "USER"}],
    )
    assert len(list(anna.pages("ListLaunchProfileAvailabilities", **asked))) == 1
    failed = list(anna.pages("ListLaunchProfileAvailabilities", **asked, states=["CREATE_FAILED"]))
    assert failed == []


def test_capacity_and_quotas_of_a_studio_are_told(world: World, studio: Studio) -> None:
    world.engine.most_workstations = 4
    studio.launch()
    told = world.operator.call("GetStudioCapacity", studioId=studio.id)
    place = told["place"]
    assert (place["workstations"], place["promised"]["cpus"]) == (1, 4.0)
    assert place["toPromise"] == {"cpus": 16.0, "gpus": 0, "memoryInBytes": 64 * 1024**3}
    quotas = {each["quota"]: each for each in told["quotas"]}
    assert quotas["streaming sessions"] == {
        "quota": "streaming sessions",
        "name": "sessions",
        "value": 500,
        "used": 1,
    }
    assert quotas["webhooks"]["used"] == 0
    assert quotas["launch profiles"]["used"] == quotas["studio components"]["used"] == 1
    assert "used" not in quotas["streaming sessions per user"]
    assert {each["freePlaces"] for each in told["instanceTypes"]} == {3}


@pytest.mark.parametrize(
    "settings",
    [{"instance_types": {"g5.xlarge": {"memory_gib": 12}}, "images": {"ami-film": "film"}}],
)
def test_the_catalogue_is_what_the_settings_make_of_it(world: World) -> None:
    told = world.operator.call("GetCatalogue")
    types = {each["ec2InstanceType"]: each for each in told["instanceTypes"]}
    assert len(types) == 13
    assert types["g5.xlarge"] == {
        "ec2InstanceType": "g5.xlarge",
        "cpus": 4.0,
        "gpus": 1,
        "memoryInGib": 12.0,
    }
    assert types["g3s.xlarge"]["memoryInGib"] == 30.5
    assert told["images"] == [
        {"ec2ImageId": "ami-film", "engineImage": "film"},
        {"ec2ImageId": "ami-host", "engineImage": "host"},
    ]
