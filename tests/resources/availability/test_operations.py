"""GetLaunchProfileAvailability on the wire."""

from datetime import timedelta

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
