"""A start is told step by step by whichever service somebody asks, on both databases."""

from datetime import timedelta

from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.testing.walks import Studio


def test_each_service_tells_the_same_of_a_start(either_studio: Studio) -> None:
    world = either_studio.world
    session = either_studio.launch()
    either_studio.stop(session)
    world.engine.misbehave(Misbehaviour.ANSWERS_LATE)
    (backup,) = either_studio.backups("READY")
    either_studio.call("StartStreamingSession", session, backupId=backup["backupId"])
    world.advance(timedelta(seconds=5))
    going = world.see(session)["startSteps"]
    assert [step["step"] for step in going] == ["CAPACITY", "DISK", "DESKTOP"]
    world.restart()
    assert world.see(session)["startSteps"] == going
    world.advance(timedelta(seconds=30))
    steps = world.see(session)["startSteps"]
    assert [step["seconds"] for step in steps] == [0, 3, 20]


def test_each_service_tells_the_same_of_what_is_ahead(either_studio: Studio) -> None:
    world = either_studio.world
    session = either_studio.launch()
    for _ in range(3):
        either_studio.stop(session)
        either_studio.start(session)
    either_studio.stop(session)
    world.engine.misbehave(Misbehaviour.ANSWERS_LATE)
    either_studio.call("StartStreamingSession", session)
    going = world.see(session)
    ahead = [step["step"] for step in going["startStepsAhead"]]
    assert ahead == ["DISK", "DESKTOP"]
    assert going["startRemainingSeconds"] > 0
    world.restart()
    assert world.see(session) == going
