"""Measured starts."""

from datetime import timedelta

from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.resources.sessions.starts import lengths
from soundstage.testing.walks import Studio
from soundstage.testing.world import World


def measured(world: World, studio: Studio) -> list[timedelta]:
    with world.service.database.transaction(write=False) as transaction:
        found = lengths(transaction, {studio.profile_id, "another"})
    assert found["another"] == []
    return found[studio.profile_id]


def test_starts_are_measured_and_failures_are_not(world: World, studio: Studio) -> None:
    assert measured(world, studio) == []
    session = studio.launch()
    studio.stop(session)
    studio.start(session)
    found = measured(world, studio)
    assert len(found) == 2
    assert all(timedelta(0) < each < timedelta(seconds=30) for each in found)
    world.engine.most_workstations = 0
    world.operator.call(
        "CreateStreamingSession", studioId=studio.id, launchProfileId=studio.profile_id
    )
    world.advance(timedelta(minutes=2))
    assert measured(world, studio) == found


def test_a_start_is_told_what_the_last_ones_like_it_had(world: World, studio: Studio) -> None:
    session = studio.launch()
    for _ in range(3):
        studio.stop(session)
        studio.start(session)
    studio.stop(session)
    world.engine.misbehave(Misbehaviour.ANSWERS_LATE)
    studio.call("StartStreamingSession", session)
    found = world.see(session)
    assert [step["step"] for step in found["startSteps"]] == ["CAPACITY"]
    steps = [*found["startSteps"], *found["startStepsAhead"]]
    assert [step["step"] for step in steps] == ["CAPACITY", "DISK", "DESKTOP"]
    usual = sum(step["usualSeconds"] for step in steps)
    assert 0 < found["startRemainingSeconds"] <= usual < 10
    (listed,) = world.operator.call("ListStreamingSessions", studioId=studio.id)["sessions"]
    assert listed == found
    world.advance(timedelta(minutes=1))
    ready = world.see(session)
    assert ready["state"] == "READY"
    assert not {"startStepsAhead", "startRemainingSeconds"} & ready.keys()
    # A first start is another kind of start: what it takes was measured once.
    world.engine.misbehave(Misbehaviour.ANSWERS_LATE)
    other = world.operator.call(
        "CreateStreamingSession", studioId=studio.id, launchProfileId=studio.profile_id
    )["session"]
    first = world.see(other)
    assert "startRemainingSeconds" not in first
    assert [sorted(step) for step in first["startStepsAhead"]] == [["step"], ["step"]]


def test_a_crowd_that_starts_hides_no_past(world: World, studio: Studio) -> None:
    for _ in range(3):
        studio.launch()
    world.engine.misbehave(Misbehaviour.NEVER_STARTS)
    wish = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    for _ in range(5):
        made = world.operator.call("CreateStreamingSession", **wish)["session"]
    assert len(measured(world, studio)) == 3
    assert "startRemainingSeconds" in world.see(made)
