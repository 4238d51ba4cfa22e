"""Availabilities on the wire: of one launch profile, and of all that one may use."""

from datetime import timedelta

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
