"""Measured starts."""

from datetime import timedelta

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
