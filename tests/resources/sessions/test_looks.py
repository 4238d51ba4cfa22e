"""The looks of sessions: they change when a person would see something else, and only then."""

from datetime import timedelta

from soundstage.resources.sessions.looks import looks_of
from soundstage.testing.walks import Studio
from soundstage.testing.world import World


def look(world: World, owner: str) -> str:
    with world.service.database.transaction(write=False) as transaction:
        return looks_of(transaction, [owner, "nobody"])[owner]


def test_each_step_of_a_life_is_seen_and_rest_is_not(world: World, studio: Studio) -> None:
    owner = world.principal_id("operator")
    seen = [look(world, owner)]
    session = studio.launch()
    seen.append(look(world, owner))
    studio.call("StopStreamingSession", session)
    seen.append(look(world, owner))
    world.advance(timedelta(minutes=1))
    seen.append(look(world, owner))
    assert len(set(seen)) == len(seen)
    world.advance(timedelta(minutes=5))
    assert look(world, owner) == seen[-1]
    assert look(world, "nobody") == seen[0]
